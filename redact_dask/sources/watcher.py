"""Watches a source, and yields its videos as they land."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from threading import Event

import boto3
from botocore.exceptions import ClientError

from redact_dask import storage
from redact_dask.config import Config
from redact_dask.errors import SourceError
from redact_dask.monitoring import logs
from redact_dask.records import Video
from redact_dask.sources import listing, notifications
from redact_dask.sources.passed_over import PassedOver

_TRIES = 10
"""Failures in a row, of the store or the queue, after which watching ends with an error."""
_LISTED_S = 3600.0
"""Seconds between two listings if a queue tells what lands: the queue may lose a message."""
_AGAIN_S = 600.0
"""Seconds after which a video that failed through no fault of its own is yielded again."""
_AGAIN_MOST = 2
"""Most times that a video is yielded again: one that kills workers must not do so for ever."""
_MOST_LOGGED = 100
"""Most kinds of messages that are logged as passed over: anybody may invent a name."""
_LONG_POLL_S = 20
"""Seconds that one request waits for messages, the most that SQS allows."""


class Watcher:
    """Yields each video of a folder or prefix when it has landed, until it is stopped.

    An object store shows only whole objects. A file on a file system is whole if neither its size
    nor its time has changed from one listing to the next. With a queue, S3's notifications tell
    what lands. Listings then only find the videos that the notifications missed: those that landed
    before watching began, and those whose message was lost.

    Parameters
    ----------
    source, destination
        Source and destination of the run; the source is a folder or prefix.
    settings
        All settings of the run: which videos are taken, how often to list them, and the queue.

    Raises
    ------
    SourceError
        The source cannot be used. While iterating: the source or the queue fails again and again.
    """

    def __init__(self, source: str, destination: str, settings: Config) -> None:
        listing.check_watchable(source, destination, settings.work)
        self._source = source
        self._select = settings.select
        self._settings = settings.watch
        self._is_local = storage.local_path(source) is not None
        self._stopped = Event()
        self.passed_over = PassedOver()
        """What the last listing has passed over."""
        self._logged: set[str] = set()
        """What was logged of messages that are passed over: each kind is logged once."""
        self._given: dict[str, str] = {}
        """Version of each video that was yielded, by path."""
        self._failed: Counter[str] = Counter()
        """Number of failures of each video, by its id."""
        self._waiting: deque[tuple[float, Video]] = deque()
        """Videos to yield again, each with its time on the monotonic clock, seconds."""
        self._before: dict[str, str] = {}
        """Version of each video in the listing before, by path."""

    def stop(self) -> None:
        """Yield no more videos; called from another thread."""
        self._stopped.set()

    def again(self, video: Video) -> None:
        """Yield a video again after a while, unless it has been yielded again too often already.

        This is called from another thread.

        Parameters
        ----------
        video
            A video that failed for a reason that may pass.
        """
        self._failed[video.id] += 1
        if self._failed[video.id] <= _AGAIN_MOST:
            self._waiting.append((time.monotonic() + _AGAIN_S, video))

    def __iter__(self) -> Iterator[Video]:
        failures = 0
        while not self._stopped.is_set():
            try:
                yield from self._listed()
                yield from self._due()
                yield from self._notified()
                failures = 0
            except (*storage.FAILURES, ClientError) as error:
                failures += 1
                if failures == _TRIES:
                    raise SourceError(f"cannot watch the source {self._source}: {error}") from None
                self._stopped.wait(self._settings.poll_s)

    def _listed(self) -> Iterator[Video]:
        """Yield the videos of a listing that are whole, and were not yielded before."""
        now: dict[str, str] = {}
        self.passed_over.clear()
        for video in listing.list_folder(self._source, self._select, self.passed_over):
            now[video.path] = video.version
            if not self._is_local or self._before.get(video.path) == video.version:
                yield from self._new(video)
        self._before = now
        # A video that has gone may come again.
        self._given = {path: version for path, version in self._given.items() if path in now}

    def _new(self, video: Video) -> Iterator[Video]:
        """Yield a video, unless this version of it was yielded before."""
        if self._given.get(video.path) != video.version:
            self._given[video.path] = video.version
            yield video

    def _due(self) -> Iterator[Video]:
        """Yield the videos that have waited long enough, and have not changed meanwhile."""
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, video = self._waiting.popleft()
            if self._given.get(video.path) == video.version:
                yield video

    def _notified(self) -> Iterator[Video]:
        """Yield the videos that the queue tells of, until it is time to list again.

        Without a queue, only wait until then.
        """
        if self._settings.queue is None:
            self._stopped.wait(self._settings.poll_s)
            return
        queue = boto3.client("sqs")
        where = {"QueueUrl": self._settings.queue}
        end = time.monotonic() + _LISTED_S
        while time.monotonic() < end and not self._stopped.is_set():
            yield from self._due()
            answer = queue.receive_message(
                **where, MaxNumberOfMessages=10, WaitTimeSeconds=_LONG_POLL_S
            )
            for message in answer.get("Messages", ()):
                told = notifications.told(message["Body"])
                self._log(told.passed_over)
                videos = listing.from_listing(self._source, told.landed, self._select, PassedOver())
                for video in videos:
                    yield from self._new(video)
                # What is none of S3's stays: it concerns somebody else, or an operator.
                if told.is_whole:
                    queue.delete_message(**where, ReceiptHandle=message["ReceiptHandle"])

    def _log(self, passed_over: Iterable[str]) -> None:
        """Log each kind of what is passed over once; a queue may hold millions of one kind."""
        for kind in passed_over:
            if kind not in self._logged and len(self._logged) < _MOST_LOGGED:
                self._logged.add(kind)
                logs.log(f"passed over in the queue: {kind}; no more of this kind is logged")
