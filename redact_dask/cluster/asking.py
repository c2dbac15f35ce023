"""Asks the scheduler something from within a task."""

from __future__ import annotations

import time
from typing import Any

from distributed import Worker
from distributed.utils import sync

_REPEATS = 4
"""Times that a request is repeated while its connection breaks, before the error is raised."""
_PAUSE_S = 1.0
"""Seconds between two such requests."""


def ask(worker: Worker, handler: str, /, **request: Any) -> Any:
    """Return what a handler of a worker's scheduler answers.

    May be called from any thread except that of the worker's event loop. The handler may see a
    request twice.

    Raises
    ------
    OSError
        The scheduler cannot be reached.
    """
    call = getattr(worker.scheduler, handler)
    for _ in range(_REPEATS):
        try:
            return sync(worker.loop, call, **request)
        except OSError:
            # The connection broke. If the scheduler has gone, this process ends meanwhile.
            time.sleep(_PAUSE_S)
    return sync(worker.loop, call, **request)
