"""Checks whether accounts that share a file system can work on what each of them makes there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Sequence
from functools import partial

from distributed import Client

from redact_dask import storage


def troubles(client: Client, folders: Collection[str]) -> list[str] | None:
    """Return, in a sentence each, which account cannot work on what another one makes.

    Parameters
    ----------
    client
        Client of the cluster.
    folders
        URLs of the folders that all accounts write to: each can, in the folder itself.

    Returns
    -------
    The sentences; None if the driver and all workers are one account, or share no file system.
    """
    own = os.geteuid()
    worker_of = {account: worker for worker, account in client.run(os.geteuid).items()}
    others = {account: worker for account, worker in worker_of.items() if account != own}
    shared = [folder for folder in folders if storage.local_path(folder)]
    if not others or not shared:
        return None
    run = partial(client.run, workers=[*others.values()])
    places = _Places(shared, uuid.uuid4().hex)
    try:
        places.make()
        run(places.make)
        accounts = [own, *others]
        found = {"the driver": places.try_those_of(accounts)}
        tried = run(places.try_those_of, accounts)
        found |= {f"worker {worker}": trouble for worker, trouble in tried.items()}
    finally:
        run(places.remove)
        places.remove()
    return [f"{who} {trouble}" for who, trouble in found.items() if trouble]


class _Places:
    """A folder of each account below each of some folders, with a file, as a run makes them."""

    def __init__(self, folders: Sequence[str], name: str) -> None:
        self._folders = folders
        self._name = name

    def make(self) -> None:
        for folder in self._folders:
            storage.write(storage.join(self._of(folder, os.geteuid()), "file"), b"1")

    def try_those_of(self, accounts: Sequence[int]) -> str:
        """Return what cannot be done with the others', as the rest of a sentence; empty: all can.

        Parameters
        ----------
        accounts
            Numbers of all accounts.
        """
        own = os.geteuid()
        for folder in self._folders:
            for account in accounts:
                place = self._of(folder, account)
                try:
                    storage.read(storage.join(place, "file"))
                    storage.write(storage.join(place, f"{own}"), b"1")
                except PermissionError:
                    return (
                        f"is account {own}, and cannot read and write what account {account} makes "
                        f"in {folder}: let a group that both are in own that folder, and chmod "
                        "2770 it before the first run, or write to S3"
                    )
        return ""

    def remove(self) -> None:
        for folder in self._folders:
            storage.remove(self._of(folder, os.geteuid()))

    def _of(self, folder: str, account: int) -> str:
        return storage.join(folder, f".redact_dask-{self._name}-{account}")
