"""The five stages of a video, as plain functions without Dask.

``probe`` cuts the video into chunks, ``detect`` looks at every frame of a chunk, ``track`` decides
over the whole video what is hidden where, ``render`` hides it in a chunk, ``join`` makes the chunks
one video again, checks it, and publishes it. Raw pixels never leave a stage.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import accumulate, groupby, islice
from pathlib import PurePosixPath
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask import detectors, storage
from redact_dask.config import Config, DetectSettings
from redact_dask.detectors.view import View
from redact_dask.errors import CheckFailed, UnsupportedVideo
from redact_dask.media import check, index, mux
from redact_dask.media.decode import frames
from redact_dask.media.encode import Encoder
from redact_dask.model import (
    Chunk,
    Detected,
    Detection,
    Facts,
    Joined,
    Part,
    Probed,
    Region,
    Rendered,
    Span,
    Tracked,
    Video,
)
from redact_dask.redaction import blur, tracking
from redact_dask.timing import Stopwatch

Item = TypeVar("Item")

_BATCH = 8
"""Frames that a detector is given at once; only their small pictures are held."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all stages of one video need to know."""

    video: Video
    destination: str
    """URL of the destination's root."""
    work: str
    """URL of this video's part of the work area, in storage that all workers share."""
    config: Config


def try_detectors(settings: DetectSettings) -> None:
    """Build every detector, to learn before a run begins whether this worker can.

    Raises
    ------
    UsageError
        A model is missing or not the one that was meant, or this CPU cannot run it as asked.
    """
    for name in settings.detectors:
        detectors.create(name, settings.options.get(name, {}))


def probe(job: Job) -> Probed:
    """Learn what the video is, and cut it into chunks, from its packets.

    Raises
    ------
    VideoError
        It is not a video that can be kept exact.
    """
    watch = Stopwatch()
    if ".." in PurePosixPath(job.video.path).parts:
        raise UnsupportedVideo(f"its name {job.video.path!r} would leave the destination")
    with watch.step("scan"):
        scanned = index.scan(job.video.source, job.config.encode)
    facts = scanned.facts
    if job.config.output.audio == "drop":
        facts = replace(facts, audio=())
    target = storage.join(job.destination, mux.target_path(job.video.path, facts))
    occupied = storage.exists(target) and not storage.exists(job.work)
    chunks = scanned.chunks(job.config.chunk.seconds)
    return Probed(facts, chunks, target, occupied, watch.work())


def detect(job: Job, facts: Facts, chunk: Chunk) -> Detected:
    """Let every detector look at every frame of a chunk, and commit what they saw.

    What was committed before for the same chunk, settings and detectors is taken as it is.

    Raises
    ------
    VideoError
        The chunk does not decode exactly.
    """
    watch = Stopwatch()
    committed = storage.join(job.work, f"{job.config.detection_fingerprint}-{chunk.index:05}.json")
    views = _views(facts, job.config.detect)
    identities = tuple(view.detector.identity for view in views)
    with watch.step("recall"):
        if storage.exists(committed):
            recalled = _recalled(storage.read(committed), chunk, watch)
            if recalled.detectors == identities:
                return recalled
    decoded = watch.each("decode", frames(job.video.source, facts, chunk))
    found: list[Detection] = []
    analysed = 0
    for batch in _batches(_looks(views, decoded, watch)):
        first = chunk.first_frame + analysed
        with watch.step("detect"):
            for view, images in zip(views, zip(*batch, strict=True), strict=True):
                found.extend(view.detections(first, np.stack(images)))
        analysed += len(batch)
    found.sort(key=lambda detection: detection.frame)
    with watch.step("commit"):
        storage.write(committed, _committed(analysed, identities, found))
    return Detected(chunk.index, analysed, tuple(found), identities, watch.work())


def track(job: Job, probed: Probed, detected: Sequence[Detected]) -> Tracked:
    """Decide for every frame what is hidden, with the whole video in view.

    Raises
    ------
    CheckFailed
        A frame was not analysed.
    """
    watch = Stopwatch()
    for chunk, seen in zip(probed.chunks, detected, strict=True):
        if (seen.chunk, seen.frames) != (chunk.index, len(chunk.pts)):
            raise CheckFailed(
                f"of chunk {chunk.index}, {len(chunk.pts)} frames, not all were analysed"
            )
    with watch.step("track"):
        regions = tracking.track(
            [detection for seen in detected for detection in seen.detections],
            [float(ticks * probed.facts.time_base) for ticks in probed.pts],
            probed.facts.width,
            probed.facts.height,
            job.config.track,
        )
    return Tracked(regions, watch.work())


def render(job: Job, facts: Facts, chunk: Chunk, tracked: Tracked) -> Rendered:
    """Hide the regions of a chunk, and commit its encoded frames; spans without any are copied.

    Raises
    ------
    VideoError
        The chunk does not decode exactly, or cannot be encoded.
    """
    watch = Stopwatch()
    regions: dict[int, list[Region]] = {}
    for region in tracked.regions:
        regions.setdefault(region.frame, []).append(region)
    parts = []
    for run, copied in _runs(chunk, regions):
        if copied:
            part = Part(len(run.pts), run.start, None, facts.reorder_depth)
        else:
            part = _rendered(job, facts, run, regions, watch)
        parts.append(part)
    return Rendered(chunk.index, sum(part.frames for part in parts), tuple(parts), watch.work())


def _runs(chunk: Chunk, regions: Container[int]) -> Iterator[tuple[Chunk, bool]]:
    """Part a chunk into runs of spans that are copied, and of spans that are encoded."""

    def copied(span: tuple[int, Span]) -> bool:
        first, gop = span
        return gop.copyable and not any(n in regions for n in range(first, first + gop.frames))

    firsts = accumulate((span.frames for span in chunk.spans), initial=chunk.first_frame)
    for is_copied, group in groupby(zip(firsts, chunk.spans, strict=False), key=copied):
        spans = list(group)
        first = spans[0][0]
        count = sum(span.frames for _, span in spans)
        begin = first - chunk.first_frame
        pts = chunk.pts[begin : begin + count]
        yield Chunk(chunk.index, spans[0][1].start, first, pts, ()), is_copied


def _rendered(
    job: Job, facts: Facts, run: Chunk, regions: Mapping[int, list[Region]], watch: Stopwatch
) -> Part:
    encoder = Encoder(facts, job.config.encode)
    decoded = watch.each("decode", frames(job.video.source, facts, run))
    for number, frame in enumerate(decoded, run.first_frame):
        if number in regions:
            with watch.step("redact"):
                blur.hide(frame, regions[number], job.config.redact)
        with watch.step("encode"):
            encoder.add(frame)
    with watch.step("encode"):
        segment = encoder.finish()
    url = storage.join(job.work, f"{job.config.fingerprint}-{run.first_frame:08}.mkv")
    with watch.step("commit"):
        storage.write(url, segment.content)
    return Part(segment.frames, run.start, url, segment.reorder_depth)


def join(job: Job, probed: Probed, rendered: Sequence[Rendered]) -> Joined:
    """Make one video of the segments, check it against the source, and only then publish it.

    Raises
    ------
    CheckFailed
        The result is not exactly what was planned.
    """
    watch = Stopwatch()
    parts = [part for made in rendered for part in made.parts]
    with storage.scratch() as folder:
        path = folder / f"joined{PurePosixPath(probed.target).suffix.lower()}"
        with watch.step("mux"):
            mux.write(path, parts, probed.pts, probed.facts, job.video.source, job.config.output)
        with watch.step("check"):
            check.check(path, parts, probed.pts, probed.facts, job.video.source)
        # What was analysed must be what was copied: another content is another version.
        if {*map(storage.version, storage.find(job.video.source).values())} != {job.video.version}:
            raise CheckFailed("the source has changed since the run began; run again")
        with watch.step("publish"):
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = path.stat().st_size
            storage.publish(path, probed.target)
    return Joined(probed.target, size, sha256, watch.work())


_loaded = threading.local()
"""Detectors of this thread, by name and options: loading takes longer than a chunk should wait."""


def _views(facts: Facts, settings: DetectSettings) -> list[View]:
    views = []
    for name in settings.detectors:
        options = settings.options.get(name, {})
        key = json.dumps([name, options], sort_keys=True, default=str)
        if key not in vars(_loaded):
            vars(_loaded)[key] = detectors.create(name, options)
        views.append(View(facts, vars(_loaded)[key], name))
    return views


def _looks(
    views: Sequence[View], decoded: Iterable[VideoFrame], watch: Stopwatch
) -> Iterator[list[NDArray[np.uint8]]]:
    """Yield each frame's small pictures, one for each view."""
    for frame in decoded:
        with watch.step("scale"):
            looks = [view.image(frame) for view in views]
        yield looks


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _committed(analysed: int, identities: Sequence[str], found: Sequence[Detection]) -> bytes:
    record = {"frames": analysed, "detectors": identities, "detections": [*map(astuple, found)]}
    return json.dumps(record).encode()


def _recalled(content: bytes, chunk: Chunk, watch: Stopwatch) -> Detected:
    record = json.loads(content)
    found = tuple(Detection(*values) for values in record["detections"])
    identities = tuple(record["detectors"])
    return Detected(chunk.index, record["frames"], found, identities, watch.work())
