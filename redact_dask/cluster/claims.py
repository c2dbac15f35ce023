"""Lets one task at a time look at a chunk that is paid for.

Dask cannot stop a task that runs when it is given up: the task goes on, and saves what it paid for.
Another task for the same chunk waits until then, and finds that saved instead of paying again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, Scheduler, SchedulerPlugin, Worker

from redact_dask.cluster.asking import ask

_CLAIM, _RELEASE = "redact_dask_claim", "redact_dask_release"
_PAUSE_S = 0.5
"""Seconds between two looks whether a claim has ended: it lasts as long as a chunk."""


def share(client: Client) -> None:
    """Let the scheduler of a cluster keep the claims of its workers."""
    client.register_plugin(Claims())


class Claims(SchedulerPlugin):
    """Keeps on the scheduler which task of which worker looks at which chunk."""

    name = "redact-dask-claims"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Add the handlers by which workers reach the claims."""
        self._claims: dict[str, tuple[str, str]] = {}
        scheduler.handlers[_CLAIM] = self._claim
        scheduler.handlers[_RELEASE] = self._release

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002
        """Forget the claims of a worker that has gone."""
        self._claims = {url: by for url, by in self._claims.items() if by[0] != worker}

    async def _claim(self, url: str, worker: str, task: str) -> bool:
        return self._claims.setdefault(url, (worker, task)) == (worker, task)

    async def _release(self, url: str, worker: str, task: str) -> None:
        if self._claims.get(url) == (worker, task):
            del self._claims[url]


@contextmanager
def held(worker: Worker, url: str) -> Iterator[None]:
    """Wait until no other task of the cluster looks at a chunk, and claim it for the block.

    Parameters
    ----------
    worker
        The worker of the task.
    url
        URL of the chunk's checkpoint.
    """
    claim = {"url": url, "worker": worker.address, "task": uuid.uuid4().hex}
    while not ask(worker, _CLAIM, **claim):
        time.sleep(_PAUSE_S)
    try:
        yield
    finally:
        ask(worker, _RELEASE, **claim)
