"""Streams and manifests of a face that stands still, for tests of what is doubted in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from redact_dask.records import FACE, Detection, Detections, Region, RegionOrigin, Regions
from redact_dask.records.edits import Edit
from redact_dask.review.doubts import Stream

RATE = 10
BOX = (100.5, 50.5, 140.5, 90.5)


def detections(
    frames: Iterable[int], confidence: float = 0.9, box: Sequence[float] = BOX, who: str = "faces"
) -> list[Detection]:
    return [Detection(frame, *box, confidence, FACE, who) for frame in frames]


def regions(
    frames: Sequence[int],
    detected: Iterable[int],
    track: int = 0,
    box: Sequence[float] = BOX,
    who: str = "faces",
) -> list[Region]:
    """Return a track that covers ``box`` on some frames, and was seen on some of them."""
    x0, y0, x1, y1 = box
    seen = set(detected)
    between = range(min(seen), max(seen))

    def origin(frame: int) -> RegionOrigin:
        if frame in seen:
            return RegionOrigin.DETECTED
        return RegionOrigin.INTERPOLATED if frame in between else RegionOrigin.PADDED

    larger = (x0 - 2, y0 - 2, x1 + 2, y1 + 2)
    return [Region(frame, track, *larger, origin(frame), FACE, who) for frame in frames]


def stream(
    seen: Sequence[Detection],
    hidden: Sequence[Region],
    edits: Sequence[Edit] = (),
    frames: int = 100,
) -> Stream:
    """Return a stream with 10 frames a second, in a picture of 320 x 180."""
    found = Detections.of(sorted(seen, key=lambda one: one.frame))
    rows = Regions.of(sorted(hidden, key=lambda one: (one.frame, one.track)))
    times = found.frame / RATE
    return Stream(0, frames, frames / RATE, found, np.asarray(times, np.float64), rows, edits)


def detection_rows(video: str, found: Iterable[Detection], stream: int = 0) -> list[dict[str, Any]]:
    """Return detections as rows of the manifest."""
    names = ("frame", "x0", "y0", "x1", "y1", "confidence", "label", "detector")
    return [
        {"video": video, "stream": stream, "pts_s": one.frame / RATE}
        | {name: getattr(one, name) for name in names}
        for one in found
    ]


def region_rows(video: str, found: Iterable[Region], stream: int = 0) -> list[dict[str, Any]]:
    """Return regions as rows of the manifest."""
    names = ("frame", "track", "x0", "y0", "x1", "y1", "label", "detectors")
    return [
        {"video": video, "stream": stream, "why": str(one.origin)}
        | {name: getattr(one, name) for name in names}
        for one in found
    ]
