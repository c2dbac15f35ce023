"""Where one scene ends and the next begins: no track goes on from one into the other.

A cut is a change that stands alone. Pictures are compared as tiny thumbnails without their mean
brightness, so that neither exposure nor a light that is switched on looks like a cut. A change as
large as its neighbours, as from a shaking or racing camera, is taken for motion. A missed cut hides
too much, but a false one would end a track early: so a change that is not certain is no cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask.media.planes import luma
from redact_dask.records import Detected

_WIDTH, _HEIGHT = 32, 18
"""Size of a thumbnail, pixels."""
_SAMPLED = 144
"""Fewest lines that are sampled of a picture with more lines."""
_FLAT = 8.0
"""Contrast in grey levels below which a picture, as at night, has nothing to compare."""
_CUT = 0.45
"""Least change at a cut: scenes with nothing in common reach 0.5 and more, a racing camera 0.35."""
_ALONE = 3.0
"""How many times larger a cut's change is than the changes at the frames around it."""
_REPEATED = 0.02
"""Largest change between a picture and its encoded repetition: it tells nothing of motion."""
_CONSECUTIVE_S = 0.2
"""Longest time between compared frames, seconds: beyond it, motion alone may change them."""

Thumbnail = NDArray[np.uint8]
"""Luma of a small picture, shape (18, 32), 8 bits."""


def thumbnail(frame: VideoFrame) -> Thumbnail:
    """Return the thumbnail of a planar YUV frame: its luma, scaled down."""
    pixels, bits = luma(frame), frame.format.components[0].bits
    step = max(1, pixels.shape[0] // _SAMPLED)
    sampled = pixels[::step, ::step]
    tiny = cv2.resize(sampled, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(tiny // 2 ** (bits - 8), np.uint8)


def change(before: Thumbnail, after: Thumbnail) -> float:
    """Return how much two pictures differ: 0 if they are alike, about 0.7 if they are unrelated.

    The change is the root mean square of their difference, divided by the sum of their contrasts
    (standard deviations) and `_FLAT`. Each picture is taken without its mean.
    """
    a, b = (picture.astype(np.float64) - picture.mean() for picture in (before, after))
    return float(np.sqrt(np.square(a - b).mean()) / (a.std() + b.std() + _FLAT))


def may_begin_scene(change: float) -> bool:
    """Tell whether a frame that differs so much from the one before may begin a scene."""
    return change > _CUT


def joined(detected: Sequence[Detected]) -> list[float]:
    """Return how much each frame of a video differs from the one before it; 0 where unknown."""
    following = [change for seen in detected for change in seen.changes]
    # The first picture of a damaged GOP may decode, but shows nothing that can be relied on.
    damaged = {lost.first_frame for seen in detected for lost in seen.damage}
    return [
        0.0 if frame in damaged else change
        for frame, change in enumerate([0.0, *following[:-1]][: len(following)])
    ]


def first_frames(changes: Sequence[float], times: Sequence[float]) -> list[int]:
    """Return the numbers of the frames that begin a scene, ascending; frame 0 is the first.

    >>> first_frames([0.0, 0.1, 0.6, 0.1], times=[0.0, 0.1, 0.2, 0.3])
    [0, 2]
    >>> first_frames([0.0, 0.5, 0.6, 0.5], times=[0.0, 0.1, 0.2, 0.3])
    [0]

    Parameters
    ----------
    changes
        How much each frame differs from the one before it, as `change` tells; 0 where unknown.
    times
        Presentation time of each frame, seconds.
    """
    gaps = [0.0, *(after - before for before, after in pairwise(times))]
    return [0] + [
        frame
        for frame, (jump, gap) in enumerate(zip(changes, gaps, strict=True))
        if jump > _CUT
        and gap <= _CONSECUTIVE_S
        and jump > _ALONE * max(_beside(changes, times, frame, way) for way in (-1, 1))
    ]


def _beside(
    changes: Sequence[float], times: Sequence[float], frame: int, way: Literal[-1, 1]
) -> float:
    """Return the next change before or after a frame's own; repeated pictures are passed over."""
    other = frame + way
    while 0 <= other < len(changes) and abs(times[other] - times[frame]) <= _CONSECUTIVE_S:
        if changes[other] > _REPEATED:
            return changes[other]
        other += way
    return 0.0
