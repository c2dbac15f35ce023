"""Tracking over the whole video: from what was detected to what will be hidden.

Tracking by detection, as in SORT [1]_ and ByteTrack [2]_: every track predicts its box on the next
frame, and boxes and predictions are matched. Some things differ, because the aim is privacy and
the whole video is there:

- Weak detections form tracks like strong ones, and afterwards only the tracks that hold a strong
  one are kept. A face that is weak before its first strong detection is so covered from its start.
- The scene's common displacement between two frames, that of a panning camera, is voted for by the
  boxes themselves: no picture is needed.
- A box is enlarged to the union of its track's boxes around it, carried along the motion, so
  every strong detection is covered on its own frame whatever the matching made of it.

.. [1] Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016, arXiv:1602.00763.
.. [2] Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box",
   ECCV 2022, arXiv:2110.06864.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from redact_dask.model import Detection, Region, Why

if TYPE_CHECKING:
    from redact_dask.config import TrackSettings

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
_MEMORY = 32
"""Latest boxes that a velocity is looked for in."""
_VELOCITY_SECONDS = 0.15
"""Time over which a velocity is measured: shorter follows the detector's jitter."""

_ROUNDING = 1e-6
"""Times that differ by less are equal, seconds."""

Boxes: TypeAlias = NDArray[np.float64]
"""Shape (n, 4): x0, y0, x1, y1 in pixels."""


def track(
    detections: Sequence[Detection],
    times: Sequence[float],
    scenes: Sequence[int],
    width: int,
    height: int,
    settings: TrackSettings,
    blink: int = 0,
) -> tuple[Region, ...]:
    """Link detections over the whole video and return what must be hidden.

    Parameters
    ----------
    detections
        What the detectors saw, in any order; the result does not depend on it.
    times
        Presentation time in seconds of every frame of the video, strictly ascending.
    scenes
        The numbers of the frames that begin a scene, ascending, from 0: no track goes across.
    width, height
        Size of the stored picture, pixels.
    settings
        Thresholds, times and margin.
    blink
        Most consecutive frames that nobody has looked at: holes of that length are filled, and
        ends padded by as many frames, whatever the times are.

    Returns
    -------
    Regions inside the picture, with the margin, sorted by frame and track. Tracks are numbered
    from 0 in the order in which they appear.
    """
    usable = sorted(
        (found for found in detections if found.confidence >= min(settings.start, settings.extend)),
        key=lambda d: (
            d.label,
            bisect(scenes, d.frame),
            d.frame,
            -d.confidence,
            d.x0,
            d.y0,
            d.x1,
            d.y1,
            d.detector,
        ),
    )
    tracks = [
        linked
        for _, alike in groupby(usable, key=lambda d: (d.label, bisect(scenes, d.frame)))
        for linked in _link(alike, times, settings.gap_s, blink)
        if linked.confidence >= settings.start
    ]
    paths = [
        [
            (frame, inside, why)
            for frame, box, why in _path(linked, times, scenes, settings, blink)
            if (inside := _inside(box, settings.margin, width, height))
        ]
        for linked in tracks
    ]
    # By first frame and place; the label's order breaks ties, for sorting is stable.
    appearing = sorted(filter(None, paths), key=lambda path: path[0][:2])
    regions = (
        Region(frame, number, *inside, why)
        for number, path in enumerate(appearing)
        for frame, inside, why in path
    )
    return tuple(sorted(regions, key=lambda region: (region.frame, region.track)))


@dataclass(slots=True)
class _Track:
    """Boxes of one thing on frames in ascending order."""

    frames: list[int]
    boxes: list[Boxes]
    """Each of shape (4,)."""
    confidence: float
    """The highest among its detections."""
    velocity: Boxes
    """That of the last box's centre, pixels a second, shape (4,) as a box; zero at first."""

    def append(self, frame: int, box: Boxes, confidence: float, times: Sequence[float]) -> None:
        """Extend the track by a later frame."""
        self.frames.append(frame)
        self.boxes.append(box)
        self.confidence = max(self.confidence, confidence)
        self.velocity = _velocity(self.frames[:-_MEMORY:-1], self.boxes[:-_MEMORY:-1], times)


def _velocity(frames: Sequence[int], boxes: Sequence[Boxes], times: Sequence[float]) -> Boxes:
    """Velocity of the centre at the first of the boxes, pixels a second, shape (4,) as a box."""
    seconds = 0.0
    there = 0
    while abs(seconds) < _VELOCITY_SECONDS and there + 1 < len(frames):
        there += 1
        seconds = times[frames[there]] - times[frames[0]]
    if there == 0:
        return np.zeros(4)
    step = (boxes[there] - boxes[0]) / seconds
    x, y = (step[0] + step[2]) / 2, (step[1] + step[3]) / 2
    return np.array([x, y, x, y])


def _link(
    detections: Iterable[Detection], times: Sequence[float], gap: float, blink: int
) -> list[_Track]:
    """Link detections of one label, sorted by frame and descending confidence, into tracks."""
    live: list[_Track] = []
    ended: list[_Track] = []
    for frame, on_frame in groupby(detections, key=lambda found: found.frame):
        boxes, confidences = _merge(list(on_frame))
        horizon = times[frame] - gap - _ROUNDING
        if blink:
            horizon = min(horizon, times[max(frame - blink - 1, 0)])
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
        live += [
            _Track([frame], [boxes[j]], confidences[j], np.zeros(4)) for j in sorted(unmatched)
        ]
    return ended + live


def _merge(detections: Sequence[Detection]) -> tuple[Boxes, list[float]]:
    """Merge what several detections of one frame say about one thing: their union is kept.

    Detections are sorted by descending confidence. Returns boxes and their highest confidences.
    """
    boxes = np.array([[d.x0, d.y0, d.x1, d.y1] for d in detections])
    rest = np.arange(len(boxes))
    merged, confidences = [], []
    while len(rest):
        best = boxes[rest[0]]
        same = _overlap(best, boxes[rest]) >= _SAME
        same[0] = True  # a box without area overlaps nothing, itself included
        group = boxes[rest[same]]
        merged.append(np.concatenate([group[:, :2].min(0), group[:, 2:].max(0)]))
        confidences.append(detections[rest[0]].confidence)
        rest = rest[~same]
    return np.array(merged), confidences


def _match(
    predicted: Boxes, boxes: Boxes, reach: NDArray[np.float64], current: NDArray[np.bool_]
) -> dict[int, int]:
    """Pair predictions with boxes, the closest pair first, as prediction -> box.

    ``reach`` is each prediction's farthest match in box sizes, ``current`` tells whether it was
    made from the latest frame that had boxes; both have shape (number of predictions,).
    """
    sizes, others = np.sqrt(_area(predicted))[:, None], np.sqrt(_area(boxes))[None]
    size, growth = np.sqrt(sizes * others), np.abs(np.log(sizes / others))
    alike = growth <= np.log(_GROWTH)
    step = _centre(boxes)[None] - _centre(predicted)[:, None]
    # A thing votes once, and a box where an older track awaits it tells nothing of the scene.
    awaited = alike & (np.hypot(step[..., 0], step[..., 1]) <= _AGREE * size) & ~current[:, None]
    voting = np.ix_(current & ~_repeated(predicted, current), ~awaited.any(axis=0))
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


def _repeated(boxes: Boxes, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which of n boxes have their centre in one of those ``among``, as large or larger.

    Of boxes of one size the first is not one of them. Returns shape (n,).
    """
    centres, areas = _centre(boxes)[:, None], _area(boxes)
    within = ((boxes[None, :, :2] <= centres) & (centres <= boxes[None, :, 2:])).all(axis=2)
    first = np.tri(len(boxes), k=-1, dtype=bool)
    larger = (areas[:, None] < areas) | ((areas[:, None] == areas) & first)
    return np.asarray((within & larger & among).any(axis=1))


def _common(
    step: NDArray[np.float64], size: NDArray[np.float64], alike: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the displacement that explains most pairs, shape (2,), pixels.

    ``step`` of shape (n, m, 2) leads from n predictions to m boxes; ``size`` and ``alike`` have
    shape (n, m). Every pair that is alike votes for its own displacement; one that fewer than two
    predictions share, or no more than share standing still, is not the scene's.
    """
    candidates = np.concatenate([np.zeros((1, 2)), step[alike]])
    order = np.lexsort((candidates[:, 1], candidates[:, 0], np.hypot(*candidates.T)))
    candidates = candidates[order]  # the shortest first: it wins a tie

    def votes(displacements: NDArray[np.float64]) -> NDArray[np.intp]:
        off = step - displacements[:, None, None]
        near = np.hypot(off[..., 0], off[..., 1]) <= _AGREE * size
        return np.asarray((near & alike).any(axis=2).sum(axis=1))

    still = votes(candidates[:1])
    if still >= min(step.shape[:2]):
        return np.asarray(candidates[0])
    share = votes(candidates)
    best = int(share.argmax())
    return np.asarray(candidates[best if share[best] >= 2 else 0])


def _path(
    linked: _Track,
    times: Sequence[float],
    scenes: Sequence[int],
    settings: TrackSettings,
    blink: int,
) -> list[tuple[int, Boxes, Why]]:
    """Return the box of a track on every frame from its padded start to its padded end."""
    first, last = linked.frames[0], linked.frames[-1]
    start, stop = first, last + 1
    scene = bisect(scenes, first)
    earliest, latest = scenes[scene - 1], [*scenes, len(times)][scene]
    start = max(start - blink, earliest)
    stop = min(stop + blink, latest)
    while start > earliest and times[first] - times[start - 1] <= settings.pad_s + _ROUNDING:
        start -= 1
    while stop < latest and times[stop] - times[last] <= settings.pad_s + _ROUNDING:
        stop += 1
    frames = np.arange(start, stop)
    moments = np.array(times[start:stop])
    known = np.array([times[frame] for frame in linked.frames])
    seen = np.array(linked.boxes)
    boxes = np.column_stack([np.interp(moments, known, seen[:, side]) for side in range(4)])
    before, after = frames < first, frames > last
    boxes[before] += (
        _velocity(linked.frames, linked.boxes, times) * (moments[before] - times[first])[:, None]
    )
    boxes[after] += linked.velocity * (moments[after] - times[last])[:, None]
    detected = set(linked.frames)
    reasons = [
        Why.DETECTED
        if frame in detected
        else Why.INTERPOLATED
        if first < frame < last
        else Why.PADDED
        for frame in range(start, stop)
    ]
    steady = _steady(boxes, moments, settings.steady_s)
    return list(zip(frames.tolist(), steady, reasons, strict=True))


def _steady(boxes: Boxes, moments: NDArray[np.float64], around: float) -> Boxes:
    """Enlarge each box of a track to the union of those around it, carried along its motion.

    The motion around a box is the line of least squares through the centres. ``moments`` are the
    times of the n boxes, seconds, ascending; ``around`` is the time before and after each, seconds.
    """
    centres = _centre(boxes)
    starts = np.searchsorted(moments, moments - around - _ROUNDING)
    stops = np.searchsorted(moments, moments + around + _ROUNDING)
    union = np.empty_like(boxes)
    for index, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        lag = moments[start:stop] - moments[index]
        centred = lag - lag.mean()
        step = centres[start:stop] - centres[index]
        velocity = centred @ step / max(centred @ centred, _ROUNDING)
        carried = boxes[start:stop] - np.outer(lag, np.tile(velocity, 2))
        union[index, :2] = carried[:, :2].min(axis=0)
        union[index, 2:] = carried[:, 2:].max(axis=0)
    return union


def _inside(
    box: Boxes, margin: float, width: int, height: int
) -> tuple[float, float, float, float] | None:
    """Add the margin and cut the box to the picture; None when nothing of it is inside."""
    x, y = margin * (box[2] - box[0]), margin * (box[3] - box[1])
    x0, x1 = (float(min(max(v, 0.0), width)) for v in (box[0] - x, box[2] + x))
    y0, y1 = (float(min(max(v, 0.0), height)) for v in (box[1] - y, box[3] + y))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _area(boxes: Boxes) -> NDArray[np.float64]:
    """Areas of boxes, shape (n,), of at least one pixel so that they can divide."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 1.0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def _centre(boxes: Boxes) -> NDArray[np.float64]:
    """Centres of boxes, shape (n, 2) or (2,)."""
    return np.asarray((boxes[..., :2] + boxes[..., 2:]) / 2)


def _overlap(box: Boxes, boxes: Boxes) -> NDArray[np.float64]:
    """Intersection over union of one box with n others, shape (n,)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.prod(np.maximum(sides, 0), axis=1)
    return np.asarray(common / (_area(box) + _area(boxes) - common))
