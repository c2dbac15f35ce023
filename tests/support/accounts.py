"""Accounts of this machine that a test makes, and removes again."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Account:
    """An account that may not do more than any other."""

    name: str
    number: int


@contextmanager
def accounts(group: str, *names: str) -> Iterator[list[Account]]:
    """Make accounts with homes of their own that are in a new group; skip the test if we may not.

    Parameters
    ----------
    group
        Name of the group.
    names
        Names of the accounts.
    """
    if os.geteuid() != 0:
        pytest.skip("only root makes accounts")
    _run("groupadd", group)
    try:
        for name in names:
            # With "!" as the password, which is the default, SSH lets nobody in.
            given = ["--create-home", "--password", "*", "--shell", "/bin/sh"]
            _run("useradd", *given, "--groups", group, name)
        yield [Account(name, int(_run("id", "-u", name))) for name in names]
    finally:
        for name in names:
            subprocess.run(["userdel", "--remove", name], check=False, capture_output=True)
        _run("groupdel", group)


def open_for_all(umask: int, folders: Sequence[Path]) -> list[str]:
    """Return what a command begins with that is to run with a umask, and with some folders open.

    Python, and what lies in pytest's folders, may be closed to all but root. The command and its
    processes see nothing else in the places that are closed.

    Parameters
    ----------
    umask
        The umask.
    folders
        Folders that any account must reach, besides those of Python.
    """
    python = (Path(sys.base_prefix), Path(sys.prefix), Path(sysconfig.get_path("purelib")))
    needed = [folder.resolve() for folder in (*python, *folders)]
    closed = {found for folder in needed if (found := _closed(folder))}
    lines = ["set -e", "mount -t tmpfs none /mnt"]
    for number, folder in enumerate(needed):
        place = shlex.quote(str(folder))
        lines += [f"mkdir /mnt/{number}", f"mount --bind {place} /mnt/{number}"]
    lines += [f"mount -t tmpfs -o mode=755 none {shlex.quote(str(place))}" for place in closed]
    for number, folder in enumerate(needed):
        if _closed(folder):
            place = shlex.quote(str(folder))
            lines += [f"mkdir -p {place}", f"mount --bind /mnt/{number} {place}"]
    lines += [f"umask {umask:03o}", 'exec "$@"']
    return ["unshare", "--mount", "sh", "-c", "\n".join(lines), "opened"]


def _closed(folder: Path) -> Path | None:
    """Return the first folder on the way that others may not pass; None: they may pass all."""
    for place in reversed(folder.parents):
        if not place.stat().st_mode & stat.S_IXOTH:
            return place
    return None


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
