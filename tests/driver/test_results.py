"""Work that nobody needs any more goes while the run goes on, and what stays is told."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from backlogs import videos

from redact_dask import manifest, storage
from redact_dask.config import Config
from redact_dask.driver.history import History
from redact_dask.driver.results import Results
from redact_dask.driver.video_run import VideoRun
from redact_dask.errors import Blame
from redact_dask.manifest import files, seals
from redact_dask.monitoring.status import Counts, Status
from redact_dask.pipeline.job import Job
from redact_dask.records import Failure
from redact_dask.storage import layout, lease

GIVEN_UP = Failure("detect", "a frame is missing", "DamagedVideo", Blame.VIDEO)


class Work:
    """The results of a run, whose videos have each left a file in the work area."""

    def __init__(self, destination: Path) -> None:
        self.root = str(destination)
        config = Config()
        history = History(self.root, config)
        self.results = Results("run", self.root, config, history, Status(Counts(), False))
        self.jobs = [Job.of(video, self.root, config) for video in videos(*map(str, range(40)))]
        for job in self.jobs:
            storage.write(storage.join(job.work, "a.json"), b"{}")

    def give_up(self, jobs: list[Job]) -> None:
        graph: Any = None
        for job in jobs:
            self.results.quarantined(VideoRun(job, graph, 0.0, [], []), GIVEN_UP)

    @property
    def left(self) -> int:
        return sum(storage.exists(job.work) for job in self.jobs)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "out")


def test_a_slow_store_does_not_hold_up_the_run(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    remove, go_on, rows = storage.remove, threading.Event(), list[int]()

    def remove_slowly(url: str) -> None:
        rows.append(manifest.read(layout.manifest(work.root), "videos").num_rows)
        assert go_on.wait(30)
        remove(url)

    monkeypatch.setattr(storage, "remove", remove_slowly)
    work.give_up(work.jobs)
    work.results.flush()
    assert work.left == len(work.jobs)
    go_on.set()
    work.results.wait()
    assert work.left == 0
    assert not storage.exists(layout.work_area(work.root, None))
    assert {*rows} == {len(work.jobs)}, "rows are written first"


def test_work_that_cannot_be_removed_ends_the_run(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = storage.remove

    def refuse(url: str) -> None:
        if url == work.jobs[3].work:
            raise PermissionError("access denied")
        remove(url)

    monkeypatch.setattr(storage, "remove", refuse)
    work.give_up(work.jobs[:20])
    work.results.flush()
    work.give_up(work.jobs[20:])
    with pytest.raises(PermissionError, match="access denied"):
        work.results.flush()
    assert manifest.read(layout.manifest(work.root), "videos").num_rows == len(work.jobs)
    work.results.flush()
    work.results.wait()
    assert work.left == 1


def test_a_long_run_seals_the_files_that_are_merged(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_MERGED_AT", 2)
    root = layout.manifest(work.root)
    sealed = []
    for job in work.jobs[:5]:
        work.give_up([job])
        work.results.flush()
        sealed.append(sorted(path for seal in seals.read(root) for path in seal.files))
    first = ["videos/run-000000-000001.parquet"]
    both = [*first, "videos/run-000002-000003.parquet"]
    assert sealed == [[], first, first, both, both]
    work.results.wait()


def test_a_run_that_has_lost_its_lease_leaves_its_files_to_who_has_sealed_them(work: Work) -> None:
    root = layout.manifest(work.root)
    with lease.acquire(work.root, "run", (1, 1)) as held:
        for jobs in (work.jobs[:2], work.jobs[2:]):
            work.give_up(jobs)
            work.results.flush()
        storage.remove(held)
        seals.write(root, "other", (), list, None)
        work.results.close()
    (seal,) = seals.read(root)
    assert all(storage.digest(f"{root}/{path}") == digest for path, digest in seal.files.items())
    assert len(seal.files) == 3
    work.results.wait()
