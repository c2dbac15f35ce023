"""The proof that regions are hidden, from a picture before and after redaction.

Each style leaves at most the coarse shading of a region: inside one cell of its grid, the output
must not follow the source. ``V`` is the variance of the source inside the cells, and ``D`` the
variance of the difference between output and source there. Where nothing was hidden, only encoding
has changed the cells, and ``D`` is far below ``V``; hiding makes ``D`` about as large as ``V``. So
``1 - D / V`` is the share of the detail that is left, on luma and on chroma alike.

Only what the styles promise is used here, never what `hide` makes of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask.config import RedactSettings
from redact_dask.media.planes import Pixels, Plane, planes
from redact_dask.records import Region
from redact_dask.redaction import hide, styles
from redact_dask.redaction.polygons import Mask
from redact_dask.redaction.zones import Area

SHOWN = 0.85
"""Share of a region's detail from which the region is shown.

Measured with libx264 on three clips in 540p, 720p and 1080p, on random regions of up to 160 pixels,
with each style and shape, 1, 3 and 8 cells, and blurs of 3 and 20 pixels. At crf 22, at most 0.41
is left of 1,750 hidden regions, and at least 0.93 of 182 that were not hidden. At crf 36 and 46, at
most 0.40 is left of 721, and at least 0.76 and 0.68 of those not hidden. A blur within an ellipse
may leave up to 0.82 of an even slope from side to side, by calculation. libx265 on two of the clips
left at most 0.28 of 312 hidden regions, and at least 0.83 of 150 that were not hidden.
"""
_LEAST_PIXELS = 600
"""Fewest luma pixels of a region that is judged: the encoder smears the cells of smaller ones."""
_LEAST_DETAIL = 25.0
"""Least mean of V in a region that is judged, squared levels of 8 bits."""
_LEAST_BY_STEP = 100.0
"""Least detail of a mean cell, summed over its pixels, in squared steps of the quantiser.

Below, the encoder may turn the steps between cells into the slope that they replace.
"""

UNCOVERED = 0.35
"""Share of the source's difference from the covering colour from which an area is not covered.

Measured on random areas of two clips in 540p and 144p: with libx264 and libx265 at crf 0, 22, 36,
46 and 51, at most 0.08 is left of 3,500 squares that were covered, and at least 0.64 of those that
were not.
"""
_SQUARE = 16
"""Side of a square that is judged by itself, luma pixels."""
_LEAST_PIXELS_OF_SQUARE = 256
"""Fewest luma pixels that are judged together."""
_LEAST_BY_STEP_OF_SQUARE = 0.25
"""Least difference of the source from the colour that is judged, squared steps of the quantiser."""


def shown(
    source: VideoFrame,
    output: VideoFrame,
    regions: Sequence[Region],
    settings: Callable[[str], RedactSettings],
    crf: float,
    covered: Area | None = None,
) -> list[Region]:
    """Return the regions of a frame whose detail the output still shows on any plane.

    A region with too little detail to tell is not among them.

    Parameters
    ----------
    source, output
        The picture before and after redaction: planar YUV of the same size and pixel format.
    regions
        Regions of the frame, in the order in which they were hidden.
    settings
        Style, strength and shape of the redaction, by label.
    crf
        Constant rate factor with which the output was encoded.
    covered
        What was covered after the regions were hidden, which `is_covered` judges; None: nothing.
    """
    own = [settings(region.label) for region in regions]
    found = np.zeros(len(regions), np.bool_)
    for before, after in zip(planes(source), planes(output), strict=True):
        beside = None if covered is None else ~covered.on(before)
        found |= _shares(before, after.pixels, regions, own, crf, beside) >= SHOWN
    return [region for region, is_shown in zip(regions, found, strict=True) if is_shown]


def is_covered(source: VideoFrame, output: VideoFrame, area: Area, crf: float) -> bool:
    """Tell whether no plane of the output shows the source in an area that one colour covers.

    Each square of the area is judged by itself, and what is left along its border as a whole. There
    ``S`` is the mean squared difference of the source from the colour, and ``O`` that of the
    output: ``O / S`` is about 1 where nothing was covered. What hardly differs from the colour is
    not judged.

    Parameters
    ----------
    source, output, crf
        As in `shown`.
    area
        The area.
    """
    for number, (before, after) in enumerate(zip(planes(source), planes(output), strict=True)):
        inside = area.on(before)
        square = _squares(inside, before)
        level = 1.0 if before.pixels.dtype == np.uint8 else 4.0
        colour = styles.solid(before.pixels, is_luma=number == 0)
        was, now = (
            np.bincount(square, ((pixels[inside] - float(colour)) / level) ** 2)
            for pixels in (before.pixels, after.pixels)
        )
        pixels = np.bincount(square)
        enough = pixels * before.across * before.down >= _LEAST_PIXELS_OF_SQUARE
        enough &= was >= pixels * max(
            _LEAST_DETAIL, _LEAST_BY_STEP_OF_SQUARE * _quantiser_step(crf) ** 2
        )
        if (enough & (now >= UNCOVERED * was)).any():
            return False
    return True


def _squares(inside: Mask, plane: Plane) -> NDArray[np.intp]:
    """Return in which square each pixel of a plane's area lies; 0 if not all of it is inside."""
    height, width = inside.shape
    columns = np.arange(width) * plane.across // _SQUARE
    square = 1 + (np.arange(height) * plane.down // _SQUARE)[:, None] * (columns[-1] + 1) + columns
    size = _SQUARE // plane.down * (_SQUARE // plane.across)
    whole = np.bincount(square[inside], minlength=int(square.max()) + 1) == size
    return np.where(whole[square[inside]], square[inside], 0)


def _shares(
    before: Plane,
    after: Pixels,
    regions: Sequence[Region],
    settings: Sequence[RedactSettings],
    crf: float,
    beside: Mask | None,
) -> NDArray[np.float64]:
    """Return the share of each region's detail that is left on a plane; 0 where none can tell.

    The shape is (regions,). Only pixels of ``beside`` are judged.
    """
    owners, cells = _owners_and_cells(before, regions, settings)
    judged = owners >= 0 if beside is None else (owners >= 0) & beside
    owner, cell = owners[judged], cells[judged]
    level = 1.0 if before.pixels.dtype == np.uint8 else 4.0
    was, now = before.pixels[judged] / level, after[judged] / level
    count = len(regions)
    pixels = np.bincount(owner, minlength=count)
    detail = np.bincount(owner, _deviation(was, cell) ** 2, count)
    change = np.bincount(owner, _deviation(now - was, cell) ** 2, count)
    parts = np.bincount(np.unique(cell.astype(np.int64) * count + owner) % count, minlength=count)
    enough = pixels * before.across * before.down >= _LEAST_PIXELS
    enough &= detail >= _LEAST_DETAIL * pixels
    enough &= detail >= _LEAST_BY_STEP * _quantiser_step(crf) ** 2 * parts
    return np.where(enough, 1 - change / np.maximum(detail, 1), 0.0)


def _owners_and_cells(
    plane: Plane, regions: Sequence[Region], settings: Sequence[RedactSettings]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return which region was the last to hide each pixel, and in which of all cells it lies.

    Both have the shape of the plane. Pixels outside all regions have the owner -1, and pixels
    outside all shapes lie in cell 0.
    """
    owners = np.full(plane.pixels.shape, -1, np.int32)
    cells = np.zeros(plane.pixels.shape, np.int32)
    count = 1
    for number, (region, own) in enumerate(zip(regions, settings, strict=True)):
        part, inside = hide.part_of(Plane(cells, plane.across, plane.down), region, own.shape)
        if not part.size:
            continue
        rows, columns = styles.grid(part.shape, own, plane.across, plane.down)
        down, right = (np.repeat(range(len(e) - 1), np.diff(e)) for e in (rows, columns))
        np.copyto(
            part,
            count + down[:, None] * (len(columns) - 1) + right,
            where=True if inside is None else inside,
        )
        count += (len(rows) - 1) * (len(columns) - 1)
        y0, y1 = floor(region.y0 / plane.down), ceil(region.y1 / plane.down)
        x0, x1 = floor(region.x0 / plane.across), ceil(region.x1 / plane.across)
        owners[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = number
    return owners, cells


def _deviation(values: NDArray[np.float64], cell: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return by how much each value differs from the mean of its cell; shape (pixels,)."""
    mean = np.bincount(cell, values) / np.maximum(np.bincount(cell), 1)
    return np.asarray(values - mean[cell])


def _quantiser_step(crf: float) -> float:
    """Return the quantiser's step at a crf, levels of 8 bits.

    H.264 doubles the step every 6 quantisation parameters, from 0.625 at 0 (ITU-T H.264, 8.5.9).
    """
    return float(0.625 * 2 ** (crf / 6))
