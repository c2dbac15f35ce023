"""A stream of a copy, as a review sees it, without a file."""

from __future__ import annotations

from collections.abc import Sequence

from redact_dask.records import FACE, Region, RegionOrigin, Regions
from redact_dask.records.edits import Edit
from redact_dask.review.copied_stream import CopiedStream
from redact_dask.review.display import Display

SHA256 = "ab" * 32


def region(
    frame: int,
    track: int,
    x: float,
    label: str = FACE,
    origin: RegionOrigin = RegionOrigin.DETECTED,
) -> Region:
    """Return a region of 40 x 30 pixels whose left edge is at ``x``."""
    return Region(frame, track, x, 50.25, x + 40, 80.25, origin, label, "faces")


def copy(
    regions: Sequence[Region], turns: int = 0, edits: Sequence[Edit] = (), current: bool = True
) -> CopiedStream:
    """Return a copy of 60 frames of 320 x 180 pixels."""
    rows = Regions.of(sorted(regions, key=lambda one: (one.frame, one.track)))
    upright = Display(320, 180, turns, 320)
    return CopiedStream(
        *("cam/a & b.mp4", "0123456789abcdef", None, 60, 2.0, SHA256, upright, rows),
        *(tuple(edits), current),
    )


TWO = [
    *(region(frame, 0, 20.123 + frame) for frame in range(30)),
    *(region(frame, 1, 200.5) for frame in [*range(10, 20), *range(40, 60)]),
    *(region(frame, 2, 100, "plate") for frame in range(5, 8)),
]
"""Three tracks, one of which has a hole and goes on until the end."""
