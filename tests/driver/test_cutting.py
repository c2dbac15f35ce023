"""A few videos are cut so that all threads have work; many are not, and no cut loses anything."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client
from magenta import MAGENTA

import redact_dask
from redact_dask import config, manifest, storage
from redact_dask.config import Config
from redact_dask.pipeline import cutting, stages
from redact_dask.pipeline.job import Job
from redact_dask.sources import listing


def chunks(destination: Path) -> list[int]:
    """Return the number of detected chunks of each published video."""
    rows = manifest.read(str(destination / "_manifest"), "chunks").to_pylist()
    videos = [row["video"] for row in rows if row["stage"] == "detect"]
    return [videos.count(video) for video in dict.fromkeys(videos)]


def test_one_video_is_cut_for_all_threads(clip: Path, client: Client, tmp_path: Path) -> None:
    redact_dask.redact(clip, tmp_path / "auto", MAGENTA, client)
    assert chunks(tmp_path / "auto") == [2]
    whole = MAGENTA | {"chunk": {"seconds": 10}}
    redact_dask.redact(clip, tmp_path / "whole", whole, client)
    assert chunks(tmp_path / "whole") == [1]


def test_as_many_videos_as_threads_are_left_whole(
    clip: Path, client: Client, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(4):
        shutil.copy(clip, source / f"{number}.mp4")
    settings = MAGENTA | {"driver": {"window": 2}}
    assert redact_dask.redact(source, tmp_path / "out", settings, client).published == 4
    assert min(chunks(tmp_path / "out")) == 1


def test_all_cuts_have_one_fingerprint() -> None:
    ten = config.validate({"chunk": {"seconds": 10}})
    assert Config().fingerprint == ten.fingerprint
    assert Config().detection_fingerprint == ten.detection_fingerprint


@pytest.fixture
def job(clip: Path, tmp_path: Path) -> Job:
    (video,) = listing.list_videos(str(clip), str(tmp_path / "out"))
    return Job.of(video, storage.canonical(str(tmp_path / "out")), config.validate(MAGENTA))


@pytest.mark.parametrize(("first", "then"), [(3, 1), (3, 6), (1, 3)])
def test_a_video_that_is_begun_is_cut_as_before(job: Job, first: int, then: int) -> None:
    probed = stages.probe(replace(job, least_chunks=first))
    assert len(probed.chunks) == first
    stages.detect(job, probed.info, probed.chunks[0])
    again = stages.probe(replace(job, least_chunks=then))
    assert again.chunks == probed.chunks
    assert cutting.is_detected(job, again.info, again.chunks[0])


def test_a_cut_does_not_make_a_foreign_copy_ours(job: Job, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "clip.mp4").write_text("somebody's only copy")
    for _ in range(2):  # Dask may run a task twice.
        assert stages.probe(replace(job, least_chunks=3)).occupied
