"""Jobs of a Slurm cluster, as ``configs/slurm.yaml`` describes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm
from ready import Fleet, with_names

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(slurm.missing()), reason=slurm.missing()),
]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[slurm.Slurm]:
    """A Slurm cluster with one node."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    started = slurm.Slurm(folder)
    yield started
    started.close()


def test_jobs_of_slurm(cluster: slurm.Slurm, fleet: Fleet, tmp_path: Path) -> None:
    sizes = {"cores: 8  ": "cores: 2  ", "processes: 8": "processes: 2", "16 GB": "4 GB"}
    names = {"10.0.0.1 ": "127.0.0.1 ", "minimum: 8": "minimum: 2"}
    fleet.publishes_the_same_bytes_whoever_dies(
        tmp_path,
        with_names("slurm", tmp_path, names | sizes),
        environment=cluster.environment,
    )
    fleet.wait_for_the_end()
    assert not cluster.ask("squeue", "-h")
