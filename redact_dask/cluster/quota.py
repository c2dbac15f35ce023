"""One limiter of calls for all workers of a cluster, kept by its scheduler.

A worker asks the scheduler for several slots at once, so that not each call costs a message. When a
worker dies, the slots that it had reserved pass unused, a few at most; when the scheduler dies, so
does the run, and the next one begins at a gentle rate again.
"""

from __future__ import annotations

import time
from typing import Any

from distributed import Client, Scheduler, SchedulerPlugin, Worker, WorkerPlugin
from distributed.utils import sync

from redact_dask.detectors import rate_limit
from redact_dask.detectors.rate_limit import RateLimiters, Slots
from redact_dask.errors import UsageError

_HANDLER = "redact_dask_reserve"
_REPEATS = 4
_PAUSE_S = 1.0


def share(client: Client) -> None:
    """Let all workers of a cluster, those that come later too, share one limiter.

    Raises
    ------
    UsageError
        The scheduler cannot keep it: redact_dask is not installed there, or it takes no plugins.
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
    """Keeps the limiters on the scheduler."""

    name = "redact-dask-quota"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Let workers reach the limiters."""
        self._limiters = RateLimiters()
        scheduler.handlers[_HANDLER] = self._reserve

    async def _reserve(self, service: str, tps: float, calls: int, throttled: bool) -> Any:
        slots = self._limiters.reserve(service, tps, calls, throttled)
        return slots.wait_s, slots.interval_s


class SharedQuota(WorkerPlugin):
    """Lets a worker process reserve its slots at the scheduler."""

    name = "redact-dask-shared-quota"

    def setup(self, worker: Worker) -> None:
        """Run on each worker when it starts, and when it starts again."""
        rate_limit.use(_AtScheduler(worker).reserve)

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it ends: its process may live on, as a user's own."""
        rate_limit.use(RateLimiters().reserve)


class _AtScheduler:
    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def reserve(self, service: str, tps: float, calls: int, throttled: bool) -> Slots:
        """Reserve slots, from any thread but the worker's event loop; raises `OSError`."""
        ask = getattr(self._worker.scheduler, _HANDLER)
        request: dict[str, Any] = {
            "service": service,
            "tps": tps,
            "calls": calls,
            "throttled": throttled,
        }
        for _ in range(_REPEATS):
            try:
                return Slots(*sync(self._worker.loop, ask, **request))
            except OSError:
                time.sleep(_PAUSE_S)  # A connection broke; without a scheduler, this process ends.
        return Slots(*sync(self._worker.loop, ask, **request))
