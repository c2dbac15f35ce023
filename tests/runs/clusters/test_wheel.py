"""``dask scheduler`` and ``dask worker`` of the wheel, for ``configs/scheduler.yaml``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port
from ready import Fleet, with_names

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def address(fleet: Fleet, tmp_path: Path) -> Iterator[str]:
    """A scheduler with two workers."""
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = [fleet.installed.python, "-m", "dask"]
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    worker = ["worker", address, "--nthreads", "1", "--nworkers", "2"]
    with (tmp_path / "log").open("wb") as log:
        running = [
            subprocess.Popen(
                [*dask, *options, "--no-dashboard"],
                cwd=tmp_path,
                env=fleet.installed.environment,
                stdout=log,
                stderr=log,
            )
            for options in (scheduler, worker)
        ]
    yield address
    for process in reversed(running):
        process.terminate()
    for process in running:
        process.wait(30)


def test_a_scheduler_and_workers_of_the_wheel(address: str, fleet: Fleet, tmp_path: Path) -> None:
    config = with_names("scheduler", tmp_path, {"tcp://127.0.0.1:8786": address})
    fleet.publishes_the_same_bytes_whoever_dies(tmp_path, config)
