"""Access to the planes of a decoded picture, as arrays that share its memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

Pixels = NDArray[Any]
"""One plane or a part of it, shape (height, width), uint8 or uint16, sharing the frame's memory."""


class Plane(NamedTuple):
    """One plane of a planar YUV picture."""

    pixels: Pixels
    across: int
    """Luma pixels that one pixel of the plane spans from left to right."""
    down: int
    """Luma pixels that one pixel of the plane spans from top to bottom."""


def planes(frame: VideoFrame) -> Iterator[Plane]:
    """Yield each plane of a planar YUV picture, luma first."""
    dtype = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
        across = 2 if plane.width < frame.width else 1
        down = 2 if plane.height < frame.height else 1
        yield Plane(rows[:, : plane.width], across, down)


def luma(frame: VideoFrame) -> Pixels:
    """Return the luma plane of a planar YUV picture."""
    return next(planes(frame)).pixels
