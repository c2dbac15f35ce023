"""How the camera moves from frame to frame, as the pictures tell.

A camera that drives, turns or zooms moves all that stands still by nearly one scale and one shift.
With that taken out, what a detector saw on two frames lies where it was, however the camera shook
in between: it is linked, interpolated and united there, and carried back onto each picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask.media.planes import luma
from redact_dask.records import CameraStep, Detected
from redact_dask.scaling import reduced
from redact_dask.tracking.boxes import BoxArray

_WIDTH = 480
"""Width of the picture that is measured, pixels: with 320, a few more faces leak in 4K."""
_CORNERS = 100
"""Corners that are followed; twice as many tell no more."""
_QUALITY = 0.01
"""Least strength of a corner, as a share of the strongest one's."""
_APART = 6
"""Least distance of two corners, pixels of the small picture."""
_WINDOW = 15
"""Side of the window that is looked for around a corner, pixels of the small picture."""
_LEVELS = 3
"""Halvings of the picture: motion of up to some 100 pixels of the small picture is found."""
_FEWEST = 8
"""Corners that must be found again: fewer tell too little."""
_TOLERANCE = 1.0
"""How far a corner may lie from where the motion puts it, pixels of the small picture."""
_AGREE = 0.4
"""Share of the corners that must move alike; else nobody knows what stands still."""
_MOST_SCALE = 1.5
"""Largest change of scale from one frame to the next: more is a mistake."""

SmallPicture = NDArray[np.uint8]
"""Luma of a picture, 8 bits, 480 pixels wide."""


def small_picture(frame: VideoFrame) -> SmallPicture:
    """Return the picture that motion is measured on."""
    pixels, bits = luma(frame), frame.format.components[0].bits
    height, width = pixels.shape
    small = reduced(pixels, _WIDTH, max(1, round(height * _WIDTH / width)))
    return np.asarray(small // 2 ** (bits - 8), np.uint8)


def measure(before: SmallPicture, after: SmallPicture, width: int) -> CameraStep | None:
    """Measure how what stands still moves from one picture to the next.

    Corners are followed by the pyramidal method of Lucas and Kanade (Bouguet, "Pyramidal
    implementation of the Lucas Kanade feature tracker", Intel, 2001); most of them must agree on
    one scale, turn and shift. The turn is left out: boxes do not turn.

    Parameters
    ----------
    before, after
        Two pictures, as `small_picture` returns them.
    width
        Width of the stored picture, pixels.

    Returns
    -------
    Scale, and shift in pixels of the stored picture; None if the pictures do not tell.
    """
    corners = cv2.goodFeaturesToTrack(before, _CORNERS, _QUALITY, _APART)
    if corners is None or len(corners) < _FEWEST:
        return None
    window = (_WINDOW, _WINDOW)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, corners, np.empty_like(corners), winSize=window, maxLevel=_LEVELS
    )
    seen = found[:, 0] == 1
    if seen.sum() < _FEWEST:
        return None
    matrix, agreeing = cv2.estimateAffinePartial2D(
        corners[seen], moved[seen], method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE
    )
    if matrix is None or agreeing.mean() < _AGREE:
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if not 1 / _MOST_SCALE < scale < _MOST_SCALE:
        return None
    # Without its turn, the motion is that of the picture's centre.
    height, across = before.shape
    centre = np.array([across / 2, height / 2])
    shift = (matrix @ [*centre, 1.0] - scale * centre) * (width / across)
    return round(scale, 6), round(float(shift[0]), 3), round(float(shift[1]), 3)


def joined(detected: Sequence[Detected]) -> list[CameraStep | None]:
    """Return the step to each frame of the video from the one before it; None: unknown."""
    steps: list[CameraStep | None] = [None]
    for seen in detected:
        frames = seen.frames + seen.frames_damaged
        steps += seen.steps or [None] * frames
    return steps[:-1]


@dataclass(frozen=True, slots=True)
class Step:
    """How what stands still moves from one frame to a later one: scaled, then shifted."""

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
    """The camera's motion over a video; where it is unknown, the camera is taken to stand still.

    Parameters
    ----------
    steps
        The step to each frame from the one before it, as `joined` returns them; none: unknown.
    """

    def __init__(self, steps: Sequence[CameraStep | None] = ()) -> None:
        self._steps = steps
        self._scales = np.array([step[0] if step else 1.0 for step in steps])
        self._shifts = np.array([[*step[1:], *step[1:]] if step else [0.0] * 4 for step in steps])

    def step(self, frame: int) -> Step | None:
        """Return the step to a frame from the one before it; None: unknown."""
        if frame >= len(self._steps) or self._steps[frame] is None:
            return None
        return Step(float(self._scales[frame]), self._shifts[frame])

    def over(self, first: int, last: int) -> tuple[NDArray[np.float64], BoxArray]:
        """Return how what stands still moves from a frame to it and each frame up to another.

        Returns
        -------
        Scales, shape (last - first + 1, 1), and shifts, shape (last - first + 1, 4), which together
        put a box on the first frame onto each of them.
        """
        count = last - first
        if not len(self._steps):
            return np.ones((count + 1, 1)), np.zeros((count + 1, 4))
        scales = np.concatenate([[1.0], np.cumprod(self._scales[first + 1 : last + 1])])[:, None]
        parts = self._shifts[first + 1 : last + 1] / scales[1:]
        shifts = np.concatenate([np.zeros((1, 4)), np.cumsum(parts, axis=0)]) * scales
        return scales, shifts

    def between(self, first: int, last: int) -> Step:
        """Return the step from one frame to a later one."""
        scales, shifts = self.over(first, last)
        return Step(float(scales[-1, 0]), shifts[-1])
