"""Workers on this machine, forked from a process that has loaded their libraries once.

So sixteen workers on two cores start as fast as one, where each would load its libraries for
itself.
"""

from __future__ import annotations

import logging
import os
import sys
from multiprocessing import forkserver

import dask.config
from dask.system import cpu_count
from distributed import LocalCluster
from distributed.utils import get_mp_context

from redact_dask.config import ClusterSettings
from redact_dask.storage import scratch

PRELOADED = (
    "distributed.nanny",
    "redact_dask.cluster.tasks",
    "redact_dask.cluster.worker_plugins",
)
"""Modules of a worker that start no thread when they are loaded, as a fork would lose it. So they
must not load OpenVINO."""

_METHOD = "distributed.worker.multiprocessing-method"
_LONGEST_TEMPORARY = 70
"""Longest path of the folder for temporary files in which a socket can lie, bytes: the socket's own
path may have 107."""


def dask_settings() -> dict[str, str]:
    """Return Dask's settings for workers on this machine, by dotted names.

    Workers are forked on Linux only: libraries of other systems may not bear it.

    Raises
    ------
    UsageError
        There is no folder for temporary files.
    """
    temporary = os.fsencode(scratch.parent())
    can_fork = sys.platform == "linux" and len(temporary) <= _LONGEST_TEMPORARY
    return {_METHOD: "forkserver"} if can_fork else {}


def warm_up() -> None:
    """Begin to load the workers' libraries, in another process, if workers are forked.

    That process stays until this one ends: workers of later calls are forked from it, too.
    """
    if dask.config.get(_METHOD) != "forkserver":
        return
    get_mp_context().set_forkserver_preload([*PRELOADED])
    # Libraries read these when they are loaded. Dask sets them here too, but later.
    for name, value in dask.config.get("distributed.nanny.pre-spawn-environ").items():
        os.environ.setdefault(name, str(value))
    forkserver.ensure_running()


def number(settings: ClusterSettings) -> int:
    """Return how many workers `start` starts: by default, one for each core that we may use.

    A container has fewer than its machine, and memory for as many.
    """
    return settings.workers or cpu_count()


def start(settings: ClusterSettings) -> LocalCluster:
    """Start the configured number of workers, and a scheduler."""
    return LocalCluster(
        n_workers=number(settings),
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=settings.dashboard,
        # The row of its video tells why a task failed, better than a traceback on the terminal.
        silence_logs=logging.CRITICAL,
        # By itself, a forked worker has the environment in which its libraries were loaded.
        env=dict(os.environ),
    )
