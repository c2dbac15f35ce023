"""Sweeping the work area after a run: what no run will go on from."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import groupby

from redact_dask import storage
from redact_dask.driver.history import History

_KEPT_S = 7 * 86_400.0
"""Seconds that the work on a video is kept which nobody has finished: a run or two may fail."""
_ID = re.compile("[0-9a-f]{16}")
"""What the id of a video looks like: a work area may lie beside what is not ours."""


def sweep(work: str, history: History) -> None:
    """Remove the work on videos that are settled, and what is a week old.

    A task that Dask has given up may end after its video is published, and leave a file.

    Parameters
    ----------
    work
        URL of the work area: it has a folder for each video, named by its id.
    history
        Tells what is settled.
    """
    for video, newest in _folders(work):
        if not _ID.fullmatch(video):
            continue
        if history.is_settled(video) or newest < time.time() - _KEPT_S:
            storage.remove(storage.join(work, video))
    storage.prune(work)


def _folders(work: str) -> Iterator[tuple[str, float]]:
    """Yield the name of each folder, and when something was last written there."""
    prefix = storage.canonical(work) + "/"
    files = (
        (url.removeprefix(prefix).partition("/")[0], storage.modified(facts))
        for url, facts in storage.walk(prefix)
    )
    for video, times in groupby(files, key=lambda file: file[0]):
        # Where the store does not tell, nothing is old.
        yield video, max(time.time() if when is None else when for _, when in times)
