"""The five stages of a video, as plain functions without Dask.

``probe`` cuts the video into chunks. ``detect`` lets the detectors look at frames of a chunk.
``track`` decides over the whole video what is hidden where. ``render`` hides it in a chunk.
``join`` makes one video of the chunks again, checks it, and publishes it. Raw pixels never leave a
stage.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from redact_dask import storage
from redact_dask.errors import CheckFailed, DamagedVideo, RunEnded, UnsupportedVideo
from redact_dask.media import containers, index, mux, verify
from redact_dask.pipeline import checkpoints, detection, proving
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.rendering import Rendering, without_copies
from redact_dask.pipeline.timing import Timer
from redact_dask.records import (
    Chunk,
    Detected,
    Joined,
    Probed,
    Rendered,
    Segment,
    StreamInfo,
    Tracked,
)
from redact_dask.storage import layout, lease, scratch
from redact_dask.tracking import camera_motion, scene_cuts, tracker

_LONGEST_NAME = 255
"""Most bytes of a file's name on the usual file systems."""


def is_detected(job: Job, chunk: Chunk) -> bool:
    """Tell whether a checkpoint of what the detectors find in a chunk exists."""
    return storage.exists(_detections_url(job, chunk))


def _detections_url(job: Job, chunk: Chunk) -> str:
    """Return the URL of a chunk's checkpoint; later runs find it too if it was paid for."""
    folder = job.paid if job.config.detect.is_paid else job.work
    return storage.join(folder, f"{job.config.detection_fingerprint}-{chunk.index:05}.json")


def probe(job: Job) -> Probed:
    """Learn from the packets of a video what its stream is, and cut it into chunks.

    Raises
    ------
    VideoError
        It is not a video that can be kept exact, or its path cannot be mirrored at the destination.
    """
    timer = Timer()
    folders = PurePosixPath(job.video.path).parts
    if ".." in folders:
        raise UnsupportedVideo(f"its name {job.video.path!r} would leave the destination")
    if folders[0] in layout.OWN_FOLDERS:
        raise UnsupportedVideo(f"{folders[0]} is a folder of ours in the destination; rename it")
    if "\\udc" in job.video.path and not storage.exists(job.video.source):
        raise UnsupportedVideo(f"its name {job.video.path} is not UTF-8; rename the file")
    with timer.step("scan"):
        salvage = job.config.on_damage == "salvage"
        scanned = index.scan(job.video.source, job.config.encode, salvage=salvage)
    info = scanned.info
    if job.config.output.audio == "drop":
        info = replace(info, audio=())
    target = storage.join(job.destination, containers.target_path(job.video.path, info))
    name = PurePosixPath(target).name
    if storage.local_path(target) and len(os.fsencode(name)) > _LONGEST_NAME:
        raise UnsupportedVideo(
            f"its copy would be called {name[:12]}...{name[-12:]}, which is longer than the "
            f"{_LONGEST_NAME} bytes that a name can have; rename the file"
        )
    begun = storage.exists(job.work) or storage.exists(job.paid)
    occupied = storage.exists(target) and not begun
    chunks = scanned.chunks(job.config.chunk.seconds)
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
    url = _detections_url(job, chunk)
    views = detection.views(info, job.config.detect)
    before = detection.usage(views)
    identities = tuple(view.detector.identity for view in views)
    with timer.step("recall"):
        detected = checkpoints.load_detected(url, chunk, timer.timing())
    if detected is None or detected.detectors != identities:
        salvage = job.config.on_damage == "salvage"
        every = detection.stride(info, job.config.detect)
        seen = detection.detect(job.video.source, info, chunk, views, every, timer, salvage=salvage)
        detected = Detected(
            chunk=chunk.index,
            frames=len(seen.thumbnails),
            looked_at=seen.looked_at,
            detections=tuple(sorted(seen.detections, key=lambda found: found.frame)),
            detectors=identities,
            damage=tuple(seen.damage),
            changes=scene_cuts.changes(seen.thumbnails, chunk.frames),
            edges=scene_cuts.edges(seen.thumbnails, chunk.frames),
            steps=tuple(seen.steps.get(frame) for frame in chunk.frames),
            timing=timer.timing(),
            usage=detection.usage(views) - before,
        )
        with timer.step("commit"):
            checkpoints.save_detected(url, detected, chunk)
    if detected.damage and job.config.on_damage == "quarantine":
        raise DamagedVideo(detected.damage[0].reason)
    return replace(detected, timing=timer.timing())


def track(job: Job, probed: Probed, detected: Sequence[Detected]) -> Tracked:
    """Decide for every frame what is hidden, with the whole video in view.

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
            [detection for seen in detected for detection in seen.detections],
            times,
            scene_cuts.first_frames(scene_cuts.joined(detected), times),
            probed.info.width,
            probed.info.height,
            job.config.track,
            max_gap_frames=detection.stride(probed.info, job.config.detect) - 1,
            steps=camera_motion.joined(detected),
        )
    return Tracked(regions, damage, timer.timing())


def render(job: Job, info: StreamInfo, chunk: Chunk, tracked: Tracked) -> Rendered:
    """Hide the regions of a chunk, and save its encoded frames.

    GOPs without a region are copied where that is possible. Damaged GOPs are not decoded: their
    frames become black. A checkpoint that the same software saved for the same regions is loaded
    instead if there is one.

    Raises
    ------
    VideoError
        The chunk does not decode exactly, or cannot be encoded.
    """
    timer = Timer()
    rendering = Rendering(job, info, chunk, tracked)
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
    hidden = proving.hidden_in(tracked)
    proving.check_plan(segments, hidden)
    why_encoded = ""
    with scratch.folder() as folder:
        path = folder / f"joined{PurePosixPath(probed.target).suffix.lower()}"
        _mux(path, job, probed, segments, timer)
        try:
            _check(path, job, probed, segments, timer)
        except CheckFailed as error:
            if all(segment.url for segment in segments):
                raise
            why_encoded = f"copied beside encoded gops, {error}"
            segments = [*without_copies(job, probed, segments, timer)]
            _mux(path, job, probed, segments, timer)
            _check(path, job, probed, segments, timer)
        with timer.step("prove"):
            proving.check_pictures(str(path), job, probed, segments, hidden)
        # The analysed frames must be those that were copied: new content has a new version.
        if {*map(storage.version, storage.find(job.video.source).values())} != {job.video.version}:
            raise CheckFailed("the source has changed since the run began; run again")
        with timer.step("publish"):
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = path.stat().st_size
            if job.lease and not lease.is_valid(job.lease):
                raise RunEnded("its lease of the destination is gone: another run has taken over")
            storage.publish(path, probed.target)
    return Joined(probed.target, size, sha256, why_encoded, timer.timing())


def _mux(path: Path, job: Job, probed: Probed, segments: Sequence[Segment], timer: Timer) -> None:
    source, output = job.video.source, job.config.output
    with timer.step("mux"):
        mux.write(path, segments, probed.pts, probed.info, source, output)


def _check(path: Path, job: Job, probed: Probed, segments: Sequence[Segment], timer: Timer) -> None:
    source, output = job.video.source, job.config.output
    with timer.step("check"):
        verify.verify(path, segments, probed.pts, probed.info, source, output)
