"""Workers on this machine, which listen to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, LocalCluster

QUIET: dict[str, Any] = {
    "host": "127.0.0.1",
    "dashboard_address": "127.0.0.1:0",
    "silence_logs": 50,
}


@contextmanager
def workers(number: int, **options: Any) -> Iterator[Client]:
    """Give a client of real worker processes with one thread each."""
    with (
        LocalCluster(n_workers=number, threads_per_worker=1, **QUIET, **options) as cluster,
        Client(cluster) as client,
    ):
        yield client
