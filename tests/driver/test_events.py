"""The driver waits for several things at once: results, videos that land, and the time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client
from holding import Holds
from local_cluster import workers
from magenta import MAGENTA

from redact_dask import config
from redact_dask.driver.events import Events
from redact_dask.driver.run import Run
from redact_dask.monitoring.status import Status
from redact_dask.sources import listing
from redact_dask.sources.watcher import Watcher


@pytest.fixture
def two() -> Iterator[Client]:
    with workers(2) as client:
        yield client


@pytest.mark.timeout(120)
def test_a_watch_goes_on_while_its_only_task_runs(
    watched: Path, short: Path, two: Client, tmp_path: Path
) -> None:
    hold, destination = tmp_path / "hold", tmp_path / "out"
    hold.mkdir()
    (hold / "hold").touch()
    two.register_plugin(Holds("detect", str(hold)))
    shutil.copy(short, watched / "held.mp4")
    settings = config.validate(MAGENTA | {"watch": {"poll_s": 0.2}, "chunk": {"seconds": 60}})
    watcher = Watcher(str(watched), str(destination), settings)
    published: list[tuple[str, bool]] = []

    def observe(status: Status) -> None:
        if (hold / "held").exists() and not (watched / "later.mp4").exists():
            shutil.copy(short, watched / "later.mp4")
        if status.published == 1 and not published:
            published.extend((path.name, path.exists()) for path in destination.glob("*.mp4"))
            (hold / "hold").unlink()
        if status.published == 2:
            run.drain()

    run = Run(two, watcher, str(destination), settings, observe)
    assert run.process().published == 2
    assert published == [("later.mp4", True)]


@pytest.mark.timeout(120)
def test_a_time_limit_is_seen_while_the_only_task_runs(
    short: Path, two: Client, tmp_path: Path
) -> None:
    source, hold = tmp_path / "in", tmp_path / "hold"
    for folder in (source, hold):
        folder.mkdir()
    (hold / "hold").touch()
    two.register_plugin(Holds("detect", str(hold)))
    videos = [shutil.copy(short, source / f"{number}.mp4") for number in range(2)]
    settings = config.validate(MAGENTA | {"driver": {"window": 1, "time_limit_s": 3}})

    def observe(status: Status) -> None:
        if status.elapsed_s > 5 and run._drained:
            (hold / "hold").unlink(missing_ok=True)

    listed = listing.list_videos(str(source), str(tmp_path / "out"))
    run = Run(two, listed, f"{tmp_path}/out", settings, observe)
    summary = run.process()
    assert (summary.published, summary.left) == (1, len(videos) - 1)


def test_a_result_an_error_and_a_wake_arrive(client: Client) -> None:
    events = Events(client)
    good, bad = client.submit(sum, [1, 2]), client.submit(int, "no number")
    events.follow([good, bad])
    found = dict(filter(None, (events.wait(10), events.wait(10))))
    assert found[good] == 3
    assert isinstance(found[bad], ValueError)
    for _ in range(3):
        events.wake()
    begun = time.monotonic()
    assert events.wait(10) is None
    assert time.monotonic() - begun < 5
    assert events.wait(0.2) is None, "three wakes end one wait"
