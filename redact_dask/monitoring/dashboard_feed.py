"""Tells the cluster's scheduler how far a run is, for the scheduler's page and metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median

from distributed import Client

from redact_dask.monitoring.dashboard import TOPIC, Dashboard, Snapshot
from redact_dask.monitoring.status import Observer, Status

_TELL_S = 1.0
"""Least time between two events of a run, except for the last one, seconds."""


@contextmanager
def publish_status(
    client: Client, destination: str, shard: str | None, observe: Observer
) -> Iterator[Observer]:
    """Yield an observer that also tells the scheduler; after the block, the run counts as ended.

    A scheduler without this package shows nothing.

    Parameters
    ----------
    client
        Client of the cluster.
    destination
        URL of the destination's root.
    shard
        Share of the source that the run takes, as ``N/OF``; None: all of it.
    observe
        Observer that is called with each status, too.
    """
    try:
        client.register_plugin(Dashboard())
    except ImportError:
        yield observe
        return
    last: Status | None = None
    when = float("-inf")

    def tell(status: Status, *, ended: bool = False) -> None:
        # If the scheduler has gone, the run itself notices, and ends.
        with suppress(OSError):
            client.log_event(TOPIC, snapshot(status, destination, shard, ended=ended))

    def both(status: Status) -> None:
        nonlocal last, when
        observe(status)
        last = status
        if time.monotonic() - when >= _TELL_S:
            when = time.monotonic()
            tell(status)

    try:
        yield both
    finally:
        if last:
            tell(last, ended=True)


def snapshot(status: Status, destination: str, shard: str | None, *, ended: bool) -> Snapshot:
    """Return what the dashboard shows of a run."""
    counts, usage = status.counts, status.usage
    return {
        "destination": destination,
        "shard": shard or "",
        "ended": ended,
        "share": status.share,
        "published": status.published,
        "quarantined": status.quarantined,
        "skipped": counts.done,
        "failed": counts.failed,
        "left": counts.videos - status.ended,
        "frames": status.frames,
        "faces": status.faces,
        "others": status.tracks.total() - status.faces,
        "frames_per_second": status.frames_per_second,
        "calls": usage.calls,
        "throttled": usage.throttled,
        "retried": usage.retried,
        "dollars": status.dollars,
        "lag_seconds": median(status.lags) if status.endless and status.lags else None,
        "elapsed_seconds": status.elapsed_s,
        "left_seconds": None if status.endless or ended else status.seconds_left,
    }
