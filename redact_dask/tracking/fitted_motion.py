"""The camera's motion where the pictures do not tell it, fitted to the boxes of the tracks.

Where the detector loses one of the things that stand still, the others tell where it goes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redact_dask.tracking.boxes import BoxArray, area
from redact_dask.tracking.camera_motion import Step

_BORDER = 2.0
"""A side within this distance of the picture's border is cut off and shows no motion, pixels."""
_JITTER = 0.02
"""How far the sides of a thing that stands still may seem to move, in box sizes.

The size of a box is the square root of its area.
"""
_FEWEST = 3
"""Fewest things that show a step: if two disagree, nobody knows which one moves by itself."""
_PASSES = 4
"""Passes of the fit: each one gives less weight to what disagreed with the pass before."""
_AXES = (slice(0, 4, 2), slice(1, 4, 2))
"""Columns of a box that lie along each axis: x0 and x1, then y0 and y1."""


class FittedMotion:
    """The step to each frame from the one before it, fitted when it is first asked for.

    Parameters
    ----------
    followed
        First frame of each thing, and its boxes on that frame and all frames up to its last.
    width, height
        Size of the picture, pixels.
    """

    def __init__(self, followed: Sequence[tuple[int, BoxArray]], width: int, height: int) -> None:
        self._followed = followed
        self._firsts = np.array([first for first, _ in followed], np.int64)
        self._ends = np.array([first + len(boxes) for first, boxes in followed], np.int64)
        self._size = np.array([width, height, width, height])
        self._known: dict[int, Step | None] = {}

    def step(self, frame: int) -> Step | None:
        """Return the step to a frame from the one before it; None where too few things show it."""
        if frame not in self._known:
            seen = np.flatnonzero((self._firsts < frame) & (frame < self._ends))
            followed = (self._followed[number] for number in seen.tolist())
            pairs = [boxes[frame - first - 1 : frame - first + 1] for first, boxes in followed]
            enough = len(pairs) >= _FEWEST
            self._known[frame] = _fit(np.array(pairs), self._size) if enough else None
        return self._known[frame]


def _fit(pairs: NDArray[np.float64], size: BoxArray) -> Step | None:
    """Fit a step to the sides of n boxes, shape (n, 2, 4), before and after it.

    The fit is by least squares. A side weighs less the larger its box is, because a detector's
    errors grow with the box. It also weighs less the more it disagrees with most others, because
    some things move by themselves. Returns None if the sides determine no step.
    """
    before, after = pairs[:, 0], pairs[:, 1]
    inside = np.all((pairs > _BORDER) & (pairs < size - _BORDER), axis=1)
    if not all(inside[:, axis].any() for axis in _AXES):
        return None
    tolerance = _JITTER * np.sqrt(area(before))[:, None]
    scale, shift = 1.0, np.zeros(4)
    for axis in _AXES:
        shift[axis] = np.median((after - before)[:, axis][inside[:, axis]])
    for _ in range(_PASSES):
        off = np.abs(scale * before + shift - after) / tolerance
        weights = inside / np.square(tolerance * np.maximum(off, 1))
        middle, moved = np.zeros(4), np.zeros(4)
        for axis in _AXES:
            middle[axis] = np.average(before[:, axis], weights=weights[:, axis])
            moved[axis] = np.average(after[:, axis], weights=weights[:, axis])
        spread = (weights * (before - middle) ** 2).sum()
        together = (weights * (before - middle) * (after - moved)).sum()
        if together <= 0:
            return None
        scale = float(together / spread)
        shift = moved - scale * middle
    return Step(scale, shift)
