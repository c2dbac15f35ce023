"""Accounts that cannot work on what each other makes are told."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from distributed import Client

from redact_dask.cluster import accounts
from redact_dask.cluster.accounts import _Places

OTHER = 20_001
"""Number of an account and of a group that nobody has."""


@contextmanager
def another() -> Iterator[None]:
    """Be another account, which is in a group of the same number, while the block runs."""
    group = os.getegid()
    os.setegid(OTHER)
    os.seteuid(OTHER)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that all accounts reach: those of pytest are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name, "redacted")
        folder.mkdir()
        yield folder


def unshared(folder: Path) -> None:
    folder.chmod(0o777)


def shared(folder: Path) -> None:
    shutil.chown(folder, group=OTHER)
    folder.chmod(0o2770)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
@pytest.mark.parametrize(("prepare", "works"), [(unshared, False), (shared, True)])
def test_what_another_account_makes_can_be_worked_on_if_a_group_owns_the_folder(
    open_folder: Path, prepare: Callable[[Path], None], works: bool
) -> None:
    prepare(open_folder)
    places = _Places([str(open_folder)], "check")
    places.make()
    with another():
        places.make()
        told = places.try_those_of([0, OTHER])
        places.remove()
    places.remove()
    assert not [*open_folder.iterdir()]
    says = f"is account {OTHER}, and cannot read and write what account 0 makes in {open_folder}"
    assert (told == "") if works else told.startswith(says)


def test_one_account_has_nothing_to_try(client: Client, tmp_path: Path) -> None:
    assert accounts.troubles(client, [str(tmp_path)]) is None
    assert not [*tmp_path.iterdir()]
