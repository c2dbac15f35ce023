"""What a run has to do, while its source is still being listed, and when it cannot be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client

import redact_dask
from redact_dask import config, manifest, storage
from redact_dask.driver.backlog import Agenda
from redact_dask.driver.estimate import estimate
from redact_dask.driver.history import Ledger, Verdict
from redact_dask.errors import RunEnded, SourceError
from redact_dask.records import Video
from redact_dask.sources import listing


class Judge(Ledger):
    """Judges a video by its name."""

    def __init__(self) -> None:
        pass

    def verdict(self, video: Video) -> Verdict:
        return Verdict[video.path.partition(" ")[0]]


def videos(*names: str) -> list[Video]:
    return [Video(f"file:///{name}", name, 10, f"version of {name}", 1.5) for name in names]


def paths(taken: list[Video]) -> list[str]:
    return [video.path for video in taken]


def test_each_video_is_taken_once_and_those_in_trouble_last() -> None:
    listed = videos("NEW 1", "TROUBLED 1", "DONE 1", "NEW 2", "HOPELESS 1", "TROUBLED 2", "NEW 3")
    with Agenda(listed, Judge()) as agenda:
        taken = []
        while found := agenda.take(2, wait=True):
            assert len(found) <= 2
            taken += found
        counts = agenda.counts
    assert paths(taken) == ["NEW 1", "NEW 2", "NEW 3", "TROUBLED 1", "TROUBLED 2"]
    assert set(taken) < set(listed)
    assert (counts.to_do, counts.done, counts.hopeless, counts.videos) == (5, 1, 1, 7)
    assert counts.bytes_to_do == 50


def test_work_begins_before_the_listing_ends() -> None:
    goes_on = threading.Event()

    def slowly() -> Iterator[Video]:
        yield from videos("TROUBLED 1", "NEW 1")
        assert goes_on.wait(30)
        yield from videos("NEW 2")

    with Agenda(slowly(), Judge()) as agenda:
        assert paths(agenda.take(5, wait=True)) == ["NEW 1"]
        assert agenda.take(5, wait=False) == []
        assert not agenda.counts.complete
        goes_on.set()
        assert paths(agenda.take(5, wait=True)) == ["NEW 2"]
        assert paths(agenda.take(5, wait=True)) == ["TROUBLED 1"]
        assert agenda.take(5, wait=True) == []


def test_nothing_to_do() -> None:
    with Agenda(videos("DONE 1"), Judge()) as agenda:
        assert agenda.is_empty()
        assert agenda.take(1, wait=True) == []
        assert agenda.sample(64) == []


def test_what_was_listed_is_done_before_a_failure_is_told() -> None:
    def failing() -> Iterator[Video]:
        yield from videos("NEW 1", "TROUBLED 1")
        raise SourceError("cannot list the source: it is gone")

    with Agenda(failing(), Judge()) as agenda:
        assert paths(agenda.take(5, wait=True)) == ["NEW 1"]
        assert paths(agenda.take(5, wait=True)) == ["TROUBLED 1"]
        with pytest.raises(RunEnded, match="it is gone"):
            agenda.take(5, wait=True)


def test_a_sample_is_spread_evenly() -> None:
    with Agenda(videos(*(f"NEW {number}" for number in range(100))), Judge()) as agenda:
        agenda.wait()
        assert paths(agenda.sample(4)) == ["NEW 0", "NEW 25", "NEW 50", "NEW 75"]
        assert len(agenda.sample(64)) == 50
        assert len(agenda.sample(1000)) == 100
        assert paths(list(agenda)) == [f"NEW {number}" for number in range(100)]


def test_a_listing_that_is_not_needed_ends() -> None:
    def endless() -> Iterator[Video]:
        while True:
            yield from videos("NEW 1")

    with Agenda(endless(), Judge()) as agenda:
        agenda.take(1, wait=True)
    before = agenda.counts.to_do
    with pytest.raises(RuntimeError, match="shutdown"):
        agenda._thread.submit(print)
    assert agenda._reading.done()
    assert agenda.counts.to_do == before


def test_a_new_destination_has_no_past(tmp_path: Path) -> None:
    ledger = Ledger(storage.canonical(str(tmp_path / "nothing")), config.validate({}))
    (video,) = videos("NEW 1")
    assert ledger.verdict(video) is Verdict.NEW
    assert ledger.origin("file:///NEW 1") is None


def test_a_plan_goes_by_the_pace_of_the_last_run(
    clip: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    settings = config.validate({"detect": {"detectors": ["magenta"]}})
    redact_dask.redact(clip, destination, settings, client)
    root = manifest.root(str(destination))
    took = manifest.read(root, "chunks").to_pylist()
    seconds = sum((row["ended"] - row["started"]).total_seconds() for row in took)
    with Agenda(videos("NEW 1"), Judge()) as agenda:
        agenda.wait()
        assert estimate(agenda, str(destination), settings).cpu_hours == 0, "it is unreadable"
    (video,) = listing.take(str(clip), str(destination))
    with Agenda([replace(video, path="NEW")], Judge()) as agenda:
        needed = estimate(agenda, str(destination), settings)
    assert needed.cpu_hours * 3600 == pytest.approx(seconds)
