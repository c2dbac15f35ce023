"""Stages that make up their results: what is left is the cost of going through the videos."""

from __future__ import annotations

import time
from fractions import Fraction
from functools import partial, update_wrapper

from distributed import Worker, WorkerPlugin

from redact_dask import storage
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import (
    Chunk,
    Detected,
    Detection,
    Detections,
    Fields,
    Gop,
    Joined,
    Keyframe,
    Probed,
    Region,
    RegionOrigin,
    Regions,
    Rendered,
    Segment,
    StreamInfo,
    TaskTiming,
    Tracked,
)

FRAMES = 150
"""Frames of a chunk, and of a GOP: few, as the records' size is not what is measured."""


class MadeUp(WorkerPlugin):
    """Puts stages in place of the real ones that make up their results."""

    name = "made-up"

    def __init__(self, chunks: int, *, saves: bool) -> None:
        self._chunks = chunks
        self._saves = saves

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts."""
        # Tasks tell their stage's name.
        stages.probe = update_wrapper(partial(probe, self._chunks), probe)
        stages.detect = update_wrapper(partial(detect, self._saves), detect)
        stages.render = update_wrapper(partial(render, self._saves), render)
        stages.track, stages.join = track, join


def probe(chunks: int, job: Job) -> Probed:
    start = Keyframe(0, 1000, 0)
    gop = Gop(start, FRAMES, copyable=True)
    cut = tuple(
        Chunk(n, start, n * FRAMES, tuple(range(n * FRAMES, (n + 1) * FRAMES)), (gop,))
        for n in range(chunks)
    )
    target = storage.join(job.destination, job.video.path)
    return Probed(info(chunks * FRAMES), cut, target, False, None, work(), cut)


def detect(saves: bool, job: Job, _info: StreamInfo, chunk: Chunk) -> Detected:
    if saves:
        storage.write(storage.join(job.work, f"detected-{chunk.index}.json"), b"{}")
    seen = Detection(chunk.first_frame, 10, 10, 20, 20, 0.9, "face", "centerface")
    return Detected(chunk.index, FRAMES, 50, Detections.of([seen]), ("made-up",), (), (), work())


def track(_job: Job, probed: Probed, _detected: list[Detected]) -> Tracked:
    return Tracked((None,) * len(probed.chunks), (("face", 1),), (), work())


def render(saves: bool, job: Job, _info: StreamInfo, chunk: Chunk, _tracked: Tracked) -> Rendered:
    if saves:
        for name in ("mkv", "json"):
            storage.write(storage.join(job.work, f"rendered-{chunk.index}.{name}"), b"{}")
    return Rendered(chunk.index, FRAMES, (Segment(FRAMES, chunk.start, None, 0),), work())


def join(_job: Job, probed: Probed, _tracked: list[Tracked], _rendered: list[Rendered]) -> Joined:
    storage.write(probed.target, b"r")
    hidden = Regions.of([Region(0, 0, 10, 10, 20, 20, RegionOrigin.DETECTED, "face", "told")])
    return Joined(probed.target, 1, "0" * 64, "", hidden, work())


def info(frames: int) -> StreamInfo:
    """Describe a video that is not there."""
    return StreamInfo(
        codec="h264",
        width=960,
        height=540,
        pixel_format="yuv420p",
        quarter_turns=0,
        display_matrix=(),
        fields=Fields.PROGRESSIVE,
        sample_aspect_ratio=Fraction(1),
        color_range=1,
        color_primaries=1,
        color_transfer=1,
        color_space=1,
        time_base=Fraction(1, 30),
        rate=Fraction(30),
        frames=frames,
        seconds=frames / 30,
        audio=("aac",),
        audio_streams=(1,),
        audio_start=Fraction(0),
        parameter_sets=b"0" * 40,
        reorder_depth=2,
        why_encoded="",
    )


def work() -> TaskTiming:
    """Account for a stage that takes no time."""
    now = time.time()
    return TaskTiming(now, now, (("made up", 0.0),), "host")
