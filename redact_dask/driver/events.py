"""What the driver waits for, in one queue: results of tasks, new videos, the passing of time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import Any, cast

from distributed import Client, Future
from tornado.ioloop import IOLoop

Ended = tuple[Future[Any], Any]
"""The future of a task that has ended, and its result, or the exception in place of one."""


_PAUSE_S = 1.0
"""Seconds until a result is fetched again after its connection broke."""


class Events:
    """Collects what happens while the driver does something else.

    Parameters
    ----------
    client
        Client of the cluster on which the tasks run.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop = cast(IOLoop, client.loop)
        self._queue: SimpleQueue[Ended | None] = SimpleQueue()
        self._is_woken = False

    def follow(self, futures: Iterable[Future[Any]]) -> None:
        """Report each of these tasks when it ends, once."""
        for future in futures:
            self._loop.add_callback(self._await, future)

    def wake(self) -> None:
        """End the present or the next wait; called from any thread."""
        if not self._is_woken:  # Listing ten million videos must not queue as many wakings.
            self._is_woken = True
            self._queue.put(None)

    def wait(self, longest_s: float) -> Ended | None:
        """Return the next task that ended; None: there was something else, or nothing in time."""
        try:
            ended = self._queue.get(timeout=longest_s)
        except Empty:
            return None
        if ended is None:
            self._is_woken = False
        return ended

    async def _await(self, future: Future[Any]) -> None:
        """Wait for a task's end, and queue its result."""
        result: Any = None
        while result is None:
            try:
                result = await self._client.gather(future, asynchronous=True)
            except Exception as error:  # noqa: BLE001 (the driver judges it)
                if isinstance(error, OSError) and future.status == "finished":
                    await asyncio.sleep(_PAUSE_S)  # The connection failed, not the task.
                else:
                    result = error
        self._queue.put((future, result))
