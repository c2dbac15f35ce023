"""Linking detections from frame to frame into tracks: which boxes show one thing.

Every track predicts its box on the next frame, and the predictions are matched with the boxes found
there. A panning camera displaces the whole scene between two frames; the boxes themselves vote for
this common displacement, so no picture is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import Detections
from redact_dask.tracking.boxes import BoxArray, area, centre, iou
from redact_dask.tracking.camera_motion import CameraMotion
from redact_dask.tracking.leaps import Leaps
from redact_dask.tracking.tracks import ROUNDING, Things, Track

_SAME = 0.5
"""Least intersection over union of two detections on one frame that show one thing."""
_REACH = 1.0
"""Farthest match, in box sizes; the size of a box is the square root of its area."""
_FIRST_REACH = 2.0
"""Farthest match of a track whose velocity is not known yet, in box sizes."""
_GROWTH = 1.6
"""Largest ratio between the sizes of two boxes that match."""
_AGREE = 0.3
"""Farthest that a box may lie from where a common displacement puts it, in box sizes."""
_VOTERS = 8
"""Most predictions that vote on the scene's displacement. All those of a crowd would take a minute
for each frame, and this many, spread over the crowd, find it too: with 16, no fewer faces leak."""
_BLOCK = 256
"""Displacements that are voted on at once; for a crowd, all of them at once need gigabytes."""


def link(
    detections: Detections,
    times: Sequence[float],
    start: float,
    gap: float,
    max_gap_frames: int,
    camera: CameraMotion,
) -> list[Track]:
    """Link detections of one label into tracks.

    Parameters
    ----------
    detections
        Detections sorted by frame, then by descending confidence.
    times
        Presentation time of every frame of the video, seconds.
    start
        Confidence from which on a detection proves a thing.
    gap
        Longest hole in a track that is filled, seconds.
    max_gap_frames
        Holes of up to so many frames are filled, however long they last.
    camera
        How the camera moves.
    """
    live: list[Track] = []
    ended: list[Track] = []
    leaps = Leaps(start)
    before = 0
    firsts = np.flatnonzero(np.diff(detections.frame, prepend=-1))
    for first, stop in pairwise([*firsts.tolist(), len(detections)]):
        frame = int(detections.frame[first])
        things = _merged(detections[first:stop])
        boxes = things.boxes
        horizon = times[frame] - gap - ROUNDING
        if max_gap_frames:
            horizon = min(horizon, times[max(frame - max_gap_frames - 1, 0)])
        ended += [t for t in live if times[t.frames[-1]] < horizon]
        live = [t for t in live if times[t.frames[-1]] >= horizon]
        unmatched = set(range(len(boxes)))
        step = camera.between(before, frame)
        if live:
            for track in live:
                track.carry(step)
            last = np.array([t.carried[-1] for t in live])
            lag = times[frame] - np.array([times[t.frames[-1]] for t in live])
            predicted = last + np.array([t.velocity for t in live]) * lag[:, None]
            reach = np.array([_FIRST_REACH if len(t.frames) == 1 else _REACH for t in live])
            for i, j in _match(predicted, boxes, reach, lag == lag.min()).items():
                live[i].append(frame, things, j, times)
                unmatched.remove(j)
        lost = [track for track in live if track.frames[-1] != frame]
        unmatched -= leaps.follow(lost, things, sorted(unmatched), frame, step, times)
        live += [Track.begin(frame, things, j) for j in sorted(unmatched)]
        before = frame
    return ended + live + leaps.found


def _merged(detections: Detections) -> Things:
    """Merge the detections of one frame that show one thing into the union of their boxes.

    Detections are sorted by descending confidence.
    """
    boxes = detections.box
    rest = np.arange(len(boxes))
    merged, confidences, kinds = [], [], []
    while len(rest):
        best = boxes[rest[0]]
        same = iou(best, boxes[rest]) >= _SAME
        same[0] = True  # A box without area overlaps nothing, not even itself.
        group = boxes[rest[same]]
        merged.append(np.concatenate([group[:, :2].min(0), group[:, 2:].max(0)]))
        confidences.append(float(detections.confidence[rest[0]]))
        kinds.append(frozenset(detections.kind[rest[same]].tolist()))
        rest = rest[~same]
    return Things(np.array(merged), confidences, kinds)


def _match(
    predicted: BoxArray, boxes: BoxArray, reach: NDArray[np.float64], current: NDArray[np.bool_]
) -> dict[int, int]:
    """Pair predictions with boxes, the closest pair first; return box numbers by prediction.

    ``reach`` is the farthest match of each prediction in box sizes. ``current`` tells whether a
    prediction was made from the latest frame that had boxes. Both have shape (number of
    predictions,).
    """
    sizes, others = np.sqrt(area(predicted))[:, None], np.sqrt(area(boxes))[None]
    size, growth = np.sqrt(sizes * others), np.abs(np.log(sizes / others))
    alike = growth <= np.log(_GROWTH)
    step = centre(boxes)[None] - centre(predicted)[:, None]
    # A thing votes once; a box where an older track expects one tells nothing about the scene.
    expected = alike & (np.hypot(step[..., 0], step[..., 1]) <= _AGREE * size) & ~current[:, None]
    voters = _spread(np.flatnonzero(current & ~_repeated(predicted, current)), _VOTERS)
    voting = np.ix_(voters, np.flatnonzero(~expected.any(axis=0)))
    step -= _common(step[voting], size[voting], alike[voting])
    distance = np.hypot(step[..., 0], step[..., 1]) / size
    rows, columns = np.nonzero(alike & (distance <= reach[:, None]))
    closest_first = np.argsort((distance + growth)[rows, columns], kind="stable")
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in zip(rows[closest_first].tolist(), columns[closest_first].tolist(), strict=True):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _repeated(boxes: BoxArray, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which of n boxes repeat another: their centre lies in a box that is as large or larger.

    Only boxes in ``among`` can be repeated. Of boxes with the same area, a later one repeats an
    earlier one, not the reverse. Returns shape (n,).
    """
    centres, areas = centre(boxes)[:, None], area(boxes)
    within = ((boxes[None, :, :2] <= centres) & (centres <= boxes[None, :, 2:])).all(axis=2)
    first = np.tri(len(boxes), k=-1, dtype=bool)
    larger = (areas[:, None] < areas) | ((areas[:, None] == areas) & first)
    return np.asarray((within & larger & among).any(axis=1))


def _spread(items: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return all items, or only ``most`` of them, evenly spread, if there are more."""
    if len(items) <= most:
        return items
    return items[np.arange(most) * len(items) // most]


def _common(
    step: NDArray[np.float64], size: NDArray[np.float64], alike: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the displacement that most predictions share, shape (2,), pixels.

    ``step`` of shape (n, m, 2) leads from n predictions to m boxes; ``size`` and ``alike`` have
    shape (n, m). Every alike pair proposes its own displacement. If fewer than two predictions
    share the best one, or no more than share standing still, the displacement is zero.
    """
    voters, _ = np.nonzero(alike)
    if not len(voters):
        return np.zeros(2)
    moves, near = step[alike], np.square(_AGREE * size[alike])
    firsts = np.flatnonzero(np.diff(voters, prepend=-1))  # The first move of each prediction.
    candidates = np.concatenate([np.zeros((1, 2)), moves])
    order = np.lexsort((candidates[:, 1], candidates[:, 0], np.hypot(*candidates.T)))
    candidates = candidates[order]  # The shortest first, so that it wins a tie.

    def votes(displacements: NDArray[np.float64]) -> NDArray[np.intp]:
        x, y = (moves[:, axis] - displacements[:, axis, None] for axis in (0, 1))
        agree = np.logical_or.reduceat(x * x + y * y <= near, firsts, axis=1)
        return np.asarray(agree.sum(axis=1))

    still = votes(candidates[:1])
    if still >= min(step.shape[:2]):
        return np.asarray(candidates[0])
    blocks = range(0, len(candidates), _BLOCK)
    share = np.concatenate([votes(candidates[start : start + _BLOCK]) for start in blocks])
    best = int(share.argmax())
    return np.asarray(candidates[best if share[best] >= 2 else 0])
