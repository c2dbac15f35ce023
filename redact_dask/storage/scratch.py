"""Temporary folders on this machine's disk that no other user can read.

They lie in one folder for each user, below the folder for temporary files (``TMPDIR``). Each is
locked while it is in use. A killed process leaves its folder unlocked, and `sweep` removes it.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redact_dask.errors import UsageError
from redact_dask.storage import locks


@contextmanager
def folder() -> Iterator[Path]:
    """Yield an empty folder, which is removed after the block.

    Raises
    ------
    UsageError
        Other users may use this user's folder, or it belongs to one of them; or there is no place
        for it.
    """
    root = _root()
    with ExitStack() as lock:
        # With the root locked, no sweep sees the folder before it has its own lock.
        with locks.held(root):
            path = Path(tempfile.mkdtemp(dir=root))
            lock.enter_context(locks.held(path))
        try:
            yield path
        finally:
            with locks.held(root):
                shutil.rmtree(path)


def parent() -> str:
    """Return the folder for temporary files.

    Raises
    ------
    UsageError
        There is none that can be written to.
    """
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        raise UsageError(
            "no folder for temporary files can be written to; set TMPDIR to one that can"
        ) from None


def sweep() -> None:
    """Remove the folders that killed processes have left.

    Raises
    ------
    UsageError
        Other users may use this user's folder, or it belongs to one of them; or there is no place
        for it.
    """
    root = _root()
    with locks.held(root):
        for path in root.iterdir():
            if not locks.is_held(path):
                shutil.rmtree(path)


def _root() -> Path:
    """Return the user's folder; create it if it does not exist."""
    path = Path(parent(), f"redact_dask-{os.geteuid()}")
    path.mkdir(mode=0o700, exist_ok=True)
    # Other users can write to the folder for temporary files, so one of them may have made it.
    found = path.lstat()
    private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    if not private or found.st_uid != os.geteuid():
        raise UsageError(
            f"{path} is not a folder that only this user may use; remove it, or set TMPDIR"
        )
    return path
