"""Two runs must not work on the same videos of one destination at once.

A run leaves a small file there, and renews it while it lives. Runs of different shards of the same
number get along. The file of a run that was killed counts for a while, unless its process is known
to be gone. Then the next run takes it away, and what is left of the first, a worker that was cut
off or a driver that was asleep, publishes nothing more.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from redact_dask import storage
from redact_dask.errors import SourceError
from redact_dask.storage import layout

RENEWED_S = 20.0
"""Time between two renewals, seconds."""
VALID_S = 120.0
"""Time that a lease counts after its last renewal, seconds: clocks of two machines may differ."""


@contextmanager
def acquire(destination: str, run: str, shards: tuple[int, int]) -> Iterator[str]:
    """Hold the lease of a shard of a destination while the block runs; yield the file's URL.

    Parameters
    ----------
    destination
        URL of its root.
    run
        Name of the run.
    shards
        Number of the shard, from 1, and of all shards.

    Raises
    ------
    SourceError
        Another run is at work there.
    """
    url = layout.lease(destination, run)
    folder = url.rpartition("/")[0]
    where = {"host": socket.gethostname(), "place": _place()}
    own = _process(os.getpid()) | where | {"shards": shards}

    def renew() -> None:
        storage.write(url, json.dumps(own | {"renewed": time.time()}).encode())

    was_there = storage.exists(destination)
    # Written before the others are read: of two that begin together, both see each other.
    renew()
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(url, renew, ended), daemon=True)
    try:
        _refuse_others(folder, f"{run}.json", shards)
        renewing.start()
        yield url
    finally:
        ended.set()
        if renewing.is_alive():
            renewing.join()
        storage.remove(url)
        storage.prune(folder)
        if not was_there:
            storage.prune(destination)  # Nothing was done: nothing is left.


def is_valid(url: str) -> bool:
    """Tell whether the run of a lease goes on: its file is there."""
    try:
        storage.read(url)  # Whether a file exists, some stores answer with no when they are away.
    except FileNotFoundError:
        return False
    return True


def _renew(url: str, renew: Callable[[], None], ended: threading.Event) -> None:
    while not ended.wait(RENEWED_S):
        try:
            if not is_valid(url):
                return  # Another run has taken over.
            renew()
        except storage.FAILURES:
            continue  # The store is away: the run itself learns that soon enough.


def _refuse_others(folder: str, own: str, shards: tuple[int, int]) -> None:
    for url in storage.find(folder):
        name = url.rpartition("/")[2]
        if name == own or not name.endswith(".json") or name.startswith("."):
            continue
        try:
            other = json.loads(storage.read(url))
            number, of = other["shards"]
            age = time.time() - other["renewed"]
            process = _process(other["process"])
            dead = other["place"] == _place() and other["started"] != process["started"]
        except (FileNotFoundError, ValueError, LookupError, TypeError):
            continue  # It has ended meanwhile, or is no lease.
        if of == shards[1] and number != shards[0]:
            continue
        if dead or age > VALID_S:
            storage.remove(url)
            continue
        raise SourceError(
            f"another run, process {other['process']} on {other['host']}, is at work on this "
            f"destination, seen {max(age, 0):.0f} s ago; if it was killed, try again in "
            f"{VALID_S - age:.0f} s, or delete {url}"
        )


def _place() -> str:
    """Name the processes that have the numbers which are seen here: host, boot, namespace."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if not boot.exists() or not namespace.exists():
        return socket.gethostname()
    return f"{socket.gethostname()} {boot.read_text().strip()} {namespace.stat().st_ino}"


def _process(number: int) -> dict[str, Any]:
    """Return the number of a process of this place, and when it was started; None: it is gone."""
    try:
        return {"process": number, "started": psutil.Process(number).create_time()}
    except psutil.NoSuchProcess:
        return {"process": number, "started": None}
