"""How the picture moves from frame to frame, as the things that are followed tell.

A camera that drives, turns or zooms moves all that stands still by nearly one scale and one shift.
Where the detector loses one of them, the others tell where it goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redact_dask.tracking.boxes import BoxArray, area

_BORDER = 2.0
"""Sides as near to the picture's border are cut off by it and tell of no motion, pixels."""
_JITTER = 0.02
"""How far the sides of a thing that stands still may seem to move, in sizes of its box."""
_FEWEST = 3
"""Things that tell of a step: of two that disagree nobody knows which moves by itself."""
_PASSES = 4
"""Of the fit: each trusts less what disagreed with the one before."""
_AXES = (slice(0, 4, 2), slice(1, 4, 2))
"""The sides across, and those up and down."""


@dataclass(frozen=True, slots=True)
class Step:
    """How what stands still moves from one frame to the next: scaled, then shifted."""

    scale: float
    shift: BoxArray
    """Pixels, shape (4,) as a box."""

    def forth(self, box: BoxArray) -> BoxArray:
        """Return where a box on the earlier frame is on the later one."""
        return np.asarray(self.scale * box + self.shift)

    def back(self, box: BoxArray) -> BoxArray:
        """Return where a box on the later frame was on the earlier one."""
        return np.asarray((box - self.shift) / self.scale)


class CameraMotion:
    """The step to each frame from the one before it, fitted when it is asked for.

    Parameters
    ----------
    followed
        Of each thing the first frame, and its boxes on that and all frames up to its last.
    width, height
        Size of the picture, pixels.
    """

    def __init__(self, followed: Iterable[tuple[int, BoxArray]], width: int, height: int) -> None:
        self._seen: defaultdict[int, list[BoxArray]] = defaultdict(list)
        for first, boxes in followed:
            for frame, pair in enumerate(np.stack([boxes[:-1], boxes[1:]], axis=1), first + 1):
                self._seen[frame].append(pair)
        self._size = np.array([width, height, width, height])
        self._known: dict[int, Step | None] = {}

    def step(self, frame: int) -> Step | None:
        """Return the step to a frame; None where too few things tell of it."""
        if frame not in self._known:
            pairs = self._seen.get(frame, [])
            enough = len(pairs) >= _FEWEST
            self._known[frame] = _fit(np.array(pairs), self._size) if enough else None
        return self._known[frame]


def _fit(pairs: NDArray[np.float64], size: BoxArray) -> Step | None:
    """Fit a step to the sides of n boxes, shape (n, 2, 4), before and after it.

    Least squares, in which a side weighs less the larger its box is, for a detector's errors grow
    with the box, and the more it disagrees with most, for some things move by themselves.
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
