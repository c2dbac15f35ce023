"""The five stages of a video, as plain functions without Dask.

``probe`` cuts the video into chunks. ``detect`` lets the detectors look at frames of a chunk.
``track`` decides over the whole video what is hidden where. ``render`` hides it in a chunk.
``join`` makes one video of the chunks again, checks it, and publishes it. Raw pixels never leave a
stage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from redact_dask import storage
from redact_dask.detectors.frame_view import FrameView
from redact_dask.errors import CheckFailed, DamagedVideo
from redact_dask.media import containers, digests, index, mux, verify
from redact_dask.pipeline import checkpoints, cutting, detection, mirroring, proving
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.rendering import Rendering, without_copies
from redact_dask.pipeline.timing import Timer
from redact_dask.records import (
    Chunk,
    Detected,
    Detections,
    Joined,
    Probed,
    Rendered,
    Segment,
    StreamInfo,
    Tracked,
    Usage,
    attach_usage,
)
from redact_dask.storage import lease, scratch
from redact_dask.tracking import camera_motion, scene_cuts, tracker


def probe(job: Job) -> Probed:
    """Learn from the packets of a video what its stream is, and cut it into chunks.

    Raises
    ------
    VideoError
        It is not a video that can be kept exact, or its path cannot be mirrored at the destination.
    """
    timer = Timer()
    mirroring.check(job.video, job.destination)
    with timer.step("scan"):
        scanned = index.scan(
            job.video.source,
            job.config.encode,
            salvage=job.salvages,
            from_zero=job.config.output.begin == "zero",
        )
    info = scanned.info
    if job.config.output.audio == "drop":
        info = replace(info, audio=())
    target = storage.join(job.destination, containers.target_path(job.video.path, info))
    mirroring.check_name(target)
    begun = storage.exists(job.work) or storage.exists(job.paid)
    occupied = storage.exists(target) and not begun
    chunks = scanned.chunks(cutting.chunk_seconds(job, info, begun=begun, occupied=occupied))
    return Probed(info, chunks, target, occupied, scanned.missing, timer.timing())


def detect(job: Job, info: StreamInfo, chunk: Chunk) -> Detected:
    """Decode every frame of a chunk, let every detector look, and save what they found.

    A checkpoint of the same chunk, settings and detectors is loaded instead if there is one. It
    lies in the work area, or, if it was paid for, where later runs find it too.

    Raises
    ------
    VideoError
        The chunk does not decode exactly.
    """
    timer = Timer()
    url = cutting.detections_url(job, info, chunk)
    views = detection.views(info, job.config.detect)
    identities = tuple(view.detector.identity for view in views)
    with timer.step("recall"):
        detected = checkpoints.load_detected(url, chunk, timer.timing())
    if detected is None or detected.detectors != identities:
        with _paying(views) as paid:
            source, every = job.video.source, detection.stride(info, job.config.detect)
            seen = detection.detect(source, info, chunk, views, every, timer, salvage=job.salvages)
            detected = Detected(
                chunk=chunk.index,
                frames=seen.frames,
                looked_at=seen.looked_at,
                detections=seen.sorted(),
                detectors=identities,
                damage=tuple(seen.damage),
                changes=tuple(seen.changes.get(frame, 0.0) for frame in chunk.frames),
                steps=tuple(seen.steps.get(frame) for frame in chunk.frames),
                timing=timer.timing(),
                usage=paid(),
                packets=digests.in_order(seen.packets, chunk.pts),
            )
            with timer.step("commit"):
                checkpoints.save_detected(url, detected, chunk)
    if detected.damage and job.config.on_damage == "quarantine":
        raise DamagedVideo(detected.damage[0].reason)
    return replace(detected, timing=timer.timing())


@contextmanager
def _paying(views: Sequence[FrameView]) -> Iterator[Callable[[], Usage]]:
    """Yield what tells the paid calls of the block; an error that leaves the block tells, too.

    The calls cost money even if the chunk fails, and the driver counts what they cost.
    """
    before = detection.usage(views)
    try:
        yield lambda: detection.usage(views) - before
    except Exception as error:
        detection.abandon(views)
        attach_usage(error, detection.usage(views) - before)
        raise


def track(job: Job, probed: Probed, detected: Sequence[Detected]) -> Tracked:
    """Decide for every frame what is hidden, with the whole video in view, and save it by chunk.

    Raises
    ------
    CheckFailed
        A frame of a chunk was not analysed.
    DamagedVideo
        No frame could be analysed, because no GOP decodes.
    """
    timer = Timer()
    damage = tuple(lost for seen in detected for lost in seen.damage)
    for chunk, seen in zip(probed.chunks, detected, strict=True):
        if (seen.chunk, seen.frames + seen.frames_damaged) != (chunk.index, len(chunk.pts)):
            raise CheckFailed(
                f"of chunk {chunk.index}, {len(chunk.pts)} frames, not all were analysed"
            )
    if not any(seen.frames for seen in detected):
        raise DamagedVideo(f"none of its GOPs is whole: {damage[0].reason}")
    times = [float(ticks * probed.info.time_base) for ticks in probed.pts]
    with timer.step("track"):
        regions = tracker.track(
            Detections.joined([seen.detections for seen in detected]),
            times,
            scene_cuts.first_frames(scene_cuts.joined(detected), times),
            probed.info.width,
            probed.info.height,
            job.config.track,
            max_gap_frames=detection.stride(probed.info, job.config.detect) - 1,
            steps=camera_motion.joined(detected),
        )
    with timer.step("commit"):
        plan = checkpoints.save_plan(job.work, regions, probed.chunks)
    packets = b"".join(seen.packets for seen in detected)
    return Tracked(plan, len(np.unique(regions.track)), damage, timer.timing(), packets)


def render(job: Job, info: StreamInfo, chunk: Chunk, tracked: Tracked) -> Rendered:
    """Hide the regions of a chunk, and save its encoded frames.

    GOPs without a region are copied where that is possible. Damaged GOPs are not decoded: their
    frames become black. A checkpoint that the same software saved for the same regions is loaded
    instead if there is one.

    Raises
    ------
    CheckFailed
        The file that tells what to hide is damaged.
    VideoError
        The chunk does not decode exactly, or cannot be encoded.
    """
    timer = Timer()
    with timer.step("recall"):
        regions = checkpoints.load_plan([tracked.plan[chunk.index]])
    rendering = Rendering(job, info, chunk, regions, tracked.damage)
    url = storage.join(job.work, f"{rendering.name}.json")
    with timer.step("recall"):
        rendered = checkpoints.load_rendered(url, timer.timing())
    if rendered is None:
        segments = tuple(rendering.segments(timer))
        rendered = Rendered(chunk.index, sum(p.frames for p in segments), segments, timer.timing())
        with timer.step("commit"):
            checkpoints.save_rendered(url, rendered)
    return replace(rendered, timing=timer.timing())


def join(job: Job, probed: Probed, tracked: Tracked, rendered: Sequence[Rendered]) -> Joined:
    """Make one video of the segments, check it against the source, and only then publish it.

    What was to be hidden is compared with the segments, and with pictures of the result. If copied
    GOPs turn out not to fit beside encoded ones, they are encoded too.

    Raises
    ------
    CheckFailed
        The result is not exactly what was planned, shows what was to be hidden, or the source has
        changed since the run began.
    RunEnded
        Another run has taken over the destination, and may have published the video with other
        settings.
    """
    timer = Timer()
    segments = [segment for made in rendered for segment in made.segments]
    with timer.step("recall"):
        regions = checkpoints.load_plan(tracked.plan)
    hidden = proving.hidden_in(regions, tracked.damage)
    proving.check_plan(segments, hidden)
    why_encoded = ""
    with scratch.folder() as folder:
        path = folder / f"joined{PurePosixPath(probed.target).suffix.lower()}"
        written = _mux(path, job, probed, segments, tracked.packets, timer)
        try:
            _check(path, job, probed, segments, written, timer)
        except CheckFailed as error:
            if all(segment.url for segment in segments):
                raise
            why_encoded = f"copied beside encoded gops, {error}"
            segments = [*without_copies(job, probed, segments, timer)]
            written = _mux(path, job, probed, segments, b"", timer)
            _check(path, job, probed, segments, written, timer)
        with timer.step("prove"):
            proving.check_pictures(str(path), job, probed, segments, hidden)
        # The analysed frames must be those that were copied: new content has a new version.
        found = storage.info(job.video.source)
        if found is None or storage.version(found) != job.video.version:
            raise CheckFailed("the source has changed since the run began; run again")
        with timer.step("publish"):
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = path.stat().st_size
            storage.publish(path, probed.target, partial(lease.check, job.lease))
    return Joined(probed.target, size, sha256, why_encoded, regions, timer.timing())


def _mux(
    path: Path,
    job: Job,
    probed: Probed,
    segments: Sequence[Segment],
    decoded: bytes,
    timer: Timer,
) -> mux.Written:
    source, output = job.video.source, job.config.output
    with timer.step("mux"):
        return mux.write(path, segments, probed.pts, probed.info, source, output, decoded)


def _check(
    path: Path,
    job: Job,
    probed: Probed,
    segments: Sequence[Segment],
    written: mux.Written,
    timer: Timer,
) -> None:
    """Check the joined video; the whole of it is decoded if it must be, or if little is copied."""
    source, output = job.video.source, job.config.output
    known = written if written.copies_are_known and job.config.check == "quick" else None
    with timer.step("check"):
        verify.verify(path, segments, probed.pts, probed.info, source, output, known)
