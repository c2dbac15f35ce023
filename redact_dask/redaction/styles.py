"""The styles of redaction: what the pixels of a region become."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from redact_dask.config import RedactSettings
from redact_dask.media.planes import Pixels

_SMALLEST_CELL = 4
"""Narrowest cell, luma pixels: so a small region is averaged too."""
_WIDEST_IN_SIGMAS = 3
"""Longer side of a region at most, in standard deviations of its blur.

With 4, template matching after deconvolution still tells most faces from strangers.
"""

_BLURRED_CELLS = 8
"""Cells along the longer side of a blurred region: small, since a blur keeps slow slopes."""
_SMALLEST_BLURRED_CELL = 12
"""Narrowest such cell, luma pixels."""

Edges = NDArray[np.intp]
"""Where each of n cells begins, and where the last one ends, pixels, ascending: shape (n + 1,)."""


def hidden(
    part: Pixels, settings: RedactSettings, across: int, down: int, *, is_luma: bool
) -> Pixels | int:
    """Return the new pixels of a part of a plane, or one value for all of them.

    Parameters
    ----------
    part
        The pixels of one region on one plane.
    settings
        Style and strength.
    across, down
        Luma pixels that one pixel of the plane spans horizontally and vertically.
    is_luma
        Whether the plane is luma.
    """
    height, width = part.shape
    if settings.style == "solid":
        return solid(part, is_luma=is_luma)
    if settings.style == "gaussian":
        sigma = max(settings.radius, max(height * down, width * across) / _WIDEST_IN_SIGMAS)
        return cv2.GaussianBlur(part, (0, 0), sigmaX=sigma / across, sigmaY=sigma / down)
    return _averaged(part, *grid(part.shape, settings, across, down))


def solid(part: Pixels, *, is_luma: bool) -> int:
    """Return the one colour that covers a part of a plane; see `hidden`."""
    # Black in limited range, dark grey in full range; middle chroma has no colour.
    white = 2**8 if part.dtype == np.uint8 else 2**10
    return white // 16 if is_luma else white // 2


def grid(
    shape: tuple[int, ...], settings: RedactSettings, across: int, down: int
) -> tuple[Edges, Edges]:
    """Return where the cells of a part of a plane begin, and where the last one ends.

    The first edges are down, the second across. ``pixelate`` averages these cells. Inside a cell,
    the other styles leave no detail either: a blur is wider than its cells, and one colour needs
    one.

    Parameters
    ----------
    shape
        Height and width of the part, pixels of the plane.
    settings, across, down
        As in `hidden`.
    """
    height, width = shape
    cells = {"pixelate": settings.cells, "gaussian": _BLURRED_CELLS, "solid": 1}[settings.style]
    smallest = _SMALLEST_BLURRED_CELL if settings.style == "gaussian" else _SMALLEST_CELL
    cell = max(max(height * down, width * across) / cells, smallest)
    rows, columns = max(1, round(height * down / cell)), max(1, round(width * across / cell))
    return _edges(height, rows), _edges(width, columns)


def _averaged(part: Pixels, rows: Edges, columns: Edges) -> Pixels:
    """Average the pixels of each cell between these edges."""
    lines = np.add.reduceat(part, rows[:-1], axis=0, dtype=np.uint32)
    sums = np.add.reduceat(lines, columns[:-1], axis=1)
    high, wide = rows[1:] - rows[:-1], columns[1:] - columns[:-1]
    means = np.rint(sums / (high[:, np.newaxis] * wide)).astype(part.dtype)
    return means.repeat(high, axis=0).repeat(wide, axis=1)


@lru_cache(1024)
def _edges(length: int, cells: int) -> Edges:
    """Return where each cell begins and where the last one ends; each has at least one pixel."""
    cells = min(cells, length)
    edges = np.arange(cells + 1) * length // cells
    edges.flags.writeable = False  # All callers get this array.
    return edges
