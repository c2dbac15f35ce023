"""Detecting on the frames of a chunk, and measuring how each differs from the next."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask import detectors
from redact_dask.config import DetectSettings
from redact_dask.detectors.base import PaidDetector
from redact_dask.detectors.frame_view import FrameView
from redact_dask.errors import DamagedVideo
from redact_dask.media import digests
from redact_dask.media.decode import frames, frames_and_next
from redact_dask.pipeline.timing import Timer
from redact_dask.records import CameraStep, Chunk, Damage, Detection, Detections, StreamInfo, Usage
from redact_dask.tracking import camera_motion, scene_cuts

Images = Mapping[tuple[int, int], NDArray[np.uint8]]
"""n frames as the views want them, by width and height: shape (n, height, width, 3)."""

_PAID_TOGETHER = 8
"""Frames that detectors are given at once if one is paid: it asks the cluster for slots for all of
them together."""
_AHEAD = 1024
"""Most frames for which a detector has not answered yet, if it waits for a service."""
_LONGEST_GAP_S = 0.2
"""Longest time between two frames that are looked at, seconds: boxes are interpolated between."""

_UNEVEN = 1.5
"""How many times its share of that time a frame may last: containers round, cameras jitter."""


def try_detectors(settings: DetectSettings) -> None:
    """Build every detector, to learn before a run begins whether this worker can run it.

    Raises
    ------
    UsageError
        A model is missing or not the pinned one, or this CPU cannot run it as configured.
    """
    for name in settings.detectors:
        detectors.create(name, settings.options.get(name, {}))


_loaded = threading.local()
"""Detectors of this thread, by name and options: loading them for each chunk would be slow."""


def views(info: StreamInfo, settings: DetectSettings) -> list[FrameView]:
    """Return one view of a video for each detector; a thread loads each detector only once."""
    found = []
    for name in settings.detectors:
        options = settings.options.get(name, {})
        key = json.dumps([name, options], sort_keys=True, default=str)
        if key not in vars(_loaded):
            vars(_loaded)[key] = detectors.create(name, options)
        found.append(FrameView(info, vars(_loaded)[key], name))
    return found


def usage(views: Sequence[FrameView]) -> Usage:
    """Return what the detectors of this thread have asked of paid services so far."""
    return sum((detector.usage for detector in _paid(views)), Usage())


def abandon(views: Sequence[FrameView]) -> None:
    """Give up the calls to paid services that are on their way; return once none is."""
    for detector in _paid(views):
        detector.abandon()


def _paid(views: Sequence[FrameView]) -> list[PaidDetector]:
    return [view.detector for view in views if isinstance(view.detector, PaidDetector)]


def stride(info: StreamInfo, settings: DetectSettings) -> int:
    """Return the stride n: every n-th frame is looked at.

    The stride is the configured one, or less at a low frame rate, so that at most 0.2 s lie between
    two frames that are looked at, unless single frames are farther apart than that.
    """
    return max(1, min(settings.every, int(_LONGEST_GAP_S * info.rate)))


@dataclass(slots=True)
class ChunkDetections:
    """What was found on frames of a chunk, and which of its frames do not decode."""

    detections: list[Detections] = field(default_factory=list)
    frames: int = 0
    """Frames of the chunk that were decoded."""
    changes: dict[int, float] = field(default_factory=dict)
    """How much each frame differs from the next, by frame."""
    steps: dict[int, CameraStep | None] = field(default_factory=dict)
    """The camera's step from each frame to the next, by frame; None where it is unknown."""
    packets: dict[int, bytes] = field(default_factory=dict)
    """Digest of each packet that was decoded, by its pts."""
    pictures: dict[int, bytes] = field(default_factory=dict)
    """Digest of each frame's picture, by frame."""
    damage: list[Damage] = field(default_factory=list)
    looked_at: int = 0
    """Frames that every detector has looked at."""

    def sorted(self) -> Detections:
        """Return all detections, sorted by frame."""
        found = Detections.joined(self.detections)
        return found[np.argsort(found.frame, kind="stable")]


def detect(
    url: str,
    info: StreamInfo,
    chunk: Chunk,
    views: Sequence[FrameView],
    every: int,
    timer: Timer,
    *,
    salvage: bool,
) -> ChunkDetections:
    """Let every detector look at chosen frames of a chunk, all of whose frames are decoded.

    Which frames are chosen does not depend on how the video is cut into chunks. They are

    - each frame whose number is a multiple of ``every``;
    - the first frame of each GOP, where encoders put a new scene, unless the GOP has fewer than
      ``every`` frames;
    - the last frame of the video;
    - inside a chunk, each frame that shows another scene than the frame before it, or comes long
      after it: no other chosen frame tells what is on it.

    Parameters
    ----------
    url
        URL of the source video.
    info
        What the video's stream is.
    chunk
        The frames to decode.
    views
        One view of the video for each detector.
    every
        The stride: frames whose number is a multiple of it are looked at.
    timer
        Counts the time of decoding, measuring motion, scaling and detecting.
    salvage
        Whether the chunk may be damaged. Then each of its GOPs is decoded by itself, and every
        frame of an intact GOP is looked at: beside a damaged GOP, nothing is found on both sides of
        a frame that is left out. Damaged GOPs are returned as damage.

    Raises
    ------
    VideoError
        The chunk does not decode exactly.
    """
    try:
        return _detect(url, info, chunk, views, every, timer)
    except DamagedVideo as error:
        if not salvage:
            raise
        if len(chunk.gops) == 1:
            return ChunkDetections(damage=[Damage(chunk.first_frame, chunk.last_frame, str(error))])
    merged = ChunkDetections()
    for number in range(len(chunk.gops)):
        gop = chunk.slice(number, number + 1)
        found = detect(url, info, gop, views, 1, timer, salvage=salvage)
        merged.detections += found.detections
        merged.frames += found.frames
        merged.changes |= found.changes
        merged.steps |= found.steps
        merged.packets |= found.packets
        merged.pictures |= found.pictures
        merged.damage += found.damage
        merged.looked_at += found.looked_at
    return merged


def _detect(
    url: str, info: StreamInfo, chunk: Chunk, views: Sequence[FrameView], every: int, timer: Timer
) -> ChunkDetections:
    """Detect on the chosen frames of a chunk that decodes to its end."""
    found = ChunkDetections()
    chosen = frames_to_look_at(info, chunk, every)
    if _paid(views):
        # Decode all frames first: the looks at a damaged chunk would be paid for twice.
        for _ in timer.each("decode", frames(url, info, chunk)):
            pass
    both = _noted(frames_and_next(url, info, chunk, found.packets), chunk, found.pictures)
    shown = timer.each("decode", both)
    decoded = enumerate(shown, chunk.first_frame)
    pending: deque[Iterator[Detection]] = deque()
    # Else one by one: the processor's cache still holds an image that was just made.
    together = _PAID_TOGETHER if _paid(views) else 1
    looks = _chosen_images(views, decoded, chosen, chunk, found, timer)
    for numbers, images in _grouped(looks, together):
        with timer.step("detect"):
            pending += [view.detections(numbers, images[view.size]) for view in views]
            while len(pending) > _AHEAD // together * len(views):
                found.detections.append(Detections.of(pending.popleft()))
        found.looked_at += len(numbers)
    with timer.step("detect"):
        found.detections += map(Detections.of, pending)
    return found


def _noted(
    shown: Iterable[VideoFrame], chunk: Chunk, found: dict[int, bytes]
) -> Iterator[VideoFrame]:
    """Yield frames, and note the digest of each picture by its number."""
    for number, frame in enumerate(shown, chunk.first_frame):
        found[number] = digests.of_picture(frame)
        yield frame


def frames_to_look_at(info: StreamInfo, chunk: Chunk, every: int) -> set[int]:
    """Return the numbers of the chosen frames, except for scenes that begin inside a GOP."""
    numbers = {number for number in chunk.frames if number % every == 0}
    numbers |= {info.frames - 1} & {*chunk.frames}
    longest = _UNEVEN * _LONGEST_GAP_S / every / info.time_base
    gaps = (after - before for before, after in pairwise(chunk.pts))
    numbers |= {n for n, gap in enumerate(gaps, chunk.first_frame + 1) if gap > longest}
    firsts = accumulate((gop.frames for gop in chunk.gops), initial=chunk.first_frame)
    for first, gop in zip(firsts, chunk.gops, strict=False):
        if gop.frames >= every:
            numbers.add(first)
    return numbers


def _chosen_images(
    views: Sequence[FrameView],
    decoded: Iterable[tuple[int, VideoFrame]],
    chosen: Container[int],
    chunk: Chunk,
    found: ChunkDetections,
    timer: Timer,
) -> Iterator[tuple[int, Images]]:
    """Yield the number of each chosen frame, with an image of each size that a view wants.

    From every frame to the next, which for the last frame of a chunk is the first one of the next
    chunk, the camera's step and the change of the picture are kept.
    """
    sizes = {view.size: view for view in views}
    small: camera_motion.SmallPicture | None = None
    tiny: scene_cuts.Thumbnail | None = None
    for number, frame in decoded:
        with timer.step("motion"):
            before, small = small, camera_motion.small_picture(frame)
            if before is not None:
                found.steps[number - 1] = camera_motion.measure(before, small, frame.width)
        with timer.step("scale"):
            last, tiny = tiny, scene_cuts.thumbnail(frame)
            if last is not None:
                found.changes[number - 1] = scene_cuts.change(last, tiny)
            if number not in chunk.frames:
                return
            found.frames += 1
            changed = found.changes.get(number - 1, 0.0)
            is_chosen = number in chosen or scene_cuts.may_begin_scene(changed)
            images = _images(sizes, frame) if is_chosen else {}
        if images:
            yield number, images


def _images(sizes: Mapping[tuple[int, int], FrameView], frame: VideoFrame) -> Images:
    """Return a frame as the views want it; several may see one image, so nobody may write to it."""
    images = {size: np.ascontiguousarray(view.image(frame)) for size, view in sizes.items()}
    for image in images.values():
        image.flags.writeable = False
    return {size: image[np.newaxis] for size, image in images.items()}


def _grouped(
    looks: Iterator[tuple[int, Images]], together: int
) -> Iterator[tuple[list[int], Images]]:
    """Yield the numbers and images of so many frames at a time."""
    while some := list(islice(looks, together)):
        numbers = [number for number, _ in some]
        images = some[0][1]
        if len(some) > 1:
            images = {size: np.concatenate([own[size] for _, own in some]) for size in images}
            for image in images.values():
                image.flags.writeable = False
        yield numbers, images
