"""What is left in the work area after a run, and what is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from distributed import Client
from fixture_types import MakeClip
from magenta import MAGENTA, RAISING

import redact_dask
from redact_dask import manifest


def left_behind(destination: Path, video: str, *, days: float, area: str = "_work") -> Path:
    folder = destination / area / video
    folder.mkdir(parents=True)
    for name in ("a.mkv", "b.json"):
        (folder / name).write_bytes(b"left")
    written = (folder / "a.mkv").stat().st_mtime - days * 86_400
    os.utime(folder / "a.mkv", (0, 0))
    os.utime(folder / "b.json", (written, written))
    return folder


def test_work_that_a_later_run_may_go_on_from_is_kept(
    short: Path, client: Client, tmp_path: Path
) -> None:
    fresh = left_behind(tmp_path / "out", "0123456789abcdef", days=6.9)
    stale = left_behind(tmp_path / "out", "fedcba9876543210", days=7.1)
    others = left_behind(tmp_path / "out", "originals", days=700)
    redact_dask.redact(short, tmp_path / "out", MAGENTA, client)
    assert fresh.exists()
    assert not stale.exists()
    assert others.exists(), "it is no work on a video"


def test_what_came_after_a_video_was_published_is_swept(
    short: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    redact_dask.redact(short, destination, MAGENTA, client)
    (row,) = manifest.read(str(destination / "_manifest"), "videos").to_pylist()
    # As a task leaves it that ends after Dask had given it up.
    late = left_behind(destination, row["video"], days=0)
    assert redact_dask.redact(short, destination, MAGENTA, client).skipped == 1
    assert not late.exists()
    assert not (destination / "_work").exists()


@pytest.mark.parametrize("damaged", [True, False])
def test_nothing_is_kept_of_a_video_at_fault(
    damaged: bool, make_clip: MakeClip, client: Client, tmp_path: Path
) -> None:
    blue = -1 if damaged else 80  # Of two errors, either may be the first.
    video = make_clip(tmp_path / "in" / "a.mp4", frames=90, blue_frame=blue, audio=False)
    if damaged:
        content = bytearray(video.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 2000] = bytes(2000)
        video.write_bytes(content)
    settings = MAGENTA | {"chunk": {"seconds": 0.5}, "detect": RAISING}
    summary = redact_dask.redact(video, tmp_path / "out", settings, client)
    assert summary.quarantined == 1
    # Another error than its own is tried again, from what was seen.
    assert (tmp_path / "out" / "_kept").exists() is not damaged
    assert not damaged or not (tmp_path / "out" / "_work").exists()


def test_what_was_paid_for_goes_when_it_is_old_and_its_video_published(
    short: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    redact_dask.redact(short, destination, MAGENTA, client)
    (row,) = manifest.read(str(destination / "_manifest"), "videos").to_pylist()
    published = left_behind(destination, row["video"], days=3, area="_paid")
    pending = left_behind(destination, "0123456789abcdef", days=300, area="_paid")
    for kept, is_left in ((None, True), (4, True), (2, False)):
        evidence = {"evidence": {"keep_paid_days": kept}}
        assert redact_dask.redact(short, destination, MAGENTA | evidence, client).skipped == 1
        assert published.exists() is is_left
    assert pending.exists(), "its video is not published"


def test_what_is_kept_for_another_rendering_goes_when_it_is_old(
    short: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    redact_dask.redact(short, destination, MAGENTA, client)
    (own,) = (destination / "_kept").iterdir()
    (row,) = manifest.read(str(destination / "_manifest"), "videos").to_pylist()
    assert own.name == row["video"], "it is kept by default"
    shutil.rmtree(own)
    published = left_behind(destination, row["video"], days=3, area="_kept")
    begun = left_behind(destination, "0123456789abcdef", days=6.9, area="_kept")
    gone = left_behind(destination, "fedcba9876543210", days=7.1, area="_kept")
    steps: list[tuple[float | None, set[Path]]] = [
        (None, {published, begun, gone}),
        (8, {published, begun, gone}),
        (4, {published, begun}),
        (2, {begun}),
    ]
    for days, left in steps:
        evidence = {"evidence": {"keep_detections_days": days}}
        assert redact_dask.redact(short, destination, MAGENTA | evidence, client).skipped == 1
        assert {*(destination / "_kept").iterdir()} == left


def test_nothing_is_kept_if_nothing_is_to_be_kept(
    short: Path, client: Client, tmp_path: Path
) -> None:
    settings = MAGENTA | {"evidence": {"keep_detections_days": 0}}
    assert redact_dask.redact(short, tmp_path / "out", settings, client).published == 1
    assert not (tmp_path / "out" / "_kept").exists()
