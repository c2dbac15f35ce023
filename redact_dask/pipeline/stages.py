"""The five stages of a video, as plain functions without Dask.

``probe`` cuts the video into chunks, ``detect`` looks at a chunk's frames, ``track`` decides
over the whole video what is hidden where, ``render`` hides it in a chunk, ``join`` makes the chunks
one video again, checks it, and publishes it. Raw pixels never leave a stage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from redact_dask import storage
from redact_dask.errors import CheckFailed, DamagedVideo, RunEnded, UnsupportedVideo
from redact_dask.media import index, mux, verify
from redact_dask.pipeline import checkpoints, detection
from redact_dask.pipeline.job import OWN_FOLDERS, Job
from redact_dask.pipeline.rendering import Rendering, without_copies
from redact_dask.pipeline.timing import Stopwatch
from redact_dask.records import (
    Chunk,
    Detected,
    Facts,
    Joined,
    Part,
    Probed,
    Rendered,
    Tracked,
)
from redact_dask.storage import lease, scratch
from redact_dask.tracking import scene_cuts, tracker


def is_detected(job: Job, chunk: Chunk) -> bool:
    """Tell whether what is to be seen in a chunk was committed before."""
    return storage.exists(_committed(job, chunk))


def _committed(job: Job, chunk: Chunk) -> str:
    folder = job.paid if job.config.detect.is_paid else job.work
    return storage.join(folder, f"{job.config.detection_fingerprint}-{chunk.index:05}.json")


def probe(job: Job) -> Probed:
    """Learn what the video is, and cut it into chunks, from its packets.

    Raises
    ------
    VideoError
        It is not a video that can be kept exact.
    """
    watch = Stopwatch()
    folders = PurePosixPath(job.video.path).parts
    if ".." in folders:
        raise UnsupportedVideo(f"its name {job.video.path!r} would leave the destination")
    if folders[0] in OWN_FOLDERS:
        raise UnsupportedVideo(f"{folders[0]} is a folder of ours in the destination; rename it")
    with watch.step("scan"):
        salvage = job.config.on_damage == "salvage"
        scanned = index.scan(job.video.source, job.config.encode, salvage=salvage)
    facts = scanned.facts
    if job.config.output.audio == "drop":
        facts = replace(facts, audio=())
    target = storage.join(job.destination, mux.target_path(job.video.path, facts))
    begun = storage.exists(job.work) or storage.exists(job.paid)
    occupied = storage.exists(target) and not begun
    chunks = scanned.chunks(job.config.chunk.seconds)
    return Probed(facts, chunks, target, occupied, scanned.missing, watch.work())


def detect(job: Job, facts: Facts, chunk: Chunk) -> Detected:
    """Decode every frame of a chunk, let every detector look, and commit what they saw.

    What was committed before for the same chunk, settings and detectors is taken as it is. It waits
    in the work area, or, if it was paid for, where later runs find it too.

    Raises
    ------
    VideoError
        The chunk does not decode exactly.
    """
    watch = Stopwatch()
    url = _committed(job, chunk)
    views = detection.views(facts, job.config.detect)
    before = detection.usage(views)
    identities = tuple(view.detector.identity for view in views)
    with watch.step("recall"):
        detected = checkpoints.read_detected(url, chunk, watch.work())
    if detected is None or detected.detectors != identities:
        salvage = job.config.on_damage == "salvage"
        every = detection.stride(facts, job.config.detect)
        seen = detection.look(job.video.source, facts, chunk, views, every, watch, salvage=salvage)
        detected = Detected(
            chunk=chunk.index,
            frames=len(seen.thumbnails),
            looked_at=seen.looked_at,
            detections=tuple(sorted(seen.detections, key=lambda found: found.frame)),
            detectors=identities,
            damage=tuple(seen.damage),
            changes=scene_cuts.changes(seen.thumbnails, chunk.frames),
            edges=scene_cuts.edges(seen.thumbnails, chunk.frames),
            work=watch.work(),
            usage=detection.usage(views) - before,
        )
        with watch.step("commit"):
            checkpoints.write_detected(url, detected, chunk)
    if detected.damage and job.config.on_damage == "quarantine":
        raise DamagedVideo(detected.damage[0].reason)
    return replace(detected, work=watch.work())


def track(job: Job, probed: Probed, detected: Sequence[Detected]) -> Tracked:
    """Decide for every frame what is hidden, with the whole video in view.

    Raises
    ------
    CheckFailed
        A frame was not analysed.
    DamagedVideo
        No frame could be.
    """
    watch = Stopwatch()
    damage = tuple(lost for seen in detected for lost in seen.damage)
    for chunk, seen in zip(probed.chunks, detected, strict=True):
        if (seen.chunk, seen.frames + seen.frames_damaged) != (chunk.index, len(chunk.pts)):
            raise CheckFailed(
                f"of chunk {chunk.index}, {len(chunk.pts)} frames, not all were analysed"
            )
    if not any(seen.frames for seen in detected):
        raise DamagedVideo(f"none of its GOPs is whole: {damage[0].reason}")
    times = [float(ticks * probed.facts.time_base) for ticks in probed.pts]
    with watch.step("track"):
        regions = tracker.track(
            [detection for seen in detected for detection in seen.detections],
            times,
            scene_cuts.first_frames(scene_cuts.joined(detected), times),
            probed.facts.width,
            probed.facts.height,
            job.config.track,
            blink=detection.stride(probed.facts, job.config.detect) - 1,
        )
    return Tracked(regions, damage, watch.work())


def render(job: Job, facts: Facts, chunk: Chunk, tracked: Tracked) -> Rendered:
    """Hide the regions of a chunk, and commit its encoded frames.

    Spans without a region are copied, damaged ones are not looked at: their frames become black.
    What was committed before with the same regions, by the same software, is taken as it is.

    Raises
    ------
    VideoError
        The chunk does not decode exactly, or cannot be encoded.
    """
    watch = Stopwatch()
    rendering = Rendering(job, facts, chunk, tracked)
    url = storage.join(job.work, f"{rendering.name}.json")
    with watch.step("recall"):
        rendered = checkpoints.read_rendered(url, watch.work())
    if rendered is None:
        parts = tuple(rendering.parts(watch))
        rendered = Rendered(chunk.index, sum(p.frames for p in parts), parts, watch.work())
        with watch.step("commit"):
            checkpoints.write_rendered(url, rendered)
    return replace(rendered, work=watch.work())


def join(job: Job, probed: Probed, rendered: Sequence[Rendered]) -> Joined:
    """Make one video of the segments, check it against the source, and only then publish it.

    If copied spans do not fit beside encoded ones after all, they are encoded too.

    Raises
    ------
    CheckFailed
        The result is not exactly what was planned.
    RunEnded
        Another run has taken over, and may have published the video with other settings.
    """
    watch = Stopwatch()
    parts = [part for made in rendered for part in made.parts]
    why_encoded = ""
    with scratch.folder() as folder:
        path = folder / f"joined{PurePosixPath(probed.target).suffix.lower()}"
        _mux(path, job, probed, parts, watch)
        try:
            _check(path, job, probed, parts, watch)
        except CheckFailed as error:
            if all(part.segment for part in parts):
                raise
            why_encoded = f"copied beside encoded spans, {error}"
            parts = [*without_copies(job, probed, parts, watch)]
            _mux(path, job, probed, parts, watch)
            _check(path, job, probed, parts, watch)
        # What was analysed must be what was copied: another content is another version.
        if {*map(storage.version, storage.find(job.video.source).values())} != {job.video.version}:
            raise CheckFailed("the source has changed since the run began; run again")
        with watch.step("publish"):
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = path.stat().st_size
            if job.lease and not lease.counts(job.lease):
                raise RunEnded("its lease of the destination is gone: another run has taken over")
            storage.publish(path, probed.target)
    return Joined(probed.target, size, sha256, why_encoded, watch.work())


def _mux(path: Path, job: Job, probed: Probed, parts: Sequence[Part], watch: Stopwatch) -> None:
    source, output = job.video.source, job.config.output
    with watch.step("mux"):
        mux.write(path, parts, probed.pts, probed.facts, source, output)


def _check(path: Path, job: Job, probed: Probed, parts: Sequence[Part], watch: Stopwatch) -> None:
    source, output = job.video.source, job.config.output
    with watch.step("check"):
        verify.check(path, parts, probed.pts, probed.facts, source, output)
