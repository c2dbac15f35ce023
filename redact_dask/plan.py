"""What a run has to do, and what that will take: told before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version

from redact_dask import analysis, manifest, stages, storage
from redact_dask.config import Config
from redact_dask.errors import DamagedVideo, UnsupportedVideo, VideoError
from redact_dask.model import Video
from redact_dask.stages import Job

SAMPLE = 64
"""Videos that are probed; of more, those evenly spread over the list stand for the others."""
_AT_ONCE = 8
"""Probes that run at once: from an object store each waits more than it computes."""


OWN_FAULTS = frozenset({UnsupportedVideo.__name__, DamagedVideo.__name__})
"""Classes of errors that a video is at fault for: it fails again, and others need not."""


def manifest_root(destination: str) -> str:
    """Return the URL of a destination's manifest."""
    return storage.join(destination, "_manifest")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do."""

    to_do: tuple[Video, ...]
    """Those that failed in their last attempt come last: they may do so again."""
    skipped: tuple[Video, ...]
    """Those whose redacted copy is already there."""
    failed: tuple[Video, ...]
    """Those that an earlier run has quarantined, and that would fail again."""
    origins: Mapping[str, str]
    """URL of the source of each copy that was published before: only its own may replace it."""


def plan(videos: Sequence[Video], destination: str, config: Config) -> Plan:
    """Part the videos into those to do and those that are done.

    A copy counts if the manifest tells that it was the last to be published in its place, that it
    was made from this version of the source with these settings, and a file of its size is there.
    A video fails again if it is at fault itself, and neither it nor settings nor package changed.
    """
    attempts = [*manifest.attempts(manifest_root(destination))]
    latest = {row["output"]: row for row in attempts if row["status"] == "published"}
    there = storage.sizes(destination) if latest else {}
    done = {
        row["video"]
        for output, row in latest.items()
        if row["fingerprint"] == config.fingerprint and there.get(output) == row["bytes_out"]
    }
    last = {row["video"]: row for row in attempts if row["fingerprint"] == config.fingerprint}
    failed = set() if config.driver.retry_failed else {*filter(None, map(_hopeless, last.values()))}
    troubled = {name for name, row in last.items() if row["status"] != "published"}
    to_do = [video for video in videos if video.id not in done | failed]
    return Plan(
        to_do=tuple(sorted(to_do, key=lambda video: video.id in troubled)),
        skipped=tuple(video for video in videos if video.id in done),
        failed=tuple(video for video in videos if video.id in failed - done),
        origins={output: row["source"] for output, row in latest.items()},
    )


def _hopeless(row: manifest.Row) -> str | None:
    """Return the id of a video that would fail again as it did in its last attempt."""
    same = row["versions"].get("redact-dask") == version("redact-dask")
    return str(row["video"]) if same and row["error"] in OWN_FAULTS else None


def job(video: Video, destination: str, config: Config) -> Job:
    """Return what all stages of a video need to know."""
    work = config.work or storage.join(destination, "_work")
    return Job(video, destination, storage.join(work, video.id), config)


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


def estimate(jobs: Sequence[Job]) -> Estimate:
    """Probe some of the videos, and tell what all of them will take."""
    if not jobs:
        return Estimate(0, 0, 0, 0.0, 0, 0.0)
    number = min(len(jobs), SAMPLE)
    sample = [jobs[rank * len(jobs) // number] for rank in range(number)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        counts = [*pool.map(_count, sample)]
    size = sum(job.video.size for job in sample)
    scale = sum(job.video.size for job in jobs) / size if size else 1.0
    looks = round(scale * sum(count.looks for count in counts))
    return Estimate(
        videos=len(jobs),
        probed=number,
        frames=round(scale * sum(count.frames for count in counts)),
        seconds=scale * sum(count.seconds for count in counts),
        looks=looks,
        dollars=jobs[0].config.detect.dollars(looks),
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
