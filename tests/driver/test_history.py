"""What is known of earlier runs, and what that protects: files not ours, videos of one name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from backlogs import videos
from distributed import Client
from fixture_types import Ffmpeg, MakeClip
from magenta import MAGENTA

import redact_dask
from redact_dask import config, manifest, storage, versions
from redact_dask.driver.history import PERMANENT_ERRORS, History, VideoState
from redact_dask.errors import UnreadableVideo
from redact_dask.media import demux
from redact_dask.pipeline import cutting, stages
from redact_dask.pipeline.job import Job
from redact_dask.sources import listing


def test_a_file_that_is_not_ours_is_not_replaced(
    short: Path, client: Client, tmp_path: Path
) -> None:
    source, destination = tmp_path / "in" / "clip.mp4", tmp_path / "out"
    source.parent.mkdir()
    destination.mkdir()
    shutil.copy(short, source)
    (destination / "clip.mp4").write_text("somebody's only copy")
    summary = redact_dask.redact(source, destination, MAGENTA, client)
    assert [failure.reason for failure in summary.failures] == [
        "a file that is no redacted video of ours is at clip.mp4"
    ]
    assert (destination / "clip.mp4").read_text() == "somebody's only copy"


def test_our_own_output_is_replaced(short: Path, client: Client, tmp_path: Path) -> None:
    destination = tmp_path / "out"
    first = redact_dask.redact(short, destination, MAGENTA, client)
    second = redact_dask.redact(short, destination, MAGENTA | {"redact": {"cells": 2}}, client)
    assert (first.published, second.published) == (1, 1)


def test_an_output_whose_rows_were_lost_is_replaced(
    short: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    redact_dask.redact(short, destination, MAGENTA, client)
    # As a driver leaves it that was killed between publishing and writing rows.
    shutil.rmtree(destination / "_manifest")
    (video,) = listing.list_videos(str(short), str(destination))
    (destination / "_work" / video.id).mkdir(parents=True)
    assert redact_dask.redact(short, destination, MAGENTA, client).published == 1


def test_two_videos_with_one_name_are_not_mixed_up(
    short: Path, client: Client, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    ffmpeg("-i", short, "-c", "copy", source / "a.ts")
    shutil.copy(short, source / "a.ts.mp4")
    summary = redact_dask.redact(source, tmp_path / "out", MAGENTA, client)
    assert summary.published == 1
    assert "as that of another video" in summary.failures[0].reason


def test_only_the_last_copy_in_a_place_counts_as_done(
    short: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    strong, weak = MAGENTA, MAGENTA | {"redact": {"cells": 1}}
    for settings in (strong, weak):
        redact_dask.redact(short, destination, settings, client)
    # The first settings' rows are still there, and so is a file, but it is not theirs.
    (video,) = listing.list_videos(str(short), str(destination))
    history = History(storage.canonical(str(destination)), config.validate(strong))
    history.load()
    size = (destination / "clip.mp4").stat().st_size
    rows = manifest.read(str(destination / "_manifest"), "videos").to_pylist()
    assert len(rows) == 2
    assert max(rows, key=lambda row: row["finished"])["bytes_out"] == size
    assert history.state(video) is VideoState.NEW


def test_another_sources_copy_is_not_replaced(
    short: Path, make_clip: MakeClip, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    for day in ("monday", "tuesday"):
        make_clip(tmp_path / day / "front.mp4", frames=30, audio=False)
    first = redact_dask.redact(tmp_path / "monday", destination, MAGENTA, client)
    content = (destination / "front.mp4").read_bytes()
    second = redact_dask.redact(tmp_path / "tuesday", destination, MAGENTA, client)
    assert (first.published, second.published) == (1, 0)
    assert "monday/front.mp4 is at front.mp4" in second.failures[0].reason
    assert (destination / "front.mp4").read_bytes() == content


def test_source_and_destination_may_be_mounted_elsewhere(
    make_clip: MakeClip, client: Client, tmp_path: Path
) -> None:
    before, now = tmp_path / "host", tmp_path / "container"
    make_clip(before / "in" / "cam" / "a.mp4", frames=30, audio=False)
    redact_dask.redact(before / "in", before / "out", MAGENTA, client)
    before.rename(now)
    again = redact_dask.redact(now / "in", now / "out", MAGENTA, client)
    assert (again.skipped, again.published, again.failures) == (1, 0, ())
    other = redact_dask.redact(
        now / "in", now / "out", MAGENTA | {"redact": {"style": "solid"}}, client
    )
    assert (other.skipped, other.published, other.failures) == (0, 1, ())


def test_destinations_that_share_a_work_area_do_not_mix(
    short: Path, client: Client, tmp_path: Path
) -> None:
    work, (one, other) = tmp_path / "work", (tmp_path / "one", tmp_path / "other")
    settings = MAGENTA | {"work": str(work)}
    (video,) = listing.list_videos(str(short), str(one))
    # Another run is at work on the same video, for its own destination.
    elsewhere = Job.of(video, storage.canonical(str(other)), config.validate(settings))
    storage.write(f"{elsewhere.work}/begun.json", b"{}")
    one.mkdir()
    (one / "clip.mp4").write_text("somebody's only copy")
    summary = redact_dask.redact(short, one, settings, client)
    assert "no redacted video of ours" in summary.failures[0].reason
    assert (one / "clip.mp4").read_text() == "somebody's only copy"
    assert storage.exists(f"{elsewhere.work}/begun.json")


def test_copies_of_an_earlier_version_are_told_and_made_again(
    short: Path, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = tmp_path / "out"
    earlier = versions.installed() | {versions.PACKAGE: "0.1.5"}
    with monkeypatch.context() as patch:
        patch.setattr(versions, "installed", lambda: earlier)
        redact_dask.redact(short, destination, MAGENTA, client)

    def run(before: str | None) -> tuple[int, int, int]:
        settings = MAGENTA | {"driver": {"redo_before": before}}
        summary = redact_dask.redact(short, destination, settings, client)
        return summary.skipped, summary.outdated, summary.published

    assert run(None) == (1, 1, 0)
    assert run("0.1.5") == (1, 1, 0)
    assert run("0.1.10") == (0, 0, 1)
    assert run("0.1.10") == (1, 0, 0)


def test_detections_of_other_software_are_not_taken_over(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (video,) = listing.list_videos(str(short), str(tmp_path / "out"))
    job = Job.of(video, storage.canonical(str(tmp_path / "out")), config.validate(MAGENTA))
    probed = stages.probe(job)
    for chunk in probed.chunks:
        stages.detect(job, probed.info, chunk)
    assert all(cutting.is_detected(job, probed.info, chunk) for chunk in probed.chunks)
    monkeypatch.setattr(versions, "installed", lambda: {"av": "1.0"})
    assert not any(cutting.is_detected(job, probed.info, chunk) for chunk in probed.chunks)


def test_a_version_that_fails_tells_of_the_copy_of_the_one_before(
    short: Path, client: Client, tmp_path: Path
) -> None:
    video, destination = tmp_path / "in" / "a.mp4", tmp_path / "out"
    video.parent.mkdir()
    shutil.copy(short, video)
    redact_dask.redact(video, destination, MAGENTA, client)
    video.write_bytes(b"no video")
    summary = redact_dask.redact(video, destination, MAGENTA, client)
    assert "; the copy of another version of it is still at a.mp4" in summary.failures[0].reason


def test_a_part_of_a_manifest_file_is_passed_over(
    short: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    redact_dask.redact(short, destination, MAGENTA, client)
    (destination / "_manifest" / "videos" / ".x.parquet.abc.part").write_bytes(b"PAR1")
    assert redact_dask.redact(short, destination, MAGENTA, client).skipped == 1


def test_a_name_beside_the_copies_that_is_no_utf_8_is_passed_over(
    short: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    redact_dask.redact(short, destination, MAGENTA, client)
    Path(os.fsdecode(os.fsencode(destination / "n") + b"\xe9.txt")).touch()
    assert redact_dask.redact(short, destination, MAGENTA, client).skipped == 1


def test_a_new_destination_has_no_past(tmp_path: Path) -> None:
    history = History(storage.canonical(str(tmp_path / "nothing")), config.validate({}))
    history.load()
    (video,) = videos("NEW 1")
    assert history.state(video) is VideoState.NEW
    assert history.origin("file:///NEW 1") is None


def test_a_file_that_cannot_be_read_is_not_at_fault(tmp_path: Path) -> None:
    with (
        pytest.raises(UnreadableVideo, match="cannot be read: No such file"),
        demux.open_video(f"file://{tmp_path}/gone.mp4"),
    ):
        pass
    assert UnreadableVideo.__name__ not in PERMANENT_ERRORS
