"""Which pixels a polygon touches, and which lie inside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pixel = tuple[float, float]
"""A point of a picture: x and y, pixels from the upper left corner."""
Mask = NDArray[np.bool_]
"""Which pixels of a picture are meant; shape (height, width)."""


def touched(corners: Sequence[Pixel], width: int, height: int) -> Mask:
    """Return each pixel of a picture of which a polygon covers any part."""
    # A pixel that no side runs through lies inside as a whole, or outside.
    return _on_sides(corners, width, height) | _with_middle_inside(corners, width, height)


def covered(corners: Sequence[Pixel], width: int, height: int) -> Mask:
    """Return each pixel of a picture that a polygon covers as a whole."""
    return _with_middle_inside(corners, width, height) & ~_on_sides(corners, width, height)


def _on_sides(corners: Sequence[Pixel], width: int, height: int) -> Mask:
    """Return the pixels that the sides run through."""
    begins = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in _sides(corners):
        top, bottom = min(y0, y1), max(y0, y1)
        rows = np.arange(max(int(np.floor(top)), 0), min(int(np.ceil(bottom)), height))
        # Where the side enters and leaves each row, as shares of its length.
        shares = np.array([[0.0], [1.0]])
        if y0 != y1:
            shares = np.clip((np.stack([rows, rows + 1]) - y0) / (y1 - y0), 0, 1)
        x = x0 + shares * (x1 - x0)
        left, right = np.floor(x.min(0)).astype(int), np.ceil(x.max(0)).astype(int)
        np.add.at(begins, (rows, left.clip(0, width)), 1)
        np.add.at(begins, (rows, right.clip(0, width)), -1)
    return np.asarray(begins.cumsum(1, dtype=np.int32)[:, :width] > 0)


def _with_middle_inside(corners: Sequence[Pixel], width: int, height: int) -> Mask:
    """Return the pixels with a middle around which the sides wind."""
    winds = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in _sides(corners):
        top, bottom = min(y0, y1), max(y0, y1)
        middles = np.arange(height) + 0.5
        rows = np.flatnonzero((middles >= top) & (middles < bottom))  # None of a level side.
        x = x0 + (middles[rows] - y0) / (y1 - y0 or 1.0) * (x1 - x0)
        first = np.ceil(x - 0.5).astype(int).clip(0, width)
        np.add.at(winds, (rows, first), 1 if y1 > y0 else -1)
    return np.asarray(winds.cumsum(1, dtype=np.int32)[:, :width] != 0)


def _sides(corners: Sequence[Pixel]) -> Iterator[tuple[Pixel, Pixel]]:
    return pairwise([*corners, corners[0]])
