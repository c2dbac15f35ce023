"""A lock ends with its process, and with nothing else."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from redact_dask.storage import locks


@pytest.fixture(params=["file", "folder"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What is locked."""
    path = tmp_path / "place"
    if request.param == "file":
        path.touch()
    else:
        path.mkdir()
    return path


def test_a_lock_is_held_by_one_at_a_time(place: Path) -> None:
    turns = []

    def wait() -> None:
        with locks.held(place):
            turns.append("second")

    second = threading.Thread(target=wait)
    with locks.held(place):
        assert locks.is_held(place)
        second.start()
        second.join(0.2)
        turns.append("first")
    second.join(10)
    assert turns == ["first", "second"]
    assert not locks.is_held(place)


def test_a_program_that_was_started_meanwhile_does_not_hold_it(place: Path) -> None:
    with locks.held(place):
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        assert not locks.is_held(place)
    finally:
        child.kill()
        child.wait()


def test_where_there_are_no_locks_all_may_be_held(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locks.held(place):
        pass
    assert locks.is_held(place)
