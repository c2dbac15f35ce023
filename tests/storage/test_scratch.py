"""Folders for what a task makes: nobody else can read them, and none is left for long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from redact_dask.errors import UsageError
from redact_dask.storage import scratch

STAY = """
import signal
from redact_dask.storage import scratch
with scratch.folder() as folder:
    (folder / "joined.mp4").touch()
    print(folder, flush=True)
    signal.pause()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_folder_is_private_and_gone_afterwards(temporary: Path) -> None:
    old = os.umask(0)
    try:
        with scratch.folder() as folder:
            (folder / "file").touch()
            assert (folder.stat().st_mode & 0o777, folder.parent.stat().st_mode & 0o777) == (
                0o700,
                0o700,
            )
            assert folder.parent.parent == temporary
    finally:
        os.umask(old)
    assert not folder.exists()


def test_what_a_killed_process_has_left_is_swept() -> None:
    processes, folders = [], []
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", STAY], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        processes.append(process)
        folders.append(Path(process.stdout.readline().strip()))
    try:
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        with scratch.folder() as own:
            assert all(folder.exists() for folder in folders)
            scratch.sweep()
            assert [folder.exists() for folder in (*folders, own)] == [False, True, True]
        assert (folders[1] / "joined.mp4").exists()
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o755)


def a_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    path.symlink_to(elsewhere)


def somebody_elses(path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can make a folder that is somebody else's")
    path.mkdir(mode=0o700)
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize("make", [open_to_all, a_link, somebody_elses])
def test_a_place_that_others_may_use_is_refused(
    make: Callable[[Path], None], temporary: Path
) -> None:
    make(temporary / f"redact_dask-{os.geteuid()}")
    with pytest.raises(UsageError, match=f"redact_dask-{os.geteuid()} is not a folder that only"):
        scratch.sweep()
    with pytest.raises(UsageError, match="remove it, or set TMPDIR"), scratch.folder():
        pass
