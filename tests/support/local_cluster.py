"""Workers on this machine, which listen to nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask.config
from distributed import Client, LocalCluster

from redact_dask.cluster import local_workers

QUIET: dict[str, Any] = {
    "host": "127.0.0.1",
    "dashboard_address": "127.0.0.1:0",
    "silence_logs": 50,
}

IDLE: dict[str, Any] = {
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
}
"""Dask's settings by which processes that wait look around less often: otherwise, a cluster that is
kept for many tests takes 6% of a core."""


@contextmanager
def workers(number: int, **options: Any) -> Iterator[Client]:
    """Give a client of real worker processes with one thread each, forked as those of a run are."""
    with dask.config.set(local_workers.dask_settings() | IDLE):
        local_workers.warm_up()
        cluster = LocalCluster(
            n_workers=number, threads_per_worker=1, env=dict(os.environ), **QUIET, **options
        )
    with cluster, Client(cluster) as client:
        yield client
