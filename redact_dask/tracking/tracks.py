"""A track: the boxes that one thing has on some frames, and how fast it moves."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from redact_dask.tracking.boxes import BoxArray
from redact_dask.tracking.camera_motion import Step

_MEMORY = 32
"""A velocity is measured over fewer than so many of the latest boxes."""
VELOCITY_SECONDS = 0.15
"""Time over which a velocity is measured, seconds: a shorter one follows the detector's jitter."""
ROUNDING = 1e-6
"""Times that differ by less than this are equal, seconds."""


class Things(NamedTuple):
    """The n things seen on one frame, each once."""

    boxes: BoxArray
    """Shape (n, 4)."""
    confidences: list[float]
    """Highest confidence of the detections of each."""
    kinds: list[frozenset[int]]
    """Numbers in `Detections.kinds` of the detections of each."""


@dataclass(slots=True)
class Track:
    """The boxes of one thing, on frames in ascending order."""

    frames: array[int]
    sides: array[float]
    """The four sides of one box for each frame."""
    confidence: float
    """Highest confidence among the detections of the track."""
    velocity: BoxArray
    """Velocity of the last box's centre besides the camera's, pixels a second, shape (4,) as a box;
    zero at first."""
    carried: BoxArray
    """Latest boxes, carried by the camera's motion to the latest frame, shape (n, 4)."""
    kinds: frozenset[int]
    """Numbers in `Detections.kinds` of its detections."""
    is_padded: bool = True
    """Whether the thing is hidden beyond the ends of its track, too."""

    @classmethod
    def begin(cls, frame: int, things: Things, j: int) -> Track:
        """Return the track that the thing of index ``j`` on a frame begins."""
        box = things.boxes[j]
        sides, confidence, kinds = array("d", box), things.confidences[j], things.kinds[j]
        return cls(array("q", [frame]), sides, confidence, np.zeros(4), box[None], kinds)

    @property
    def boxes(self) -> BoxArray:
        """One box for each frame, shape (n, 4)."""
        return np.array(self.sides).reshape(-1, 4)

    def carry(self, step: Step) -> None:
        """Carry the latest boxes along with the camera's step to a later frame."""
        self.carried = step.forth(self.carried)
        self.velocity = self.velocity * step.scale

    def append(self, frame: int, things: Things, j: int, times: Sequence[float]) -> None:
        """Extend the track by the thing of index ``j`` on the frame that it was carried to."""
        box = things.boxes[j]
        self.frames.append(frame)
        self.sides.extend(box)
        self.confidence = max(self.confidence, things.confidences[j])
        self.kinds |= things.kinds[j]
        self.carried = np.concatenate([self.carried, box[None]])[1 - _MEMORY :]
        latest = self.frames[: -len(self.carried) - 1 : -1]
        self.velocity = velocity(latest, self.carried[::-1], times)


def velocity(frames: Sequence[int], boxes: BoxArray, times: Sequence[float]) -> BoxArray:
    """Return the velocity of the first box's centre, pixels a second, shape (4,) as a box.

    The other boxes follow it in time, or go back in time from it. Without others, the velocity is
    zero.
    """
    seconds = 0.0
    other = 0
    while abs(seconds) < VELOCITY_SECONDS and other + 1 < len(frames):
        other += 1
        seconds = times[frames[other]] - times[frames[0]]
    if other == 0:
        return np.zeros(4)
    step = (boxes[other] - boxes[0]) / seconds
    x, y = (step[0] + step[2]) / 2, (step[1] + step[3]) / 2
    return np.array([x, y, x, y])
