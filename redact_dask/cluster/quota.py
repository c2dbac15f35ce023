"""Lets all workers of a cluster share one limiter of paid calls, which the scheduler keeps.

A worker reserves several slots at once, so that not every call costs a message. When a worker dies,
the few slots that it had reserved pass unused. When the scheduler dies, so does the run, and the
next run begins at a gentle rate again.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from distributed import Client, Scheduler, SchedulerPlugin, Worker, WorkerPlugin

from redact_dask.cluster.asking import ask
from redact_dask.detectors import rate_limit
from redact_dask.detectors.rate_limit import RateLimiters, Slots
from redact_dask.errors import UsageError

_HANDLER = "redact_dask_reserve"


def share(client: Client) -> None:
    """Let all workers of a cluster share one limiter, also workers that come later.

    Raises
    ------
    UsageError
        The scheduler cannot keep the limiter: redact_dask is not installed there, or the scheduler
        accepts no plugins.
    """
    try:
        client.register_plugin(Quota())
    except (ImportError, ValueError) as error:
        raise UsageError(
            f"the scheduler cannot keep the quota of a paid detector: {error}; it needs "
            "redact_dask installed, and distributed.scheduler.pickle"
        ) from None
    client.register_plugin(SharedQuota())


class Quota(SchedulerPlugin):
    """Keeps the limiters on the scheduler, one for each service."""

    name = "redact-dask-quota"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Add the handler by which workers reach the limiters."""
        self._limiters = RateLimiters()
        scheduler.handlers[_HANDLER] = self._reserve

    async def _reserve(self, service: str, tps: float, calls: int, throttled: bool) -> Any:
        return astuple(self._limiters.reserve(service, tps, calls, throttled))


class SharedQuota(WorkerPlugin):
    """Lets a worker process reserve its slots at the scheduler."""

    name = "redact-dask-shared-quota"

    def setup(self, worker: Worker) -> None:
        """Reserve this process's slots at the scheduler from now on."""
        rate_limit.use(_AtScheduler(worker).reserve)

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Reserve slots in the process again: it may be a user's own, and outlive its worker."""
        rate_limit.use(RateLimiters().reserve)


class _AtScheduler:
    """Reserves slots at the scheduler of a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def reserve(self, service: str, tps: float, calls: int, throttled: bool) -> Slots:
        """Reserve slots; raise `OSError` if the scheduler cannot be reached.

        May be called from any thread except that of the worker's event loop.
        """
        request = {"service": service, "tps": tps, "calls": calls, "throttled": throttled}
        return Slots(*ask(self._worker, _HANDLER, **request))
