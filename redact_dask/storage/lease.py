"""Leases, which keep two runs from working on the same videos of one destination at once.

A run writes a small lease file there, and renews it while it goes on. Runs of different shards may
go on side by side if they divide the source into the same number of shards. The lease of a killed
run expires after two minutes, or as soon as its process is known to be gone. Then the next run
removes the file. Whatever is left of the first run, such as a worker that was cut off or a driver
that was asleep, sees that its lease is gone, and publishes nothing more.
"""

from __future__ import annotations

import json
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from redact_dask import storage
from redact_dask.errors import RunEnded, SourceError
from redact_dask.storage import layout

RENEWED_S = 20.0
"""Time between two renewals of a lease, seconds."""
VALID_S = 120.0
"""Time after its last renewal until a lease expires, seconds: two machines' clocks may differ."""


@contextmanager
def acquire(destination: str, run: str, shards: tuple[int, int]) -> Iterator[str]:
    """Hold the lease of a shard of a destination while the block runs; yield the lease file's URL.

    Parameters
    ----------
    destination
        URL of the destination's root.
    run
        Name of the run.
    shards
        The shard's number, from 1, and the number of shards.

    Raises
    ------
    SourceError
        Another run is at work on the same shard, or divides the source into another number of
        shards.
    """
    url = layout.lease(destination, run)
    folder = url.rpartition("/")[0]
    where = {"host": socket.gethostname(), "place": _place()}
    own = _process(os.getpid()) | where | {"shards": shards}

    def renew() -> None:
        storage.write(url, json.dumps(own | {"renewed": time.time()}).encode())

    was_there = storage.exists(destination)
    # Write before reading the others, so that of two runs that begin at once, each sees the other.
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
            storage.prune(destination)  # If nothing was published, leave nothing behind.


def holders(destination: str) -> dict[str, bool]:
    """Return whether the lease of each run that holds one is valid still, by the run's name.

    A run whose lease is not valid any more was killed, or cannot reach the store.
    """
    found = {}
    for url in storage.find(layout.lease(destination, "run").rpartition("/")[0]):
        name = url.rpartition("/")[2]
        if name.endswith(".json") and not name.startswith("."):
            with suppress(FileNotFoundError):  # The run has ended meanwhile.
                found[name.removesuffix(".json")] = _is_fresh(storage.read(url))
    return found


def is_valid(url: str) -> bool:
    """Tell whether a run still holds its lease: whether the lease file exists."""
    try:
        storage.read(url)  # Asked whether a file exists, some stores say no if they are down.
    except FileNotFoundError:
        return False
    return True


def check(url: str | None) -> None:
    """Raise `RunEnded` if a run has lost its lease; None: there is no run."""
    if url and not is_valid(url):
        raise RunEnded("its lease of the destination is gone: another run has taken over")


def _is_fresh(content: bytes) -> bool:
    """Tell whether the process of a lease file lives, as far as is known, and has renewed it."""
    try:
        return _age(json.loads(content)) <= VALID_S
    except (ValueError, LookupError, TypeError):
        return False


def _age(other: dict[str, Any]) -> float:
    """Return how long ago a lease was renewed, seconds; infinite: its process is gone."""
    started = _process(other["process"])["started"]
    if other["place"] == _place() and other["started"] != started:
        return math.inf
    return float(time.time() - other["renewed"])


def _renew(url: str, renew: Callable[[], None], ended: threading.Event) -> None:
    """Renew a lease until the run has ended or lost it."""
    while not ended.wait(RENEWED_S):
        try:
            if not is_valid(url):
                return  # Another run has taken over.
            renew()
        except storage.FAILURES:
            continue  # The store cannot be reached, which the run itself will report.


def _refuse_others(folder: str, own: str, shards: tuple[int, int]) -> None:
    """Remove expired leases; raise `SourceError` if a valid one conflicts with this run's."""
    for url in storage.find(folder):
        name = url.rpartition("/")[2]
        if name == own or not name.endswith(".json") or name.startswith("."):
            continue
        try:
            other = json.loads(storage.read(url))
            number, of = other["shards"]
            age = _age(other)
        except (FileNotFoundError, ValueError, LookupError, TypeError):
            continue  # The other run has ended meanwhile, or the file is not a lease.
        if of == shards[1] and number != shards[0]:
            continue
        if age > VALID_S:
            storage.remove(url)
            continue
        raise SourceError(
            f"another run, process {other['process']} on {other['host']}, is at work on this "
            f"destination, seen {max(age, 0):.0f} s ago; if it was killed, try again in "
            f"{VALID_S - age:.0f} s, or delete {url}"
        )


def _place() -> str:
    """Return a name of where process numbers mean the same as here: host, boot and namespace."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if not boot.exists() or not namespace.exists():
        return socket.gethostname()
    return f"{socket.gethostname()} {boot.read_text().strip()} {namespace.stat().st_ino}"


def _process(number: int) -> dict[str, Any]:
    """Return a process's number, and when it was started; None: no such process runs here."""
    try:
        return {"process": number, "started": psutil.Process(number).create_time()}
    except psutil.NoSuchProcess:
        return {"process": number, "started": None}
