"""Where a thing is on every frame from the first to the last on which it must be hidden.

Between the boxes of its track, the place is interpolated. Beyond the ends of the track, where the
detector has lost the thing, it goes on: by its own velocity at first, and then with the scene, as
far as other tracks tell how the scene moves. There, all boxes around the end count, because a
detector that is about to lose a face often sees only a part of it.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import ORIGINS, RegionOrigin
from redact_dask.tracking.boxes import BoxArray, area, centre, union
from redact_dask.tracking.camera_motion import CameraMotion
from redact_dask.tracking.fitted_motion import FittedMotion
from redact_dask.tracking.leaps import LONGEST_LEAP
from redact_dask.tracking.tracks import ROUNDING, VELOCITY_SECONDS, Track, velocity

if TYPE_CHECKING:
    from redact_dask.config import TrackSettings


_DETECTED, _INTERPOLATED, _PADDED = map(
    ORIGINS.index, (RegionOrigin.DETECTED, RegionOrigin.INTERPOLATED, RegionOrigin.PADDED)
)


_AT_BORDER_S = 2.0
"""Longest time that what the border cuts is hidden after it was seen, seconds: half a face tells a
person who it is, and a detector nothing."""
_STANDS = 0.5
"""Fastest motion of what stands still in the scene, in box sizes (square root of the area) a
second: a person who walks out of the picture is not at its border any more."""
_BORDER = 2.0
"""A side within this distance of the border is cut off, pixels."""

_BLOCK = 64
"""Boxes whose windows are in memory at once: all those of a long track would fill it."""


class Path(NamedTuple):
    """Where a thing is hidden, on n frames."""

    frames: NDArray[np.int32]
    """Ascending, shape (n,)."""
    boxes: BoxArray
    """Shape (n, 4)."""
    origins: NDArray[np.uint8]
    """Numbers in ``ORIGINS``, shape (n,)."""


def between(linked: Track, times: Sequence[float], camera: CameraMotion) -> BoxArray:
    """Return the box of a track on each frame from its first to its last, shape (n, 4).

    The boxes are interpolated as if the camera stood still, and then moved along with it.
    """
    return interpolated(linked.frames, linked.boxes, times, camera)


def interpolated(
    frames: Sequence[int], boxes: BoxArray, times: Sequence[float], camera: CameraMotion
) -> BoxArray:
    """Return a box for each frame from the first to the last of some, as `between` does.

    Parameters
    ----------
    frames, boxes
        Numbers of k frames, ascending, and the box on each, shape (k, 4).
    times
        Presentation time of every frame of the video, seconds.
    camera
        How the camera moves.
    """
    moments = np.array(times[frames[0] : frames[-1] + 1])
    scales, shifts = camera.over(frames[0], frames[-1])
    rows = np.array(frames) - frames[0]
    still = (boxes - shifts[rows]) / scales[rows]
    sides = [np.interp(moments, moments[rows], still[:, side]) for side in range(4)]
    return np.column_stack(sides) * scales + shifts


def path(
    linked: Track,
    boxes: BoxArray,
    camera: CameraMotion,
    fitted: FittedMotion,
    times: Sequence[float],
    scenes: Sequence[int],
    settings: TrackSettings,
    max_gap_frames: int,
    size: tuple[int, int],
) -> Path:
    """Return the path of a track, on every frame from padded start to padded end.

    Parameters
    ----------
    linked
        The track.
    boxes
        What `between` returns for the track.
    camera
        How the camera moves, as the pictures tell.
    fitted
        How it moves where they do not tell, as the tracks do.
    times, scenes, settings, max_gap_frames
        See `tracker.track`.
    size
        Width and height of the picture, pixels.
    """
    first, last = linked.frames[0], linked.frames[-1]
    scene = bisect(scenes, first)
    earliest, latest = scenes[scene - 1], [*scenes, len(times)][scene] - 1
    moments = _moments(linked, times)
    # As if the camera stood still: then what is united around a box lies around it.
    scales, shifts = camera.over(first, last)
    still = (boxes - shifts) / scales
    steady = _steady(still, moments, settings.steady_s) * scales + shifts
    # A step that was measured wrong must show no face: what lies between is covered both ways.
    still_camera = between(linked, times, CameraMotion())
    steady = union(union(steady, still_camera), _hurried(linked, still_camera, times))
    ends = _steady(still, moments, max(settings.steady_s, settings.pad_s), (0, len(boxes) - 1))
    ends = ends * scales[[0, -1]] + shifts[[0, -1]]
    seen = still[np.array(linked.frames) - first]
    before = velocity(linked.frames, seen, times)
    after = velocity(linked.frames[::-1], seen[::-1], times) * scales[-1]
    known = linked.boxes
    shown_before = velocity(linked.frames, known, times)
    shown_after = velocity(linked.frames[::-1], known[::-1], times)
    is_brief = times[last] - times[first] < VELOCITY_SECONDS - ROUNDING
    # Frames may be farther apart than the padding time, but one is padded all the same.
    least = max(max_gap_frames, 1 if settings.pad_s else 0)

    def beyond(
        end: int, stop: int, box: BoxArray, speed: BoxArray, shown_speed: BoxArray
    ) -> Iterator[BoxArray]:
        """Yield the boxes beyond an end of the track, up to the frame ``stop`` at most."""
        if not linked.is_padded:
            return
        onward = 1 if stop > end else -1
        shown = box
        stays = not is_brief and _stays(box, speed, size)
        for frame in range(end + onward, stop + onward, onward) if stop != end else ():
            apart = abs(times[frame] - times[end])
            is_padded = apart <= settings.pad_s + ROUNDING or abs(frame - end) <= least
            is_at_border = stays and apart <= _AT_BORDER_S and _cut(box, size).any()
            if not is_padded and not is_at_border:
                return
            far = apart > VELOCITY_SECONDS + ROUNDING
            later = max(frame, frame - onward)
            step, told = camera.step(later), fitted.step(later) if far else None
            if not is_padded and step is None:
                return
            if step is None and told is not None:
                step = told
            elif not (far and is_brief):
                # The jitter in a brief track's velocity would carry the box off the face.
                box = box + speed * (times[frame] - times[frame - onward])
            if step is not None:
                box = step.forth(box) if onward > 0 else step.back(box)
            # Near the end, a step that was measured wrong must show no face either.
            shown = shown + shown_speed * (times[frame] - times[frame - onward])
            yield box if far else union(box, shown)

    head = [*beyond(first, earliest, ends[0], before, shown_before)][::-1]
    tail = [*beyond(last, latest, ends[-1], after, shown_after)]
    origins = np.full(len(head) + len(steady) + len(tail), _PADDED, np.uint8)
    origins[len(head) : len(head) + len(steady)] = _INTERPOLATED
    origins[np.array(linked.frames) - first + len(head)] = _DETECTED
    frames = np.arange(first - len(head), last + len(tail) + 1, dtype=np.int32)
    return Path(frames, np.array([*head, *steady, *tail]), origins)


def _cut(box: BoxArray, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which sides of a box the border of the picture cuts: left, top, right, bottom."""
    return np.concatenate([box[:2] < _BORDER, box[2:] > np.array(size) - _BORDER])


def _stays(box: BoxArray, speed: BoxArray, size: tuple[int, int]) -> bool:
    """Tell whether a thing stands still in the scene, and does not span the picture."""
    left, top, right, bottom = _cut(box, size)
    stands = np.hypot(*centre(speed)) <= _STANDS * np.sqrt(area(box))
    return bool(stands and not (left and right) and not (top and bottom))


def _hurried(linked: Track, boxes: BoxArray, times: Sequence[float]) -> BoxArray:
    """Lengthen the boxes of a track along its way, where it leaps farther than its size.

    What passes a moving camera nearby gets faster: where its speed triples from one box to the
    next, it is an eighth of the way behind the middle of the way at half the time (v T / 8 for a
    speed that grows by v in a time T).
    """
    known = linked.boxes
    way = np.abs(np.diff(centre(known), axis=0))
    moments = _moments(linked, times)
    at = np.array([times[frame] for frame in linked.frames])
    steady = np.hypot(*way.T) <= np.sqrt(area(known[1:]))
    way[steady | (np.diff(at) > LONGEST_LEAP + ROUNDING)] = 0
    number = np.clip(np.searchsorted(at, moments, "right") - 1, 0, max(len(at) - 2, 0))
    if not way.any():
        return boxes
    share = (moments - at[number]) / (at[number + 1] - at[number])
    reach = way[number] * (share * (1 - share) / 2)[:, None]
    return np.concatenate([boxes[:, :2] - reach, boxes[:, 2:] + reach], axis=1)


def _moments(linked: Track, times: Sequence[float]) -> NDArray[np.float64]:
    """Return the time of each frame from the first to the last of a track, seconds."""
    return np.array(times[linked.frames[0] : linked.frames[-1] + 1])


def _steady(
    boxes: BoxArray,
    moments: NDArray[np.float64],
    around: float,
    indices: Sequence[int] | None = None,
) -> BoxArray:
    """Enlarge boxes of a track to the union of the boxes around them, carried along its motion.

    The motion around a box is the least-squares line through the centres of the boxes there.

    Parameters
    ----------
    boxes, moments
        All n boxes of the track, and their times, seconds, ascending.
    around
        Time before and after a box within which other boxes are united with it, seconds.
    indices
        Indices of the boxes that are wanted; default: all.
    """
    wanted = np.arange(len(boxes)) if indices is None else np.array(indices)
    blocks = [wanted[first : first + _BLOCK] for first in range(0, len(wanted), _BLOCK)]
    return np.concatenate([_united(boxes, moments, around, block) for block in blocks])


def _united(
    boxes: BoxArray, moments: NDArray[np.float64], around: float, wanted: NDArray[np.intp]
) -> BoxArray:
    """Return what `_steady` returns for some indices; all their windows are in memory at once."""
    now = moments[wanted]
    starts = np.searchsorted(moments, now - around - ROUNDING)
    stops = np.searchsorted(moments, now + around + ROUNDING)
    # A window that is shorter than the longest one goes on with its last box.
    places = starts[:, None] + np.arange((stops - starts).max())
    is_own = places < stops[:, None]
    places = np.minimum(places, stops[:, None] - 1)
    near = boxes[places]
    lag = moments[places] - now[:, None]
    mean = (lag * is_own).sum(axis=1) / (stops - starts)
    centred = (lag - mean[:, None]) * is_own
    step = centre(near) - centre(boxes[wanted])[:, None]
    least = np.maximum(np.square(centred).sum(axis=1), ROUNDING)
    along = (centred[:, :, None] * step).sum(axis=1) / least[:, None]
    carried = near - lag[:, :, None] * np.tile(along, 2)[:, None]
    return np.column_stack([carried[:, :, :2].min(axis=1), carried[:, :, 2:].max(axis=1)])
