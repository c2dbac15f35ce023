"""What is kept of a chunk holds no picture, and what an earlier version has kept is used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import pytest

from redact_dask import config, storage
from redact_dask.pipeline import checkpoints, stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Detected, Probed
from redact_dask.sources import listing
from redact_dask.tracking import scene_cuts

SETTINGS = {"chunk": {"seconds": 0.9}, "detect": {"detectors": ["magenta"]}}


@pytest.fixture
def job(clip: Path, tmp_path: Path) -> Job:
    destination = str(tmp_path / "out")
    (video,) = listing.list_videos(str(clip), destination)
    return Job.of(video, destination, config.validate(SETTINGS))


@pytest.fixture
def probed(job: Job) -> Probed:
    return stages.probe(job)


@pytest.fixture
def detected(job: Job, probed: Probed) -> list[Detected]:
    return [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]


def test_a_checkpoint_holds_no_picture(
    clip: Path, job: Job, probed: Probed, detected: list[Detected]
) -> None:
    texts = [storage.read(url).decode() for url in storage.find(str(job.kept))]
    assert len(texts) == len(detected) > 1
    with av.open(clip) as container:
        tiny = [scene_cuts.thumbnail(frame) for frame in container.decode(video=0)]
    for chunk in probed.chunks:
        for frame in (chunk.first_frame, chunk.last_frame):
            assert not any(tiny[frame].tobytes().hex() in text for text in texts)


def test_a_checkpoint_of_an_earlier_version_loses_its_pictures_and_is_used(
    job: Job, probed: Probed, detected: list[Detected]
) -> None:
    """Otherwise its detections would be paid for twice."""
    chunk, seen = probed.chunks[1], detected[1]
    (url,) = (url for url in storage.find(str(job.kept)) if url.endswith("00001.json"))
    record = json.loads(storage.read(url))
    record["changes"] = [0.0, *record["changes"][:-1]]
    record["edges"] = ["80" * 576, "81" * 576]
    storage.write(url, json.dumps(record).encode())
    for _ in range(2):
        loaded = checkpoints.load_detected(url, chunk, seen.timing)
        assert loaded == replace(seen, changes=(*seen.changes[:-1], 0.0))
        assert b"edges" not in storage.read(url)
        assert b"8080" not in storage.read(url)
