"""One long GOP gives work to all threads, and what is found does not tell that it was divided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from fixture_types import MakeClip
from magenta import MAGENTA
from manifest_rows import rows

import redact_dask
from redact_dask import config, storage
from redact_dask.media import digests
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Detected, Detections
from redact_dask.sources import listing
from redact_dask.tracking import camera_motion, scene_cuts

FRAMES = 101


@pytest.fixture(scope="module")
def long_gop(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with one keyframe, and with a flash that no look at every fourth frame would see."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return make_clip(path, frames=FRAMES, keyframes=500, blue_frame=38)


def job(clip: Path, folder: Path, threads: int, **settings: Any) -> Job:
    (video,) = listing.list_videos(str(clip), str(folder / "out"))
    destination = storage.canonical(str(folder / "out"))
    made = Job.of(video, destination, config.validate(MAGENTA | settings))
    return replace(made, least_chunks=threads)


def found(job: Job) -> list[Detected]:
    probed = stages.probe(job)
    return [stages.detect(job, probed.info, part) for part in probed.parts]


@pytest.mark.parametrize("threads", [2, 7, 16])
def test_a_long_gop_is_divided_for_all_threads(
    long_gop: Path, tmp_path: Path, threads: int
) -> None:
    probed = stages.probe(job(long_gop, tmp_path, threads))
    assert len(probed.chunks) == 1
    assert len(probed.parts) >= threads
    assert [part.index for part in probed.parts] == [*range(len(probed.parts))]
    assert [frame for part in probed.parts for frame in part.frames] == [*range(FRAMES)]
    assert tuple(ticks for part in probed.parts for ticks in part.pts) == probed.pts
    assert {part.first_frame % 4 for part in probed.parts} == {0}
    assert [part.next_pts for part in probed.parts] == [
        *(part.pts[0] for part in probed.parts[1:]),
        None,
    ]


@pytest.mark.parametrize("threads", [2, 7, 16])
def test_what_is_found_does_not_depend_on_the_parts(
    long_gop: Path, tmp_path: Path, threads: int
) -> None:
    whole, parts = (found(job(long_gop, tmp_path / str(n), n)) for n in (1, threads))
    assert (len(whole), len(parts) >= threads) == (1, True)
    assert sum(part.looked_at for part in parts) == whole[0].looked_at > FRAMES / 4
    joined = Detections.joined([part.detections for part in parts])
    assert joined.to_bytes() == whole[0].detections.to_bytes()
    assert scene_cuts.joined(parts) == scene_cuts.joined(whole)
    assert camera_motion.joined(parts) == camera_motion.joined(whole)
    assert b"".join(part.packets for part in parts) == whole[0].packets
    assert b"".join(part.pictures for part in parts) == whole[0].pictures
    assert len(whole[0].pictures) == FRAMES * digests.SIZE


@pytest.mark.parametrize("settings", [{"chunk": {"seconds": 1}}, {"on_damage": "salvage"}])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_chunk_of_a_chosen_length_or_to_be_salvaged_stays_whole(
    long_gop: Path, tmp_path: Path, settings: dict[str, Any], *, is_first: bool
) -> None:
    """In both attempts alike: what the first one has paid for is found by the second one."""
    attempt = replace(job(long_gop, tmp_path, 16, **settings), is_first_attempt=is_first)
    probed = stages.probe(attempt)
    assert probed.parts == probed.chunks


def test_all_workers_look_at_one_long_gop(long_gop: Path, client: Client, tmp_path: Path) -> None:
    for name, seconds in (("divided", None), ("whole", 10)):
        settings = MAGENTA | {"chunk": {"seconds": seconds}}
        summary = redact_dask.redact(long_gop, tmp_path / name, settings, client)
        assert (summary.published, summary.frames) == (1, FRAMES)
    tasks = [row for row in rows(tmp_path / "divided", "chunks") if row["stage"] == "detect"]
    assert sorted(row["first_frame"] for row in tasks) == [0, 52]
    assert len({row["worker"] for row in tasks}) == 2
    copies = [(tmp_path / name / "long.mp4").read_bytes() for name in ("divided", "whole")]
    assert copies[0] == copies[1]
