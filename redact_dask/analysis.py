"""Looking at the frames of a chunk: what the detectors see, and what the pictures tell of cuts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask import detectors
from redact_dask.config import DetectSettings
from redact_dask.detectors.view import View
from redact_dask.errors import DamagedVideo
from redact_dask.media.decode import frames
from redact_dask.model import Chunk, Damage, Detection, Facts
from redact_dask.redaction import cuts
from redact_dask.timing import Stopwatch

Item = TypeVar("Item")

_BATCH = 8
"""Frames that a detector is given at once; only their small pictures are held."""


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


@dataclass(slots=True)
class Seen:
    """What was seen on some frames, and on which nothing could be."""

    detections: list[Detection] = field(default_factory=list)
    thumbnails: dict[int, cuts.Thumbnail] = field(default_factory=dict)
    """By frame."""
    damage: list[Damage] = field(default_factory=list)


def look(
    url: str, facts: Facts, part: Chunk, views: Sequence[View], watch: Stopwatch, *, salvage: bool
) -> Seen:
    """Let every detector look at every frame of a part of a video.

    Parameters
    ----------
    url
        Of the source.
    facts, part
        Of the video: what it is, and what of it is looked at.
    views
        Of the detectors.
    watch
        Counts the time of decoding, scaling and detecting.
    salvage
        Whether the part may be damaged: then each of its GOPs is looked at by itself.

    Raises
    ------
    VideoError
        The part does not decode exactly.
    """
    try:
        return _look_at_all(url, facts, part, views, watch)
    except DamagedVideo as error:
        if not salvage:
            raise
        if len(part.spans) == 1:
            return Seen(damage=[Damage(part.first_frame, part.last_frame, str(error))])
    together = Seen()
    for number in range(len(part.spans)):
        gop = part.part(number, number + 1)
        seen = look(url, facts, gop, views, watch, salvage=salvage)
        together.detections += seen.detections
        together.thumbnails |= seen.thumbnails
        together.damage += seen.damage
    return together


def _look_at_all(
    url: str, facts: Facts, part: Chunk, views: Sequence[View], watch: Stopwatch
) -> Seen:
    seen = Seen()
    decoded = watch.each("decode", frames(url, facts, part))
    for batch in _batches(_looks(views, decoded, watch)):
        first = part.first_frame + len(seen.thumbnails)
        for number, (thumbnail, _) in enumerate(batch, first):
            seen.thumbnails[number] = thumbnail
        with watch.step("detect"):
            for view, images in zip(views, zip(*(i for _, i in batch), strict=True), strict=True):
                seen.detections.extend(view.detections(first, np.stack(images)))
    return seen


def _looks(
    views: Sequence[View], decoded: Iterable[VideoFrame], watch: Stopwatch
) -> Iterator[tuple[cuts.Thumbnail, list[NDArray[np.uint8]]]]:
    """Yield each frame's thumbnail, and its small pictures, one for each view."""
    for frame in decoded:
        with watch.step("scale"):
            look = cuts.thumbnail(frame), [view.image(frame) for view in views]
        yield look


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, _BATCH)):
        yield batch
