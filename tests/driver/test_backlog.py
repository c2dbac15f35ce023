"""What a run has to do, while its source is still being listed, and when it cannot be."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from backlogs import Judge, videos
from waiting import until

from redact_dask.driver.backlog import Backlog
from redact_dask.errors import RunEnded, SourceError
from redact_dask.records import Video


def paths(taken: list[Video]) -> list[str]:
    return [video.path for video in taken]


def test_each_video_is_taken_once_and_those_in_trouble_last() -> None:
    listed = videos("NEW 1", "RETRY 1", "DONE 1", "NEW 2", "FAILED 1", "RETRY 2", "NEW 3")
    with Backlog(listed, Judge()) as backlog:
        taken = []
        backlog.wait()
        while found := backlog.take(2):
            assert len(found) <= 2
            taken += found
        counts = backlog.counts
    assert paths(taken) == ["NEW 1", "NEW 2", "NEW 3", "RETRY 1", "RETRY 2"]
    assert set(taken) < set(listed)
    assert (counts.pending, counts.done, counts.failed, counts.videos) == (5, 1, 1, 7)
    assert counts.bytes_pending == 50


def test_work_begins_before_the_listing_ends() -> None:
    goes_on = threading.Event()

    def slowly() -> Iterator[Video]:
        yield from videos("RETRY 1", "NEW 1")
        assert goes_on.wait(30)
        yield from videos("NEW 2")

    with Backlog(slowly(), Judge()) as backlog:
        until(lambda: backlog.counts.pending == 2, "the first two videos")
        assert paths(backlog.take(5)) == ["NEW 1"]
        assert backlog.take(5) == []
        assert not backlog.is_exhausted
        assert not backlog.counts.complete
        goes_on.set()
        backlog.wait()
        assert paths(backlog.take(5)) == ["NEW 2"]
        assert paths(backlog.take(5)) == ["RETRY 1"]
        assert backlog.is_exhausted
        assert backlog.take(5) == []


def test_nothing_to_do() -> None:
    with Backlog(videos("DONE 1"), Judge()) as backlog:
        assert backlog.is_empty()
        assert backlog.take(1) == []
        assert backlog.sample(64) == []


def test_what_was_listed_is_done_before_a_failure_is_told() -> None:
    def failing() -> Iterator[Video]:
        yield from videos("NEW 1", "RETRY 1")
        raise SourceError("cannot list the source: it is gone")

    with Backlog(failing(), Judge()) as backlog:
        until(lambda: backlog.counts.complete, "the end of the listing")
        assert paths(backlog.take(5)) == ["NEW 1"]
        assert paths(backlog.take(5)) == ["RETRY 1"]
        with pytest.raises(RunEnded, match="it is gone"):
            backlog.wait()


def test_a_sample_is_spread_evenly() -> None:
    with Backlog(videos(*(f"NEW {number}" for number in range(100))), Judge()) as backlog:
        backlog.wait()
        assert paths(backlog.sample(4)) == ["NEW 0", "NEW 25", "NEW 50", "NEW 75"]
        assert len(backlog.sample(64)) == 50
        assert len(backlog.sample(1000)) == 100
        assert paths(list(backlog)) == [f"NEW {number}" for number in range(100)]


def test_a_listing_that_is_not_needed_ends() -> None:
    def endless() -> Iterator[Video]:
        while True:
            yield from videos("NEW 1")

    with Backlog(endless(), Judge()) as backlog:
        until(lambda: backlog.take(1), "a video")
    before = backlog.counts.pending
    with pytest.raises(RuntimeError, match="shutdown"):
        backlog._thread.submit(print)
    assert backlog._reading.done()
    assert backlog.counts.pending == before
