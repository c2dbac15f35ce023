"""From configuration to a Dask client."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import cv2
from dask.utils import key_split
from distributed import Client, LocalCluster, Scheduler, Worker, WorkerPlugin

from redact_dask.config import ClusterSettings
from redact_dask.errors import UsageError


class OneThreadATask(WorkerPlugin):
    """Keeps libraries from starting threads of their own: a task is one thread, tasks are many."""

    name = "redact-dask-one-thread-a-task"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts, and when it starts again."""
        cv2.setNumThreads(1)


class FinishesInterrupted(WorkerPlugin):
    """Lets workers on this machine live on when a terminal interrupts them with their driver."""

    name = "redact-dask-finishes-interrupted"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts, and when it starts again."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def connected(settings: ClusterSettings) -> Iterator[Client]:
    """Give a client of the configured cluster; workers that were started for it end with it.

    Raises
    ------
    UsageError
        Nobody answers at the address, or the cluster is not fit; see `prepared`.
    """
    if settings.address is None:
        with _local(settings) as cluster, Client(cluster) as client:
            client.register_plugin(FinishesInterrupted())
            yield prepared(client)
        return
    try:
        client = Client(settings.address, timeout="5s")
    except (OSError, ValueError) as error:
        raise UsageError(f"no cluster answers at {settings.address}: {error}") from None
    with client:
        yield prepared(client)


def prepared(client: Client) -> Client:
    """Make a cluster ready for the stages.

    Raises
    ------
    UsageError
        A worker has another version of the package than this process, or none: it would redact in
        another way than the manifest tells.
    """
    try:
        found = client.run(version, "redact-dask")
        client.register_plugin(OneThreadATask())
    except ImportError as error:
        raise UsageError(
            f"a worker cannot import redact_dask ({error}); install it there"
        ) from None
    own = version("redact-dask")
    for worker, other in found.items():
        if other != own:
            raise UsageError(
                f"worker {worker} has redact-dask {other}, not {own}; install it there"
            )
    return client


def threads(client: Client) -> int:
    """Return the number of tasks that the cluster can run at once, at least one."""
    return max(1, sum(dict[str, int](client.nthreads()).values()))


def threads_at(settings: ClusterSettings) -> int:
    """Return how many tasks the configured cluster can run at once, without starting one.

    Raises
    ------
    UsageError
        Nobody answers at the address.
    """
    if settings.address is None:
        return settings.workers or os.cpu_count() or 1
    with connected(settings) as client:
        return threads(client)


def forget_tasks(client: Client) -> None:
    """Let client and scheduler forget what they note of each task, and would hold for ever."""

    # Inside, it is sent as it is: a scheduler need not have the package.
    def forget(dask_scheduler: Scheduler) -> None:
        key_split.cache_clear()
        spans = dask_scheduler.extensions.get("spans")
        for span in spans.spans.values() if spans else ():
            if span.metadata:
                span.metadata["collections"].clear()

    key_split.cache_clear()
    client.run_on_scheduler(forget)


def _local(settings: ClusterSettings) -> LocalCluster:
    return LocalCluster(
        n_workers=settings.workers or os.cpu_count() or 1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=settings.dashboard,
        # A failed task is told by its video's row; a traceback on the terminal would tell it worse.
        silence_logs=logging.CRITICAL,
    )
