"""Measuring where the time of a stage goes."""

from __future__ import annotations

import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from redact_dask.records import TaskTiming

Item = TypeVar("Item")


class Timer:
    """Adds up the wall seconds of named steps."""

    def __init__(self) -> None:
        self._started = time.time()
        self._steps: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time of the ``with`` block to a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._steps[name] += time.perf_counter() - start

    def each(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items, and add the time that producing them takes to a step."""
        iterator = iter(items)
        while True:
            with self.step(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def timing(self) -> TaskTiming:
        """Return what was measured so far."""
        return TaskTiming(
            self._started, time.time(), tuple(self._steps.items()), socket.gethostname()
        )
