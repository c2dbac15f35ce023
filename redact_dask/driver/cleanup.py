"""Sweeps the work area after a run: removes what no later run will resume from."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import groupby

from redact_dask import storage
from redact_dask.driver.history import History

_KEPT_S = 7 * 86_400.0
"""Seconds after its last write for which the work on an unfinished video is kept: a run or two may
fail before one finishes it."""
_ID = re.compile("[0-9a-f]{16}")
"""Pattern of a video's id: folders of other programs may lie beside those of videos."""


def sweep(work: str, history: History) -> None:
    """Remove the work on settled videos, and work that is a week old.

    A task that Dask has given up may end after its video is published, and leave a file: such files
    are removed too.

    Parameters
    ----------
    work
        URL of the work area: it has a folder for each video, named by the video's id.
    history
        Tells which videos are settled.
    """
    for video, newest in _folders(work):
        if not _ID.fullmatch(video):
            continue
        if history.is_settled(video) or newest < time.time() - _KEPT_S:
            storage.remove(storage.join(work, video))
    storage.prune(work)


def _folders(work: str) -> Iterator[tuple[str, float]]:
    """Yield each folder's name, and when a file in it was last written, seconds since the epoch."""
    prefix = storage.canonical(work) + "/"
    files = (
        (url.removeprefix(prefix).partition("/")[0], storage.modified(facts))
        for url, facts in storage.walk(prefix)
    )
    for video, times in groupby(files, key=lambda file: file[0]):
        # A file counts as new if the store does not tell when it was written.
        yield video, max(time.time() if when is None else when for _, when in times)
