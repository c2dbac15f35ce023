"""Making regions unrecognisable, in place, on the planes of a decoded frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import ceil, floor, sqrt
from typing import Any

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask.config import RedactSettings
from redact_dask.records import Facts, Region

Pixels = NDArray[Any]
"""One plane or a part of it, shape (height, width), uint8 or uint16, sharing the frame's memory."""

_SMALLEST_CELL = 4
"""A cell is never narrower, pixels, so that a small region is averaged too."""
_WIDEST_IN_SIGMAS = 3
"""A region is never wider than so many standard deviations of its blur.

With 4, template matching after deconvolution still tells most faces from strangers.
"""


def hide(frame: VideoFrame, regions: Iterable[Region], settings: RedactSettings) -> None:
    """Hide regions of a frame, on luma and chroma alike; other pixels keep their values.

    Parameters
    ----------
    frame
        A planar YUV picture. The decoder may still need its own copy, so it is made writable.
    regions
        In pixels of the frame; one that has no pixel is skipped.
    settings
        Style, strength and shape.
    """
    frame.make_writable()
    for number, (plane, across, down) in enumerate(planes(frame)):
        for region in regions:
            x0, x1 = floor(region.x0) // across, ceil(ceil(region.x1) / across)
            y0, y1 = floor(region.y0) // down, ceil(ceil(region.y1) / down)
            part, inside = _part(plane, (x0, y0, x1, y1), settings.shape)
            if part.size:
                hidden = _hidden(part, settings, across, down, is_luma=number == 0)
                if inside is None:
                    part[:] = hidden
                else:
                    np.copyto(part, hidden, where=inside)


def _part(
    plane: Pixels, box: tuple[int, int, int, int], shape: str
) -> tuple[Pixels, NDArray[np.bool_] | None]:
    """Return the part of a plane around a box's shape, and which of its pixels are inside.

    None stands for all.
    """
    x0, y0, x1, y1 = box
    x, y, a, b = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    reach = sqrt(2) if shape == "ellipse" else 1.0
    top, bottom = max(floor(y - reach * b), 0), max(ceil(y + reach * b), 0)
    left, right = max(floor(x - reach * a), 0), max(ceil(x + reach * a), 0)
    part = plane[top:bottom, left:right]
    if shape == "rectangle":
        return part, None
    rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    # Through the corners, (dx / a)**2 + (dy / b)**2 is 2, and less at all pixels of the box.
    return part, ((columns + 0.5 - x) * b) ** 2 + ((rows + 0.5 - y) * a) ** 2 <= 2 * (a * b) ** 2


def black(facts: Facts) -> VideoFrame:
    """Return a picture like those of a video, with nothing on it."""
    frame = VideoFrame(facts.width, facts.height, facts.pixel_format)
    for number, (plane, across, down) in enumerate(planes(frame)):
        plane[:] = _hidden(plane, RedactSettings(style="solid"), across, down, is_luma=number == 0)
    return frame


def planes(frame: VideoFrame) -> Iterator[tuple[Pixels, int, int]]:
    """Yield each plane, luma first, with how many luma pixels its pixel spans across and down."""
    dtype = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
        across = 2 if plane.width < frame.width else 1
        down = 2 if plane.height < frame.height else 1
        yield rows[:, : plane.width], across, down


def _hidden(
    part: Pixels, settings: RedactSettings, across: int, down: int, *, is_luma: bool
) -> Pixels | int:
    height, width = part.shape
    if settings.style == "solid":
        # Black in limited range, and grey enough in full range; chroma's middle has no colour.
        white = 2**8 if part.dtype == np.uint8 else 2**10
        return white // 16 if is_luma else white // 2
    if settings.style == "gaussian":
        sigma = max(settings.radius, max(height * down, width * across) / _WIDEST_IN_SIGMAS)
        return cv2.GaussianBlur(part, (0, 0), sigmaX=sigma / across, sigmaY=sigma / down)
    cell = max(max(height * down, width * across) / settings.cells, _SMALLEST_CELL)
    return _averaged(
        part, max(1, round(height * down / cell)), max(1, round(width * across / cell))
    )


def _averaged(part: Pixels, rows: int, columns: int) -> Pixels:
    """Return cells that hold their averages, up to ``rows`` down and ``columns`` across."""
    averaged = np.empty_like(part)
    for top, bottom in pairwise(_edges(part.shape[0], rows)):
        for left, right in pairwise(_edges(part.shape[1], columns)):
            cell = np.s_[top:bottom, left:right]
            averaged[cell] = round(cv2.mean(part[cell])[0])
    return averaged


def _edges(length: int, cells: int) -> list[int]:
    """Return where cells begin and the last one ends; each has a pixel at least."""
    cells = min(cells, length)
    return [length * number // cells for number in range(cells + 1)]
