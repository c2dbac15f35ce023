"""Folders on this machine's disk for what a task makes, which no other user can read.

They lie in one folder of the user's, below the one for temporary files (``TMPDIR``). Each is locked
while it is in use: one that is not was left by a process that was killed, and is swept.
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
    """Give an empty folder while the block runs.

    Raises
    ------
    UsageError
        The user's folder is not private.
    """
    root = _root()
    with ExitStack() as lock:
        # Who sweeps sees it with its lock, or not at all.
        with locks.held(root):
            path = Path(tempfile.mkdtemp(dir=root))
            lock.enter_context(locks.held(path))
        try:
            yield path
        finally:
            with locks.held(root):
                shutil.rmtree(path)


def sweep() -> None:
    """Remove the folders of the processes that have been killed.

    Raises
    ------
    UsageError
        The user's folder is not private.
    """
    root = _root()
    with locks.held(root):
        for path in root.iterdir():
            if not locks.is_held(path):
                shutil.rmtree(path)


def _root() -> Path:
    path = Path(tempfile.gettempdir(), f"redact_dask-{os.geteuid()}")
    path.mkdir(mode=0o700, exist_ok=True)
    # Others may write to the folder for temporary files too, and could have made it for us.
    found = path.lstat()
    private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    if not private or found.st_uid != os.geteuid():
        raise UsageError(
            f"{path} is not a folder that only this user may use; remove it, or set TMPDIR"
        )
    return path
