"""Locks on files and folders that end with the process that holds them, however it ends.

So what a killed process has left is told from what another one is at work on.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder while the block runs; wait for it.

    Where the file system has no locks, the block runs without one.
    """
    handle = _open(path)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Tell whether anybody may hold the lock of a file or folder that is there.

    Where the file system has no locks, nobody knows: then it counts as held.
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
    # NFS locks no file that was opened for reading only.
    return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
