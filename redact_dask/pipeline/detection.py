"""Looking at the frames of a chunk: what the detectors see, and what the pictures tell of cuts."""

from __future__ import annotations

import json
import threading
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask import detectors
from redact_dask.config import DetectSettings
from redact_dask.detectors.base import Metered
from redact_dask.detectors.frame_view import View
from redact_dask.errors import DamagedVideo
from redact_dask.media.decode import frames
from redact_dask.pipeline.timing import Stopwatch
from redact_dask.records import Chunk, Damage, Detection, Facts, Usage
from redact_dask.tracking import scene_cuts

Item = TypeVar("Item")

_BATCH = 8
"""Frames that a detector is given at once; only their small pictures are held."""
_LONGEST_BLINK_S = 0.2
"""Time between two looks at most, seconds: what is seen at both is followed in between."""

_UNEVEN = 1.5
"""How much longer than its share of that a frame may last: containers round, cameras jitter."""


def try_detectors(settings: DetectSettings) -> None:
    """Build every detector, to learn before a run begins whether this worker can.

    Raises
    ------
    UsageError
        A model is missing or not the one that was meant, or this CPU cannot run it as asked.
    """
    for name in settings.detectors:
        detectors.create(name, settings.options.get(name, {}))


_loaded = threading.local()
"""Detectors of this thread, by name and options: loading takes longer than a chunk should wait."""


def views(facts: Facts, settings: DetectSettings) -> list[View]:
    """Return a view of a video for each detector; a thread loads each detector once."""
    found = []
    for name in settings.detectors:
        options = settings.options.get(name, {})
        key = json.dumps([name, options], sort_keys=True, default=str)
        if key not in vars(_loaded):
            vars(_loaded)[key] = detectors.create(name, options)
        found.append(View(facts, vars(_loaded)[key], name))
    return found


def usage(views: Sequence[View]) -> Usage:
    """Return what the detectors of this thread have asked of services until now."""
    metered = [view.detector for view in views if isinstance(view.detector, Metered)]
    return sum((detector.usage for detector in metered), Usage())


def stride(facts: Facts, settings: DetectSettings) -> int:
    """Return of how many frames one is looked at: as set, but fewer where frames are far apart."""
    return max(1, min(settings.every, int(_LONGEST_BLINK_S * facts.rate)))


@dataclass(slots=True)
class Seen:
    """What was seen on some frames, and on which nothing could be."""

    detections: list[Detection] = field(default_factory=list)
    thumbnails: dict[int, scene_cuts.Thumbnail] = field(default_factory=dict)
    """By frame."""
    damage: list[Damage] = field(default_factory=list)
    looked_at: int = 0
    """Frames that every detector has looked at."""


def look(
    url: str,
    facts: Facts,
    part: Chunk,
    views: Sequence[View],
    every: int,
    watch: Stopwatch,
    *,
    salvage: bool,
) -> Seen:
    """Let every detector look at frames of a part of a video; all of them are decoded.

    Which frames are looked at does not depend on how the video is cut into parts: those whose
    number is a multiple of ``every``, the first of each GOP, where encoders put a new scene, unless
    GOPs are shorter than that, and the video's last; and inside a part each that is another scene
    than the frame before it, or comes long after it: no other look tells what is on it.

    Parameters
    ----------
    url
        Of the source.
    facts, part
        Of the video: what it is, and what of it is looked at.
    views
        Of the detectors.
    every
        Of so many frames, one is looked at.
    watch
        Counts the time of decoding, scaling and detecting.
    salvage
        Whether the part may be damaged: then each of its GOPs is looked at by itself, and all
        frames of those that are whole, since nothing is seen on both sides of a damaged one.

    Raises
    ------
    VideoError
        The part does not decode exactly.
    """
    try:
        return _look(url, facts, part, views, every, watch)
    except DamagedVideo as error:
        if not salvage:
            raise
        if len(part.spans) == 1:
            return Seen(damage=[Damage(part.first_frame, part.last_frame, str(error))])
    together = Seen()
    for number in range(len(part.spans)):
        gop = part.part(number, number + 1)
        seen = look(url, facts, gop, views, 1, watch, salvage=salvage)
        together.detections += seen.detections
        together.thumbnails |= seen.thumbnails
        together.damage += seen.damage
        together.looked_at += seen.looked_at
    return together


def _look(
    url: str, facts: Facts, part: Chunk, views: Sequence[View], every: int, watch: Stopwatch
) -> Seen:
    seen = Seen()
    chosen = wanted(facts, part, every)
    if any(isinstance(view.detector, Metered) for view in views):
        # What does not decode would be looked at again.
        for _ in watch.each("decode", frames(url, facts, part)):
            pass
    decoded = enumerate(watch.each("decode", frames(url, facts, part)), part.first_frame)
    begun = []
    for batch in _batches(_looks(views, decoded, chosen, seen, watch)):
        numbers = [number for number, _ in batch]
        with watch.step("detect"):
            for view, images in zip(views, zip(*(i for _, i in batch), strict=True), strict=True):
                begun.append(view.detections(numbers, np.stack(images)))
        seen.looked_at += len(batch)
    with watch.step("detect"):
        for detections in begun:
            seen.detections.extend(detections)
    return seen


def wanted(facts: Facts, part: Chunk, every: int) -> set[int]:
    """Return the numbers of the frames that are looked at, new scenes inside GOPs not counted."""
    numbers = {number for number in part.frames if number % every == 0}
    numbers |= {facts.frames - 1} & {*part.frames}
    longest = _UNEVEN * _LONGEST_BLINK_S / every / facts.time_base
    gaps = (after - before for before, after in pairwise(part.pts))
    numbers |= {n for n, gap in enumerate(gaps, part.first_frame + 1) if gap > longest}
    firsts = accumulate((span.frames for span in part.spans), initial=part.first_frame)
    for first, span in zip(firsts, part.spans, strict=False):
        if span.frames >= every:
            numbers.add(first)
    return numbers


def _looks(
    views: Sequence[View],
    decoded: Iterable[tuple[int, VideoFrame]],
    chosen: Container[int],
    seen: Seen,
    watch: Stopwatch,
) -> Iterator[tuple[int, list[NDArray[np.uint8]]]]:
    """Note every frame's thumbnail; yield the small pictures of those chosen, one a view."""
    for number, frame in decoded:
        with watch.step("scale"):
            seen.thumbnails[number] = scene_cuts.thumbnail(frame)
            is_chosen = number in chosen or scene_cuts.begins_scene(seen.thumbnails, number)
            images = [view.image(frame) for view in views] if is_chosen else []
        if images:
            yield number, images


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, _BATCH)):
        yield batch
