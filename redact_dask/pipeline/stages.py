"""The five stages of a video, as plain functions without Dask.

``probe`` cuts the video into chunks. ``detect`` lets the detectors look at frames of a chunk.
``track`` decides over the whole video what is hidden where. ``render`` hides it in a chunk.
``join`` makes one video of the chunks again, checks it, and publishes it. Raw pixels never leave a
stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import PurePosixPath

from redact_dask import storage
from redact_dask.detectors.frame_view import FrameView
from redact_dask.errors import CheckFailed, DamagedVideo
from redact_dask.media import cameras, containers, digests, index
from redact_dask.pipeline import checkpoints, cutting, detection, joining, mirroring, published
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.rendering import Rendering, has_copies
from redact_dask.pipeline.timing import Timer
from redact_dask.records import (
    Chunk,
    Detected,
    Detections,
    Joined,
    Probed,
    Rendered,
    StreamInfo,
    Tracked,
    Usage,
    attach_usage,
)
from redact_dask.redaction import zones
from redact_dask.storage import scratch
from redact_dask.tracking import camera_motion, edited, scene_cuts, tracker


def probe(job: Job) -> Probed:
    """Learn from the packets of a video what its streams are, and cut each into chunks.

    Raises
    ------
    VideoError
        It is not a video that can be kept exact, or its path cannot be mirrored at the destination.
    """
    timer = Timer()
    mirroring.check(job.video, job.destination)
    output = job.config.output
    with timer.step("scan"):
        scanned = cameras.scan(job.video.source, job.config.encode, output, salvage=job.salvages)
    streams = [cutting.with_zones(job, stream) for stream in scanned.streams]
    infos = [stream.info for stream in streams]
    if output.audio == "drop":
        infos = [replace(info, audio=()) for info in infos]
    target = storage.join(job.destination, containers.target_path(job.video.path, *infos))
    mirroring.check_name(target)
    begun = storage.exists(job.work) or storage.exists(job.paid)
    occupied = storage.exists(target) and not begun
    seconds = cutting.chunk_seconds(job, infos[0], occupied=occupied)

    def cut(info: StreamInfo, stream: index.Index) -> Probed:
        chunks = stream.chunks(seconds)
        parts = cutting.parts(job, info, chunks, seconds)
        return Probed(info, chunks, target, occupied, stream.missing, timer.timing(), parts)

    first, *beside = map(cut, infos, streams)
    return replace(first, beside=tuple(beside), dropped=scanned.dropped, timing=timer.timing())


def detect(job: Job, info: StreamInfo, chunk: Chunk) -> Detected:
    """Decode every frame of a chunk, let every detector look, and save what they found.

    A checkpoint of the same chunk, settings and detectors is loaded instead if there is one. It
    lies in the work area, or, if it was paid for, where later runs find it too.

    Raises
    ------
    VideoError
        The chunk does not decode exactly.
    """
    with cameras.named(info.number):
        return _detect(job, info, chunk)


def _detect(job: Job, info: StreamInfo, chunk: Chunk) -> Detected:
    timer = Timer()
    url = cutting.detections_url(job, info, chunk)
    views = detection.views(info, job.config.detect)
    identities = tuple(view.detector.identity for view in views)
    with timer.step("recall"):
        detected = checkpoints.load_detected(url, chunk, timer.timing())
    if detected is None or detected.detectors != identities:
        with _paying(views) as paid:
            source, every = job.video.source, detection.stride(info, job.config.detect)
            exact = chunk.frames if info.codec in digests.EXACT else ()
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
                pictures=digests.in_order(seen.pictures, exact),
            )
            with timer.step("commit"):
                checkpoints.save_detected(url, detected, chunk)
    if detected.damage and job.config.on_damage == "quarantine":
        raise DamagedVideo(detected.damage[0].reason)
    return replace(detected, timing=timer.timing(), stream=info.number)


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
    """Decide for every frame what is hidden, with a whole stream in view, and save it by chunk.

    Parameters
    ----------
    job
        Job of the video.
    probed
        What its streams are.
    detected
        What was detected in each chunk of one of them.

    Raises
    ------
    CheckFailed
        A frame of a chunk was not analysed.
    DamagedVideo
        No frame could be analysed, because no GOP decodes.
    """
    probed = probed.stream(detected[0].stream)
    with cameras.named(probed.info.number):
        return _track(job, probed, detected)


def _track(job: Job, probed: Probed, detected: Sequence[Detected]) -> Tracked:
    timer = Timer()
    damage = tuple(lost for seen in detected for lost in seen.damage)
    for part, seen in zip(probed.parts, detected, strict=True):
        of_stream = (seen.stream, seen.chunk) == (probed.info.number, part.index)
        if not of_stream or seen.frames + seen.frames_damaged != len(part.pts):
            raise CheckFailed(
                f"not all {len(part.pts)} frames of chunk {part.index} were analysed; run again"
            )
    if not any(seen.frames for seen in detected):
        raise DamagedVideo(f"none of its GOPs is whole: {damage[0].reason}")
    times = [float(ticks * probed.info.time_base) for ticks in probed.pts]
    steps = camera_motion.joined(detected)
    with timer.step("track"):
        found = Detections.joined([seen.detections for seen in detected]).only(job.config.hides)
        regions = tracker.track(
            zones.to_hide(found, job.config.zones, job.video.path, probed.info),
            times,
            scene_cuts.first_frames(scene_cuts.joined(detected), times),
            probed.info.width,
            probed.info.height,
            job.config.track_of,
            max_gap_frames=detection.stride(probed.info, job.config.detect) - 1,
            steps=steps,
        )
        edits = [edit for edit in job.edits if edit.stream == probed.info.number]
        size = probed.info.width, probed.info.height
        regions = edited.apply(regions, edits, times, *size, steps)
    with timer.step("commit"):
        plan = checkpoints.save_plan(job.work, regions, probed.chunks)
    packets = b"".join(seen.packets for seen in detected)
    known = all(seen.pictures for seen in detected)
    pictures = b"".join(seen.pictures for seen in detected) if known else b""
    number = probed.info.number
    with timer.step("recall"):
        before = published.stream(job, probed.target, number)
    copies = has_copies(probed.chunks, regions, damage)
    timing = timer.timing()
    return Tracked(plan, regions.tracks, damage, timing, packets, pictures, number, copies, before)


def render(job: Job, info: StreamInfo, chunk: Chunk, tracked: Tracked) -> Rendered:
    """Hide the regions of a chunk, and save its encoded frames.

    GOPs without a region are copied where that is possible. What the published copy shows just so
    is taken from there. Damaged GOPs are not decoded: their frames become black. A checkpoint that
    the same software saved for the same regions is loaded instead if there is one.

    Raises
    ------
    CheckFailed
        The file that tells what to hide is damaged.
    VideoError
        The chunk does not decode exactly, or cannot be encoded.
    """
    with cameras.named(info.number):
        return _render(job, info, chunk, tracked)


def _render(job: Job, info: StreamInfo, chunk: Chunk, tracked: Tracked) -> Rendered:
    timer = Timer()
    if tracked.stream != info.number:
        raise CheckFailed("its plan is that of another stream; run again, and report it")
    with timer.step("recall"):
        regions = checkpoints.load_plan([tracked.plan[chunk.index]])
    rendering = Rendering(job, info, chunk, regions, tracked)
    url = storage.join(job.work, f"{rendering.name}.json")
    with timer.step("recall"):
        rendered = checkpoints.load_rendered(url, timer.timing())
    if rendered is None:
        segments = tuple(rendering.segments(timer))
        rendered = Rendered(chunk.index, sum(p.frames for p in segments), segments, timer.timing())
        with timer.step("commit"):
            checkpoints.save_rendered(url, rendered)
    return replace(rendered, timing=timer.timing(), stream=info.number)


def join(
    job: Job, probed: Probed, tracked: Sequence[Tracked], rendered: Sequence[Rendered]
) -> Joined:
    """Make one video of the segments, check it against the source, and only then publish it.

    What was to be hidden is compared with the segments, and with pictures of the result. If GOPs
    that are copied or taken turn out not to fit beside encoded ones, they are encoded too.

    Parameters
    ----------
    job
        Job of the video.
    probed
        What its streams are.
    tracked
        What is hidden in each stream, in their order.
    rendered
        Each chunk of each stream.

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
    with timer.step("recall"):
        regions = [checkpoints.load_plan(plan.plan) for plan in tracked]
    videos = joining.planned(job, probed, tracked, rendered, regions)
    with scratch.folder() as folder:
        path = folder / f"joined{PurePosixPath(probed.target).suffix.lower()}"
        why_encoded = joining.make(path, job, videos, timer)
        # Pieces that were encoded after all are not those that the plan names.
        shown = [] if why_encoded else [plan.footage for plan in videos]
        told = published.streams(path, shown, tracked)
        source_sha256 = None
        with timer.step("hash"), suppress(FileNotFoundError):  # What comes next tells of it.
            source_sha256 = storage.digest(job.video.source).sha256
        # The analysed frames must be those that were copied and hashed: new content has a new
        # version.
        found = storage.info(job.video.source)
        if found is None or storage.version(found) != job.video.version:
            raise CheckFailed("the source has changed since the run began; run again")
        with timer.step("publish"):
            made, replaced = published.publish(path, job, probed.target, told)
    first, *beside = regions
    return Joined(
        probed.target,
        made.size,
        made.sha256,
        why_encoded,
        first,
        timer.timing(),
        tuple(beside),
        source_sha256,
        replaced,
    )
