"""Locks on files and folders, which end with the process that holds them, however it ends.

So a file that a killed process has left can be told from one that another process is using.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Wait for the lock of a file or folder, and hold it while the block runs.

    On a file system without locks, the block runs without one.
    """
    handle = _open(path)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Tell whether any process may hold the lock of an existing file or folder.

    On a file system without locks this cannot be known, so the lock counts as held.
    """
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _open(path: Path) -> int:
    # NFS does not lock a file that was opened for reading only.
    return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
