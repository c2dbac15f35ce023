"""Where a scene ends and another begins: what is followed in one is not in the other.

A cut is a jump that stands alone. Pictures are compared by tiny thumbnails without their mean
brightness, so that neither exposure nor a light that is switched on looks like a cut, and a jump as
large as its neighbours, as in a shaking or racing camera, is taken for motion. A cut that is missed
hides too much; a false one would end a track early: what is not certain is no cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
"""Lines of a picture that are looked at, at least, of more."""
_FLAT = 8.0
"""Grey levels of contrast below which a picture, at night for one, has nothing to compare."""
_CUT = 0.45
"""Change at a cut: scenes that have nothing in common reach 0.5 and more, a racing camera 0.35."""
_ALONE = 3.0
"""How many times larger a cut's change is than those of the frames around it."""
_REPEATED = 0.02
"""Change between a picture and the same one again, encoded: it tells nothing of motion."""
_CONSECUTIVE_S = 0.2
"""Frames farther apart may differ by motion alone, seconds."""

Thumbnail = NDArray[np.uint8]
"""Luma of a picture, shape (18, 32), 8 bits."""


def thumbnail(frame: VideoFrame) -> Thumbnail:
    """Return a tiny picture of a planar YUV frame's luma."""
    pixels, bits = luma(frame), frame.format.components[0].bits
    step = max(1, pixels.shape[0] // _SAMPLED)
    sampled = pixels[::step, ::step]
    tiny = cv2.resize(sampled, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(tiny // 2 ** (bits - 8), np.uint8)


def change(before: Thumbnail, after: Thumbnail) -> float:
    """Return how much two pictures differ: 0 if they are alike, about 0.7 if they are strangers.

    That is the root mean square of their difference by the sum of their contrasts, each without
    its mean.
    """
    a, b = (picture.astype(np.float64) - picture.mean() for picture in (before, after))
    return float(np.sqrt(np.square(a - b).mean()) / (a.std() + b.std() + _FLAT))


def changes(thumbnails: Mapping[int, Thumbnail], frames: range) -> tuple[float, ...]:
    """Return by how much each of some frames differs from the one before; 0 where it is unknown."""
    return tuple(
        change(thumbnails[frame - 1], thumbnails[frame])
        if frame in thumbnails and frame - 1 in thumbnails
        else 0.0
        for frame in frames
    )


def begins_scene(thumbnails: Mapping[int, Thumbnail], frame: int) -> bool:
    """Tell whether a frame may begin a scene, by the one before it; no if that is unknown."""
    before = thumbnails.get(frame - 1)
    return before is not None and change(before, thumbnails[frame]) > _CUT


def edges(thumbnails: Mapping[int, Thumbnail], frames: range) -> tuple[bytes, bytes]:
    """Return the first and the last frame's thumbnail; empty where there is none."""
    first, last = (thumbnails.get(frame) for frame in (frames[0], frames[-1]))
    return b"" if first is None else first.tobytes(), b"" if last is None else last.tobytes()


def joined(detected: Sequence[Detected]) -> list[float]:
    """Return the changes of all chunks, with those from one chunk to the next."""
    found: list[float] = []
    last = b""
    for seen in detected:
        first, after = seen.edges[0], list(seen.changes)
        if last and first:
            after[0] = change(_read(last), _read(first))
        found += after
        last = seen.edges[1]
    return found


def _read(edge: bytes) -> Thumbnail:
    return np.frombuffer(edge, np.uint8).reshape(_HEIGHT, _WIDTH)


def first_frames(changes: Sequence[float], times: Sequence[float]) -> list[int]:
    """Return the numbers of the frames that begin a scene, ascending; frame 0 is the first.

    Parameters
    ----------
    changes
        By how much each frame differs from the one before it, as `change` tells; 0 where unknown.
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
    """Return the next change before or behind a frame's own, repeated pictures passed over."""
    other = frame + way
    while 0 <= other < len(changes) and abs(times[other] - times[frame]) <= _CONSECUTIVE_S:
        if changes[other] > _REPEATED:
            return changes[other]
        other += way
    return 0.0
