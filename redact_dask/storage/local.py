"""What is peculiar to local file systems: writing a file atomically, and listing folders.

A file is written under a temporary name, which is then renamed.

Temporary files lie in a hidden folder beside the target, so that what killed processes have left
there is found without listing the target's own folder, which may hold a hundred thousand names.
The folder goes with the last file in it.

Accounts that share a file system may each work on what another has made if a group owns the
destination, may write there, and hands itself down (``chmod 2770``). What is made below such a
folder gets the same rights for the group, whatever the umask of the process says.
"""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from redact_dask.storage import locks

TEMPORARY = ".redact_dask-"
"""Begin of the names of folders with temporary files."""
_SHARED = stat.S_ISGID | stat.S_IWGRP
"""Rights of a folder that a group shares: it may write there, and owns what is made there."""


@contextmanager
def written(path: str, check: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """Yield a new, locked file; rename it to the target after the block.

    Parameters
    ----------
    path
        The target.
    check
        Is called right before the renaming, when all is on the disk. If it raises an error, the
        target stays as it is.

    Raises
    ------
    PermissionError
        This account may not write there; whose folder it is, is told.
    """
    target = Path(path)
    # A folder of another user, such as root, would be closed to this one.
    folder = target.parent / f"{TEMPORARY}{os.geteuid()}"
    # The target's name is not used in it, since that may be as long as a name can be.
    part = folder / f"{uuid.uuid4().hex}.part"
    with ExitStack() as lock:
        while not part.exists():
            # Another run may prune the folder meanwhile, or sweep a file that is not locked yet.
            with suppress(FileNotFoundError), told(target.parent):
                _make(folder)
                part.touch()
                _share(part, stat.S_IRGRP | stat.S_IWGRP)
                lock.enter_context(locks.held(part))
        try:
            _sweep(folder)
            yield part
            with part.open("rb") as file:
                os.fsync(file.fileno())
            check()
            with told(target.parent):
                part.replace(target)
        finally:
            part.unlink(missing_ok=True)
            with suppress(OSError):  # Another process is writing there, or has removed it.
                folder.rmdir()


def _make(folder: Path) -> None:
    """Create a folder, and those that it lies in, if they do not exist."""
    if folder.is_dir():
        return
    _make(folder.parent)
    if not _is_shared(folder.parent):
        folder.mkdir(exist_ok=True)
        return
    # Under its own name, others might find it before their group may write there.
    new = folder.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    new.mkdir()
    _share(new, stat.S_IRWXG | stat.S_ISGID)
    try:
        new.rename(folder)
    except OSError as error:
        new.rmdir()
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _is_shared(folder: Path) -> bool:
    return folder.stat().st_mode & _SHARED == _SHARED


def _share(made: Path, rights: int) -> None:
    """Give something new those rights that a group has in the folder, if it shares the folder."""
    if _is_shared(made.parent):
        found = made.parent.stat().st_mode & rights
        made.chmod(stat.S_IMODE(made.stat().st_mode) | found)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Let an error of permissions in a folder tell whose it is, and what to do about it."""
    try:
        yield
    except PermissionError as error:
        found = next(place for place in (folder, *folder.parents) if place.is_dir())
        owner, own = found.stat().st_uid, os.geteuid()
        if owner == own:
            raise
        raise PermissionError(
            error.errno,
            f"account {own} may not write to a folder of account {owner}; let a group that both "
            "are in own the destination, and chmod 2770 it before the first run",
            str(found),
        ) from None


def _sweep(folder: Path) -> None:
    """Remove temporary files whose processes were killed before they could rename them."""
    for part in folder.glob("*.part"):
        with suppress(FileNotFoundError):  # Its process has renamed it by now.
            if not locks.is_held(part):
                part.unlink()


def pages(fs: Any, path: str, skip: Container[str]) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the files of one folder after the other: first its own, then those of its folders."""
    # fsspec's own walk is not used, since it silently leaves out folders that it cannot list.
    top = path.rstrip("/") or path
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            listed = sorted(fs.ls(folder, detail=True), key=lambda found: str(found["name"]))
        except FileNotFoundError:
            continue  # The folder was removed meanwhile, or never existed.
        except PermissionError:
            if folder.endswith("/lost+found"):
                continue  # The file system itself keeps this folder at its root.
            raise
        kept = [found for found in listed if folder != top or _name(found) not in skip]
        below = [found["name"] for found in kept if found["type"] == "directory"]
        waiting += reversed(below)
        yield {found["name"]: found for found in kept if found["type"] != "directory"}


def _name(found: dict[str, Any]) -> str:
    return str(found["name"]).rstrip("/").rpartition("/")[2]
