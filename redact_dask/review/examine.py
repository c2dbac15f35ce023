"""Finding what gives reason to doubt a video stream, from what was detected and hidden in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from redact_dask.records.edits import EditKind
from redact_dask.review import sights, tracks
from redact_dask.review.coverage import HIDDEN, SAME, boxes_of, covered
from redact_dask.review.doubts import Doubt, Kind, Stream

_LARGE = 32.0
"""Height from which on a thing counts in full, pixels: below 16, hardly anybody is recognised."""


def of_stream(stream: Stream) -> list[Doubt]:
    """Return all doubts about a stream that no edit has settled, but for those of audits."""
    seen = stream.detections
    share, row = covered(seen.frame, seen.box, stream.regions)
    of_tracks = (
        doubt for doubt in tracks.doubts(stream, share, row) if not _is_settled(doubt, stream)
    )
    return [*_open(stream, share), *_shown(stream), *of_tracks]


def of_audit(stream: Stream, frame: int, judge: str, label: str) -> Iterator[Doubt]:
    """Yield the doubt about a frame that somebody has called a leak, unless an edit hides there."""
    hides = (edit.boxes for edit in stream.edits if edit.boxes and edit.kind is EditKind.HIDE)
    if not any(boxes[0][0] <= frame <= boxes[-1][0] for boxes in hides):
        why = f"{judge} has called it a leak in an audit"
        yield stream.doubt(Kind.LEAK, (frame, frame), None, label, 1.0, why)


def _is_settled(doubt: Doubt, stream: Stream) -> bool:
    """Tell whether an edit hides or shows something at the place of a doubt."""
    if doubt.box is None or not stream.edits:
        return False
    near = stream.edited.within(range(doubt.first, doubt.last + 1)).box
    (x0, y0, x1, y1) = doubt.box
    is_across = (near[:, 0] < x1) & (near[:, 2] > x0)
    return bool((is_across & (near[:, 1] < y1) & (near[:, 3] > y0)).any())


def _open(stream: Stream, share: NDArray[np.float64]) -> Iterator[Doubt]:
    """Yield what was detected, but nothing hides."""
    seen = stream.detections[share < HIDDEN]
    for kind, least in ((EditKind.HIDE, HIDDEN), (EditKind.SHOW, SAME)):
        if edits := [edit for edit in stream.edits if edit.kind is kind]:
            seen = seen[covered(seen.frame, seen.box, boxes_of(edits))[0] < least]
    for sight in sights.linked(seen, stream.rate):
        best = sight[seen.confidence[sight].argmax()]
        confidence, times = float(seen.confidence[best]), len(sight)
        large = min(float(seen.box[best, 3] - seen.box[best, 1]) / _LARGE, 1.0)
        yield stream.doubt(
            Kind.OPEN,
            (seen.frame[sight[0]], seen.frame[sight[-1]]),
            seen.box[best],
            str(seen.kinds[seen.kind[best], 0]),
            confidence * large * times / (times + 1.0),
            f"seen {_times(times)}, at best with {confidence:.2f}, and not hidden",
        )


def _shown(stream: Stream) -> Iterator[Doubt]:
    """Yield what people show, though a detector is sure of it."""
    seen = stream.detections
    for edit in stream.edits:
        if edit.kind is not EditKind.SHOW or not len(seen):
            continue
        share, _ = covered(seen.frame, seen.box, boxes_of([edit]))
        there = np.flatnonzero((share >= SAME) & (seen.confidence >= tracks.SURE))
        if len(there):
            best = there[seen.confidence[there].argmax()]
            confidence = float(seen.confidence[best])
            yield stream.doubt(
                Kind.SHOWN,
                (edit.boxes[0][0], edit.boxes[-1][0]),
                seen.box[best],
                edit.label,
                0.5 * confidence,
                f"{edit.by} shows it, and a detector is sure with {confidence:.2f}",
            )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
