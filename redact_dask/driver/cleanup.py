"""Sweeps up after a run: removes what no later run will resume from, or is to keep."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import groupby

from redact_dask import storage
from redact_dask.driver.history import History
from redact_dask.storage import layout

_KEPT_S = 7 * 86_400.0
"""Seconds after its last write for which the work on an unfinished video is kept: a run or two may
fail before one finishes it."""
_ID = re.compile("[0-9a-f]{16}")
"""Pattern of the folders' names: folders of other programs may lie beside them."""


def sweep(destination: str, configured: str | None, history: History) -> None:
    """Remove the work on settled videos, and work that is a week old.

    A task that Dask has given up may end after its video is published, and leave a file: such files
    are removed too.

    Parameters
    ----------
    destination
        URL of the destination's root.
    configured
        URL of the work area that destinations share; None: the destination has its own.
    history
        Tells which videos are settled.
    """
    work = layout.work_area(destination, configured)
    for video, newest in _folders(work):
        if history.is_settled(video) or newest < time.time() - _KEPT_S:
            storage.remove(storage.join(work, video))
    storage.prune(work)
    # Nobody else sweeps the folder of a destination that is used no more.
    if configured is not None:
        for folder, newest in _folders(configured):
            if newest < time.time() - _KEPT_S:
                storage.remove(storage.join(configured, folder))


def sweep_paid(destination: str, days: float | None, history: History) -> None:
    """Remove what paid detectors saw on settled videos, if it was written longer ago than that.

    Parameters
    ----------
    destination
        URL of the destination's root.
    days
        How long it is kept, days; None: for ever.
    history
        Tells which videos are settled.
    """
    if days is None:
        return
    paid = storage.join(destination, layout.PAID)
    for video, newest in _folders(paid):
        if newest < time.time() - days * 86_400.0 and history.is_settled(video):
            storage.remove(storage.join(paid, video))
    storage.prune(paid)


def sweep_kept(destination: str, days: float | None, history: History) -> None:
    """Remove what is kept for another rendering, if it was written longer ago than that.

    What a run may resume from is kept as long as work is: sources come and go, and the settings
    may have changed since then.

    Parameters
    ----------
    destination, days, history
        As in `sweep_paid`.
    """
    if days is None:
        return
    kept = storage.join(destination, layout.KEPT)
    for video, newest in _folders(kept):
        least_s = days * 86_400.0
        if not history.is_settled(video):
            least_s = max(least_s, _KEPT_S)
        if newest < time.time() - least_s:
            storage.remove(storage.join(kept, video))
    storage.prune(kept)


def _folders(work: str) -> Iterator[tuple[str, float]]:
    """Yield each folder's name, and when a file in it was last written, seconds since the epoch."""
    prefix = storage.canonical(work) + "/"
    files = (
        (url.removeprefix(prefix).partition("/")[0], storage.modified(facts))
        for url, facts in storage.walk(prefix, in_order=True)
    )
    for folder, times in groupby(files, key=lambda file: file[0]):
        if not _ID.fullmatch(folder):
            continue
        # A file counts as new if the store does not tell when it was written.
        yield folder, max(time.time() if when is None else when for _, when in times)
