"""Fixtures of the fault suite."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import pytest
from distributed import Client
from fixture_types import Ffmpeg, MakeClip
from harness import SETTINGS, Frames, Processes, Run, StartCluster, StartRun, decoded
from magenta import excess

import redact_dask


@pytest.fixture(scope="session")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip, ffmpeg: Ffmpeg, carphone: Path
) -> Path:
    """A source of three clips of three chunks each: two made ones with sound, and a real one.

    On each frame is a magenta square.
    """
    folder = tmp_path_factory.mktemp("fleet")
    make_clip(folder / "a.mp4", frames=75)
    make_clip(folder / "car" / "b.mkv", frames=81)
    square = "drawbox=x=120:y=40:w=24:h=24:color=magenta:t=fill"
    codec = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "15", "-sc_threshold", "0"]
    ffmpeg("-i", carphone, "-vf", square, *codec, "-frames:v", "75", folder / "real.mp4")
    return folder


@pytest.fixture(scope="session")
def undisturbed(fleet: Path, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """The frames as a run makes them that nothing happens to; none shows the square."""
    destination = tmp_path_factory.mktemp("undisturbed")
    names = [str(path.relative_to(fleet)) for path in fleet.rglob("*.m*")]
    assert redact_dask.redact(fleet, destination, SETTINGS, client).published == len(names) == 3
    for name in names:
        assert min(magenta(fleet / name)) > 0.01
        assert max(magenta(destination / name)) == 0
    return {name: decoded(str(destination / name)) for name in names}


def magenta(video: Path) -> Iterator[float]:
    """Yield the share of each frame that is magenta."""
    with av.open(video) as container:
        for frame in container.decode(video=0):
            yield float((excess(frame.to_ndarray(format="rgb24")) > 60).mean())


@pytest.fixture(scope="session")
def cluster(s3_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A cluster that outlives the tests: only its workers end, and others come."""
    started = Processes(tmp_path_factory.mktemp("cluster"))
    yield started
    started.close()


@pytest.fixture
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartCluster]:
    """Start a cluster of the test's own."""
    clusters: list[Processes] = []

    def start(**environment: str) -> Processes:
        clusters.append(Processes(tmp_path_factory.mktemp("cluster"), **environment))
        return clusters[-1]

    yield start
    for started in clusters:
        started.close()


@pytest.fixture
def start_run(fleet: Path) -> Iterator[StartRun]:
    """Start a run over the fleet; it is killed at the end of the test if it still lives."""
    runs: list[Run] = []

    def start(
        destination: object, reach: Mapping[str, Any], source: object = fleet, **options: Any
    ) -> Run:
        runs.append(Run(source, destination, reach, **options))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.communicate()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = shutil.which("mount")
    command = ["-t", "tmpfs", "-o", "size=8m,mode=1777", "tmpfs", folder]
    made = mount and subprocess.run([mount, *command], check=False, capture_output=True)
    if not made or made.returncode:
        pytest.skip("this machine does not let a test mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
