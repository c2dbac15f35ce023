"""The videos that a run has to do: a thread lists them ahead, and this machine's disk keeps them.

So a run begins before its source is listed to the end, soon knows how much work there is, and needs
no more memory for ten million videos than for ten.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from redact_dask.driver.history import History, VideoState
from redact_dask.errors import RunEnded, SourceError
from redact_dask.monitoring.status import Counts
from redact_dask.records import Video

_TABLE = """
create table pending (
    number integer primary key,
    is_retry integer,
    source text, path text, size integer, version text, modified real
);
create index in_turn on pending (is_retry, number);
"""
_NEXT = """
select number, source, path, size, version, modified from pending
where is_retry = ? and number > ? order by number limit ?
"""
_SAMPLE = """
select source, path, size, version, modified from pending
where (number - 1) % ? = 0 order by number
"""
_ALL = "select source, path, size, version, modified from pending order by is_retry, number"


class Backlog:
    """The videos that are to be done; those whose last attempt failed come last.

    Parameters
    ----------
    videos
        Videos of the source.
    history
        Tells which of them are done.
    endless
        Whether more videos will always come: then retries take their turn like all others.
    on_change
        Function that is called, by the thread that lists, when there is another video or no more.

    Raises
    ------
    RunEnded
        `wait` is called, and the source cannot be listed to its end.
    """

    def __init__(
        self,
        videos: Iterable[Video],
        history: History,
        *,
        endless: bool = False,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.counts = Counts()
        self._on_change = on_change
        self._taken = 0
        self._turn = (False, 0)
        """Whether retries have their turn now, and the number of the video that was taken last."""
        # With an empty name, SQLite makes a temporary file that goes away with the connection.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(f"pragma journal_mode = off; {_TABLE}")
        self._changed = threading.Condition()
        self._closed = self._drained = False
        self._endless = endless
        self._videos = videos
        self._history = history
        self._thread = ThreadPoolExecutor(1)
        self._reading: Future[None] | None = None

    def __enter__(self) -> Backlog:
        """Begin to list the source."""
        self._reading = self._thread.submit(self._read)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._thread.shutdown()

    def drain(self) -> None:
        """Give out no more videos."""
        with self._changed:
            self._drained = True
            self._changed.notify()

    def wait(self) -> None:
        """Wait until the source is listed to its end."""
        if self._reading:
            self._reading.result()

    def is_empty(self) -> bool:
        """Wait for a first video that is to be done, and tell whether there is none."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.counts.pending or self.counts.complete or self._drained
            )
        return not self.counts.pending

    def take(self, most: int) -> list[Video]:
        """Return at most ``most`` of the next videos that are listed by now; each is returned once.

        Retries have their turn when the source is listed to its end.
        """
        with self._changed:
            if self._drained:
                return []
            found = self._next(most)
            if not found and self.counts.complete and not self._turn[0]:
                self._turn = (True, 0)
                found = self._next(most)
            self._taken += len(found)
            return found

    @property
    def is_exhausted(self) -> bool:
        """Whether `take` will return no more videos."""
        with self._changed:
            return self._drained or (self.counts.complete and self._taken == self.counts.pending)

    def sample(self, most: int) -> list[Video]:
        """Return at most ``most`` videos to be done, evenly spread over those listed so far."""
        step = max(1, -(-self.counts.pending // most))
        return [Video(*row) for row in self._database.execute(_SAMPLE, (step,))]

    def __iter__(self) -> Iterator[Video]:
        """Yield all videos that are to be done, as far as they are listed."""
        return (Video(*row) for row in self._database.execute(_ALL))

    def _next(self, most: int) -> list[Video]:
        is_retry, last = self._turn
        rows = self._database.execute(_NEXT, (is_retry, last, most)).fetchall()
        if rows:
            self._turn = (is_retry, rows[-1][0])
        return [Video(*values) for _, *values in rows]

    def _read(self) -> None:
        try:
            for video in self._videos:
                if self._closed:
                    return
                self._note(video, self._history.state(video))
        except SourceError as error:
            raise RunEnded(str(error)) from None
        finally:
            with self._changed:
                self.counts.complete = True
                self._changed.notify()
            self._on_change()

    def _note(self, video: Video, state: VideoState) -> None:
        counts = self.counts
        if state in (VideoState.DONE, VideoState.OUTDATED):
            counts.done += 1
            counts.outdated += state is VideoState.OUTDATED
        elif state is VideoState.FAILED:
            counts.failed += 1
        else:
            is_retry = state is VideoState.RETRY and not self._endless
            with self._changed:
                counts.pending += 1
                counts.bytes_pending += video.size
                about = (video.source, video.path, video.size, video.version, video.modified)
                row = (counts.pending, is_retry, *about)
                self._database.execute("insert into pending values (?, ?, ?, ?, ?, ?, ?)", row)
                self._changed.notify()
            self._on_change()
