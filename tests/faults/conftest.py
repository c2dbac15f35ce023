"""Fixtures of the fault suite."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from distributed import Client
from harness import NAMES, SETTINGS, Frames, Hold, Processes, Run, StartRun, decoded

import redact_dask


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, make_clip: Callable[..., Path]) -> Path:
    """A source of three clips with sound, each of three chunks."""
    folder = tmp_path_factory.mktemp("fleet")
    for number, name in enumerate(NAMES):
        make_clip(folder / name, frames=75 + 6 * number)
    return folder


@pytest.fixture(scope="session")
def undisturbed(fleet: Path, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """Hashes of the decoded frames as a run makes them that nothing happens to."""
    destination = tmp_path_factory.mktemp("undisturbed")
    summary = redact_dask.redact(fleet, destination, SETTINGS, client)
    assert summary.published == len(NAMES)
    for name in NAMES:
        with av.open(str(destination / name)) as container:
            for frame in container.decode(video=0):
                blue, green, red = np.moveaxis(frame.to_ndarray(format="bgr24").astype(int), 2, 0)
                strong = (np.minimum(blue, red) - green) > 80
                assert strong.mean() < 0.005, "the magenta square is to be seen"
    return {name: decoded(str(destination / name)) for name in NAMES}


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """A cluster of real processes."""
    started = Processes(tmp_path)
    try:
        yield started
    finally:
        started.close()


@pytest.fixture
def hold(processes: Processes, tmp_path: Path) -> Callable[[str, str], Hold]:
    """Hold a stage ``before`` or ``after`` its work."""

    def make(stage: str, when: str) -> Hold:
        return Hold(tmp_path, processes.address, stage, when)

    return make


@pytest.fixture
def start_run() -> Iterator[StartRun]:
    """Start a run; it is killed at the end of the test if it still lives."""
    runs: list[Run] = []

    def start(*arguments: object, **options: object) -> Run:
        runs.append(Run(*arguments, **options))  # type: ignore[arg-type]
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], check=False, capture_output=True
    )
    if not made or made.returncode:
        pytest.skip("this machine does not let a test mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
