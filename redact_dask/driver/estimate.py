"""Estimates what a run will take, before anything is done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from redact_dask import manifest
from redact_dask.config import Config
from redact_dask.driver.backlog import Backlog
from redact_dask.errors import VideoError
from redact_dask.pipeline import cutting, detection, stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Probed, Usage
from redact_dask.storage import layout

SAMPLE = 64
"""Most videos that are probed. In a longer list, they are evenly spread, and stand for the others.
"""
_AT_ONCE = 8
"""Probes that run at once: with an object store, a probe waits more than it computes."""
_LOOK_S, _LOOK_MEGAPIXEL_S, _MEGAPIXEL_S = 0.057, 0.045, 0.035
"""CPU seconds of a look by CenterFace at 640 pixels, of YuNet's share in it for a million pixels of
the picture, and of all else for a million pixels: measured without AVX-512 (benchmarks/README.md).
Copied GOPs take less."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take; videos that cannot be probed count as nothing."""

    videos: int
    probed: int
    """Videos whose probes the figures come from. If they are fewer than ``videos``, the tasks are
    scaled by the number of videos, and the other figures by the bytes."""
    frames: int
    seconds: float
    """Length of all videos together, seconds."""
    looks: int
    """Frames that the detectors will look at, without chunks that have a checkpoint. A few more are
    looked at where scenes change inside a GOP."""
    calls: int
    """Calls to a paid service for the looks: one for each of its operations."""
    dollars: float
    """Price of the calls, US dollars."""
    tasks: int
    """Number of Dask tasks."""
    cpu_hours: float
    """Hours that one core would be busy, at the pace of this destination's last run if there was
    one."""


@dataclass(frozen=True, slots=True)
class _Counts:
    frames: int = 0
    seconds: float = 0.0
    looks: int = 0
    tasks: int = 0
    cpu_s: float = 0.0


def estimate(backlog: Backlog, destination: str, config: Config) -> Estimate:
    """List a source to its end, probe some of its videos, and tell what all of them will take."""
    backlog.wait()
    jobs = [Job.of(video, destination, config) for video in backlog.sample(SAMPLE)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        counts = [*pool.map(_count, jobs)]
    pace = _pace(layout.manifest(destination))
    frames = sum(count.frames for count in counts)
    cpu_s = sum(count.cpu_s for count in counts) if pace is None else pace * frames
    size = sum(job.video.size for job in jobs)
    scale = backlog.counts.bytes_pending / size if size else 1.0
    looks = round(scale * sum(count.looks for count in counts))
    usage = config.detect.usage_of(looks)
    return Estimate(
        videos=backlog.counts.pending,
        probed=len(jobs),
        frames=round(scale * frames),
        seconds=scale * sum(count.seconds for count in counts),
        looks=looks,
        calls=usage.calls,
        dollars=config.detect.dollars(usage, Usage()),
        tasks=round(
            backlog.counts.pending * sum(count.tasks for count in counts) / max(len(jobs), 1)
        ),
        cpu_hours=scale * cpu_s / 3600,
    )


def _pace(root: str) -> float | None:
    """Return the core seconds that the last run took for a frame; None: it is not known."""
    rows = manifest.latest(root, "chunks", ["stage", "frames", "started", "ended"]).to_pylist()
    seconds = sum((row["ended"] - row["started"]).total_seconds() for row in rows)
    frames = sum(row["frames"] for row in rows if row["stage"] == "join")
    return seconds / frames if frames else None


def _count(job: Job) -> _Counts:
    """Probe a video, and count what it will take; zeros if it cannot be probed."""
    try:
        probed = stages.probe(job)
    except VideoError:
        return _Counts()
    streams = [_count_stream(job, stream) for stream in probed.streams]
    return _Counts(
        frames=probed.frames,
        seconds=max(stream.info.seconds for stream in probed.streams),
        looks=sum(count.looks for count in streams),
        tasks=2 + sum(count.tasks for count in streams),
        cpu_s=sum(count.cpu_s for count in streams),
    )


def _count_stream(job: Job, stream: Probed) -> _Counts:
    """Count what one video stream will take, without probing and joining."""
    info = stream.info
    every = detection.stride(info, job.config.detect)
    looks = sum(
        len(detection.frames_to_look_at(info, part, every))
        for part in stream.parts
        if not cutting.is_detected(job, info, part)
    )
    megapixels = info.width * info.height / 1e6
    cpu_s = (_LOOK_S + _LOOK_MEGAPIXEL_S * megapixels) * looks
    cpu_s += _MEGAPIXEL_S * megapixels * info.frames
    tasks = 1 + len(stream.parts) + len(stream.chunks)
    return _Counts(info.frames, info.seconds, looks, tasks, cpu_s)
