"""Linking detections from frame to frame: which boxes show one thing.

Every track predicts its box on the next frame, and boxes and predictions are matched. The scene's
common displacement between two frames, that of a panning camera, is voted for by the boxes
themselves: no picture is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import Detection
from redact_dask.tracking.boxes import BoxArray, area, centre, iou

_SAME = 0.5
"""Intersection over union from which two detections on one frame are one thing."""
_REACH = 1.0
"""Farthest match, in box sizes: a size is the square root of the area."""
_FIRST_REACH = 2.0
"""Farthest match of a track whose velocity is not known yet, in box sizes."""
_GROWTH = 1.6
"""Largest ratio of the sizes of two boxes that match."""
_AGREE = 0.3
"""Farthest a box may lie from where a common displacement puts it, in box sizes."""
_VOTERS = 16
"""Predictions that vote on the scene's displacement: a crowd's would take a minute a frame, and as
many, spread over the crowd, know it too."""
_BLOCK = 256
"""Displacements that are voted on at once: in a crowd, all of them would need gigabytes."""
_MEMORY = 32
"""Latest boxes that a velocity is looked for in."""
VELOCITY_SECONDS = 0.15
"""Time over which a velocity is measured: shorter follows the detector's jitter."""
ROUNDING = 1e-6
"""Times that differ by less are equal, seconds."""


@dataclass(slots=True)
class Track:
    """BoxArray of one thing on frames in ascending order."""

    frames: list[int]
    boxes: list[BoxArray]
    """Each of shape (4,)."""
    confidence: float
    """The highest among its detections."""
    velocity: BoxArray
    """That of the last box's centre, pixels a second, shape (4,) as a box; zero at first."""

    def append(self, frame: int, box: BoxArray, confidence: float, times: Sequence[float]) -> None:
        """Extend the track by a later frame."""
        self.frames.append(frame)
        self.boxes.append(box)
        self.confidence = max(self.confidence, confidence)
        self.velocity = velocity(self.frames[:-_MEMORY:-1], self.boxes[:-_MEMORY:-1], times)


def velocity(frames: Sequence[int], boxes: Sequence[BoxArray], times: Sequence[float]) -> BoxArray:
    """Velocity of the centre at the first of the boxes, pixels a second, shape (4,) as a box."""
    seconds = 0.0
    there = 0
    while abs(seconds) < VELOCITY_SECONDS and there + 1 < len(frames):
        there += 1
        seconds = times[frames[there]] - times[frames[0]]
    if there == 0:
        return np.zeros(4)
    step = (boxes[there] - boxes[0]) / seconds
    x, y = (step[0] + step[2]) / 2, (step[1] + step[3]) / 2
    return np.array([x, y, x, y])


def link(
    detections: Iterable[Detection], times: Sequence[float], gap: float, max_gap_frames: int
) -> list[Track]:
    """Link detections of one label, sorted by frame and descending confidence, into tracks."""
    live: list[Track] = []
    ended: list[Track] = []
    for frame, on_frame in groupby(detections, key=lambda found: found.frame):
        boxes, confidences = _merge(list(on_frame))
        horizon = times[frame] - gap - ROUNDING
        if max_gap_frames:
            horizon = min(horizon, times[max(frame - max_gap_frames - 1, 0)])
        ended += [t for t in live if times[t.frames[-1]] < horizon]
        live = [t for t in live if times[t.frames[-1]] >= horizon]
        unmatched = set(range(len(boxes)))
        if live:
            last = np.array([t.boxes[-1] for t in live])
            lag = times[frame] - np.array([times[t.frames[-1]] for t in live])
            predicted = last + np.array([t.velocity for t in live]) * lag[:, None]
            reach = np.array([_FIRST_REACH if len(t.frames) == 1 else _REACH for t in live])
            for i, j in _match(predicted, boxes, reach, lag == lag.min()).items():
                live[i].append(frame, boxes[j], confidences[j], times)
                unmatched.remove(j)
        live += [Track([frame], [boxes[j]], confidences[j], np.zeros(4)) for j in sorted(unmatched)]
    return ended + live


def _merge(detections: Sequence[Detection]) -> tuple[BoxArray, list[float]]:
    """Merge what several detections of one frame say about one thing: their union is kept.

    Detections are sorted by descending confidence. Returns boxes and their highest confidences.
    """
    boxes = np.array([[d.x0, d.y0, d.x1, d.y1] for d in detections])
    rest = np.arange(len(boxes))
    merged, confidences = [], []
    while len(rest):
        best = boxes[rest[0]]
        same = iou(best, boxes[rest]) >= _SAME
        same[0] = True  # a box without area overlaps nothing, itself included
        group = boxes[rest[same]]
        merged.append(np.concatenate([group[:, :2].min(0), group[:, 2:].max(0)]))
        confidences.append(detections[rest[0]].confidence)
        rest = rest[~same]
    return np.array(merged), confidences


def _match(
    predicted: BoxArray, boxes: BoxArray, reach: NDArray[np.float64], current: NDArray[np.bool_]
) -> dict[int, int]:
    """Pair predictions with boxes, the closest pair first, as prediction -> box.

    ``reach`` is each prediction's farthest match in box sizes, ``current`` tells whether it was
    made from the latest frame that had boxes; both have shape (number of predictions,).
    """
    sizes, others = np.sqrt(area(predicted))[:, None], np.sqrt(area(boxes))[None]
    size, growth = np.sqrt(sizes * others), np.abs(np.log(sizes / others))
    alike = growth <= np.log(_GROWTH)
    step = centre(boxes)[None] - centre(predicted)[:, None]
    # A thing votes once, and a box where an older track awaits it tells nothing of the scene.
    awaited = alike & (np.hypot(step[..., 0], step[..., 1]) <= _AGREE * size) & ~current[:, None]
    voters = _spread(np.flatnonzero(current & ~_repeated(predicted, current)), _VOTERS)
    voting = np.ix_(voters, np.flatnonzero(~awaited.any(axis=0)))
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
    """Tell which of n boxes have their centre in one of those ``among``, as large or larger.

    Of boxes of one size the first is not one of them. Returns shape (n,).
    """
    centres, areas = centre(boxes)[:, None], area(boxes)
    within = ((boxes[None, :, :2] <= centres) & (centres <= boxes[None, :, 2:])).all(axis=2)
    first = np.tri(len(boxes), k=-1, dtype=bool)
    larger = (areas[:, None] < areas) | ((areas[:, None] == areas) & first)
    return np.asarray((within & larger & among).any(axis=1))


def _spread(items: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return all items, or of more than ``most`` as many, evenly spread over them."""
    if len(items) <= most:
        return items
    return items[np.arange(most) * len(items) // most]


def _common(
    step: NDArray[np.float64], size: NDArray[np.float64], alike: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the displacement that explains most pairs, shape (2,), pixels.

    ``step`` of shape (n, m, 2) leads from n predictions to m boxes; ``size`` and ``alike`` have
    shape (n, m). Every pair that is alike votes for its own displacement; one that fewer than two
    predictions share, or no more than share standing still, is not the scene's.
    """
    voters, _ = np.nonzero(alike)
    if not len(voters):
        return np.zeros(2)
    moves, near = step[alike], np.square(_AGREE * size[alike])
    firsts = np.flatnonzero(np.diff(voters, prepend=-1))  # the first move of each prediction
    candidates = np.concatenate([np.zeros((1, 2)), moves])
    order = np.lexsort((candidates[:, 1], candidates[:, 0], np.hypot(*candidates.T)))
    candidates = candidates[order]  # the shortest first: it wins a tie

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
