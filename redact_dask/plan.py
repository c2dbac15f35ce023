"""What a run will take: told before anything is done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from redact_dask import analysis, stages
from redact_dask.agenda import Agenda
from redact_dask.config import Config
from redact_dask.errors import VideoError
from redact_dask.job import Job

SAMPLE = 64
"""Videos that are probed; of more, those evenly spread over the list stand for the others."""
_AT_ONCE = 8
"""Probes that run at once: from an object store each waits more than it computes."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known or guessed of a run; what no probe can read counts as nothing."""

    videos: int
    probed: int
    """Videos that the figures come from: if there are fewer than ``videos``, they are scaled by
    the bytes."""
    frames: int
    seconds: float
    """Length of the video, seconds."""
    looks: int
    """Frames that the detectors will look at, without those that were committed before; a few more
    where scenes change inside a GOP."""
    dollars: float
    """Price of the looks."""


@dataclass(frozen=True, slots=True)
class _Counts:
    frames: int = 0
    seconds: float = 0.0
    looks: int = 0


def estimate(agenda: Agenda, destination: str, config: Config) -> Estimate:
    """List a source to its end, probe some of the videos, and tell what all of them will take."""
    agenda.wait()
    jobs = [Job.of(video, destination, config) for video in agenda.sample(SAMPLE)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        counts = [*pool.map(_count, jobs)]
    size = sum(job.video.size for job in jobs)
    scale = agenda.counts.bytes_to_do / size if size else 1.0
    looks = round(scale * sum(count.looks for count in counts))
    return Estimate(
        videos=agenda.counts.to_do,
        probed=len(jobs),
        frames=round(scale * sum(count.frames for count in counts)),
        seconds=scale * sum(count.seconds for count in counts),
        looks=looks,
        dollars=config.detect.dollars(looks),
    )


def _count(job: Job) -> _Counts:
    try:
        probed = stages.probe(job)
    except VideoError:
        return _Counts()
    every = analysis.stride(probed.facts, job.config.detect)
    looks = sum(
        len(analysis.wanted(probed.facts, chunk, every))
        for chunk in probed.chunks
        if not stages.is_detected(job, chunk)
    )
    return _Counts(probed.facts.frames, probed.facts.seconds, looks)
