"""What a run asks of an object store: requests, the time that they wait, and their price.

A store answers each request after its latency, and so many requests a second for each prefix of
keys: the source is one prefix here, and the destination with its work area another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from redact_dask.driver.results import REMOVERS

READS_PER_S = 5500.0
"""GET and HEAD requests a second that S3 answers for a prefix at least
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html). A listing is a
GET."""
WRITES_PER_S = 3500.0
"""PUT, COPY, POST and DELETE requests a second, from the same page."""
LATENCY_S = 0.1
"""Time until S3 answers, seconds: 100 to 200 ms for small objects, from the same page."""
WRITE_DOLLARS = 0.005 / 1000
"""Price of a PUT, COPY, POST or LIST request, US dollars: S3 Standard in us-east-1
(https://aws.amazon.com/s3/pricing). Deleting costs nothing."""
READ_DOLLARS = 0.0004 / 1000
"""Price of a GET or HEAD request, US dollars, from the same page."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number of requests, as a linear function of the chunks of a video."""

    fixed: float = 0.0
    """Requests of a video without chunks."""
    per_chunk: float = 0.0
    """Requests for each chunk of the video."""

    def at(self, chunks: float) -> float:
        """Return the requests of a video with this number of chunks."""
        return self.fixed + self.per_chunk * chunks


NO_REQUEST = Count()


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of one task, or of what the driver does for one video."""

    source: Count = NO_REQUEST
    """GET and HEAD below the source."""
    gets: Count = NO_REQUEST
    """GET and HEAD below the destination, but for listings."""
    lists: Count = NO_REQUEST
    """Listings below the destination."""
    puts: Count = NO_REQUEST
    """PUT and POST below the destination, but for deletions."""
    deletes: Count = NO_REQUEST
    """Requests to delete below the destination."""
    deleted: Count = NO_REQUEST
    """Keys that they delete. Each counts as a request to write
    (https://hadoop.apache.org/docs/current/api/org/apache/hadoop/fs/BulkDelete.html)."""

    def answers(self, chunks: float) -> float:
        """Return how many answers are waited for, one after the other."""
        kinds = (self.source, self.gets, self.lists, self.puts, self.deletes)
        return sum(kind.at(chunks) for kind in kinds)

    def loads(self, chunks: float) -> tuple[float, float, float]:
        """Return the requests that count as reads of the source, as reads, and as writes."""
        return (
            self.source.at(chunks),
            self.gets.at(chunks) + self.lists.at(chunks),
            self.puts.at(chunks) + self.deleted.at(chunks),
        )

    def dollars(self, chunks: float) -> float:
        """Return the price of the requests, US dollars."""
        reads = self.source.at(chunks) + self.gets.at(chunks)
        writes = self.lists.at(chunks) + self.puts.at(chunks)
        return reads * READ_DOLLARS + writes * WRITE_DOLLARS


@dataclass(frozen=True, slots=True)
class Store:
    """An object store, and what a run asks of it."""

    requests: Mapping[str, Requests]
    """Requests of one task, by the name of its stage."""
    removal: Requests = field(default_factory=Requests)
    """Requests by which the driver removes the work of a video that is published."""
    removal_cpu_s: float = 0.0
    """CPU seconds of the driver for that."""
    latency_s: float = LATENCY_S
    """Time until an answer, seconds."""
    reads_per_s: float = READS_PER_S
    """Reads a second that the store answers for a prefix."""
    writes_per_s: float = WRITES_PER_S
    """Writes a second that it answers."""

    def wait_s(self, stage: str, chunks: float) -> float:
        """Return the seconds for which a task of a stage waits for answers."""
        return self.requests[stage].answers(chunks) * self.latency_s

    def removal_s(self, chunks: float) -> float:
        """Return the seconds until the work of a video is removed, with all threads at it."""
        return self.removal.answers(chunks) * self.latency_s / REMOVERS

    def dollars(self, tasks: Mapping[str, int], chunks: float) -> float:
        """Return the price of all requests of a video, given the number of tasks of each stage."""
        of_tasks = sum(n * self.requests[stage].dollars(chunks) for stage, n in tasks.items())
        return of_tasks + self.removal.dollars(chunks)


class Servers:
    """The servers of a store's prefixes: each limit is one, and is told by when it is free again.

    Parameters
    ----------
    store
        The store; None: there is none, and nothing waits.
    """

    def __init__(self, store: Store | None) -> None:
        self.use_s = {"source": 0.0, "store's reads": 0.0, "store's writes": 0.0}
        """Seconds for which each has been busy."""
        reads_s, writes_s = (1 / store.reads_per_s, 1 / store.writes_per_s) if store else (0.0, 0.0)
        self._each_s = (reads_s, reads_s, writes_s)
        self._free = dict.fromkeys(self.use_s, 0.0)

    def serve(self, now: float, loads: tuple[float, float, float]) -> float:
        """Accept requests, and return when the last of them is answered."""
        answered = now
        for name, load, each_s in zip(self.use_s, loads, self._each_s, strict=True):
            if load:
                self.use_s[name] += load * each_s
                self._free[name] = max(self._free[name], now) + load * each_s
                answered = max(answered, self._free[name])
        return answered
