"""A night's run: what is taken, what is tried again, and how it ends early."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from fixture_types import MakeClip
from folders import names
from magenta import MAGENTA, RAISING

import redact_dask
from redact_dask import RedactError, Summary, config, manifest, storage
from redact_dask.driver.run import Run
from redact_dask.sources import listing


@pytest.fixture
def fleet(tmp_path: Path, make_clip: MakeClip) -> Path:
    """A source of six good videos."""
    source = tmp_path / "fleet"
    first = make_clip(source / "0.mp4", frames=30, audio=False)
    for number in range(1, 6):
        shutil.copy(first, source / f"{number}.mp4")
    return source


def test_a_video_at_fault_is_not_tried_every_night(
    fleet: Path, client: Client, tmp_path: Path
) -> None:
    (fleet / "2.mp4").write_text("This is no video.\n")
    destination = tmp_path / "out"

    def night(**driver: Any) -> Summary:
        return redact_dask.redact(fleet, destination, MAGENTA | {"driver": driver}, client)

    first = night()
    assert (first.published, first.quarantined, first.failed) == (5, 1, 0)
    second = night()
    assert (second.skipped, second.quarantined, second.failed, second.left) == (5, 0, 1, 0)
    assert night(retry_failed=True).quarantined == 1
    shutil.copy(fleet / "1.mp4", fleet / "2.mp4")
    assert night().published == 1


def test_a_video_that_failed_for_another_reason_is_tried_again(
    make_clip: MakeClip, client: Client, tmp_path: Path
) -> None:
    source = make_clip(tmp_path / "fleet" / "blue.mp4", frames=30, blue_frame=4, audio=False)
    for _ in range(2):
        summary = redact_dask.redact(
            source, tmp_path / "out", MAGENTA | {"detect": RAISING}, client
        )
        assert (summary.quarantined, summary.failed) == (1, 0)


@pytest.mark.slow
def test_many_failures_of_one_kind_end_the_run(
    make_clip: MakeClip, client: Client, tmp_path: Path
) -> None:
    first = make_clip(tmp_path / "fleet" / "0.mp4", frames=30, blue_frame=4, audio=False)
    for number in range(1, 8):
        shutil.copy(first, first.with_name(f"{number}.mp4"))
    settings = MAGENTA | {"detect": RAISING} | {"driver": {"most_failures": 3, "window": 1}}
    with pytest.raises(RedactError, match=r"3 videos in a row failed in detect.*blue picture"):
        redact_dask.redact(first.parent, tmp_path / "out", settings, client)
    rows = manifest.read(f"{tmp_path}/out/_manifest", "videos")
    assert rows.num_rows == 3
    # The next night, those that failed come last: the good ones behind them are done.
    for number in range(3, 8):
        make_clip(first.with_name(f"{number}.mp4"), frames=30, audio=False)
    with pytest.raises(RedactError, match=r"3 videos in a row failed"):
        redact_dask.redact(first.parent, tmp_path / "out", settings, client)
    assert names(tmp_path / "out", "*.mp4") == [f"{number}.mp4" for number in range(3, 8)]


def test_a_place_that_is_taken_ends_no_run(fleet: Path, client: Client, tmp_path: Path) -> None:
    destination = tmp_path / "out"
    destination.mkdir()
    for number in range(4):
        (destination / f"{number}.mp4").write_text("somebody's only copy")
    settings = MAGENTA | {"driver": {"most_failures": 2, "window": 1}}
    summary = redact_dask.redact(fleet, destination, settings, client)
    assert (summary.published, summary.quarantined) == (2, 4)


def test_patterns_that_fit_nothing_are_told(fleet: Path, client: Client, tmp_path: Path) -> None:
    settings = MAGENTA | {"select": {"include": ["*.mov"]}}
    with pytest.raises(redact_dask.SourceError, match="none of the source's 6 videos"):
        redact_dask.redact(fleet, tmp_path / "out", settings, client)


def test_a_run_that_is_drained_finishes_what_it_has_begun(
    fleet: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    settings = config.validate(MAGENTA | {"driver": {"window": 2}})
    videos = listing.list_videos(str(fleet), str(destination))
    run: Run

    def observe(status: redact_dask.Status) -> None:
        if status.published:
            run.drain()

    run = Run(client, videos, storage.canonical(str(destination)), settings, observe)
    summary = run.process()
    assert 1 <= summary.published <= 3
    assert summary.left == 6 - summary.published
    assert len(names(destination, "*.mp4")) == summary.published
    again = redact_dask.redact(fleet, destination, settings, client)
    assert (again.published, again.skipped) == (summary.left, summary.published)


def test_no_video_is_begun_after_the_time_limit(
    fleet: Path, client: Client, tmp_path: Path
) -> None:
    settings = MAGENTA | {"driver": {"window": 1, "time_limit_s": 0.001}}
    summary = redact_dask.redact(fleet, tmp_path / "out", settings, client)
    assert summary.published <= 1
    assert summary.left == 6 - summary.published


def to_the_process(process: subprocess.Popen[str], number: signal.Signals) -> None:
    process.send_signal(number)


def to_its_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """As a terminal does it: the workers get it too."""
    os.killpg(process.pid, number)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "send"),
    [
        (signal.SIGINT, to_the_process),
        (signal.SIGINT, to_its_group),
        (signal.SIGTERM, to_the_process),
    ],
)
def test_a_signal_drains_the_command(
    number: signal.Signals,
    send: Callable[[subprocess.Popen[str], signal.Signals], None],
    fleet: Path,
    tmp_path: Path,
) -> None:
    destination = tmp_path / "out"
    program = Path(sys.executable).with_name("redact-dask")
    arguments = ["run", fleet, destination, "--detector", "magenta", "--workers", "1", "--json"]
    settings = ["--set", "driver.window=1", "--set", "cluster.dashboard=127.0.0.1:0"]
    process = subprocess.Popen(
        [program, *arguments, *settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not names(destination, "*.mp4") and time.monotonic() < deadline:
        time.sleep(0.05)
    send(process, number)
    told, errors = process.communicate(timeout=60)
    assert f"{number.name}: finishing the videos in flight" in errors
    assert "Traceback" not in errors
    summary = json.loads(told.splitlines()[-1])
    assert process.returncode == 1
    assert 1 <= summary["published"] < 6
    assert summary["left"] == 6 - summary["published"]
    assert len(names(destination, "*.mp4")) == summary["published"]
    assert not list(destination.glob("_lease*"))
