"""Reading many files at once, of any size, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from redact_dask import storage
from redact_dask.storage import Digest

_AT_ONCE = 8
"""Threads that read: each holds 16 MiB of a file."""
_AHEAD = 4 * _AT_ONCE
"""Files that are asked for ahead of the one that is waited for."""

Item = TypeVar("Item")


def digests(files: Iterable[tuple[Item, str]]) -> Iterator[tuple[Item, Digest | OSError]]:
    """Yield the digest of each file, in order, or the error by which it could not be read.

    Parameters
    ----------
    files
        An item for each file, which is yielded with its digest, and the file's URL.
    """
    waiting: deque[tuple[Item, Future[Digest | OSError]]] = deque()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for item, url in files:
            waiting.append((item, pool.submit(_digest, url)))
            if len(waiting) == _AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for item, future in waiting:
            yield item, future.result()


def _digest(url: str) -> Digest | OSError:
    try:
        return storage.digest(url)
    except OSError as error:
        return error
