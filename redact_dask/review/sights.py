"""Linking detections that nothing hides, so that one thing is doubted once.

This is no tracking: what is hidden depends on nothing here. Boxes are linked that lie close to each
other on frames close to each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import Detections

_REACH_S = 0.5
"""Longest time between two boxes of one thing, seconds."""
_REACH = 1.0
"""Farthest that their centres may lie apart, in box sizes; see `association`."""
_GROWTH = 1.6
"""Largest ratio between their sizes."""


def linked(seen: Detections, rate: float) -> list[NDArray[np.intp]]:
    """Return the rows of each thing, by frame; together, all rows.

    Parameters
    ----------
    seen
        Detections, by frame.
    rate
        Frames a second.
    """
    centre = (seen.box[:, :2] + seen.box[:, 2:]) / 2
    sides = np.maximum(seen.box[:, 2:] - seen.box[:, :2], 1.0)
    size = np.sqrt(np.prod(sides, axis=1))
    label = seen.kinds[:, 0][seen.kind] if len(seen) else np.zeros(0, np.str_)
    reach = max(round(_REACH_S * rate), 1)
    things: list[list[int]] = []
    recent: list[list[int]] = []
    cuts = np.flatnonzero(np.diff(seen.frame)) + 1
    for rows in np.split(np.arange(len(seen)), cuts) if len(seen) else []:
        frame = seen.frame[rows[0]]
        recent = [thing for thing in recent if frame - seen.frame[thing[-1]] <= reach]
        last = np.array([thing[-1] for thing in recent], np.intp)
        mean = np.sqrt(size[rows][:, None] * size[last])
        apart = np.linalg.norm(centre[rows][:, None] - centre[last], axis=2) / mean
        ratio = size[rows][:, None] / size[last]
        apart[(ratio > _GROWTH) | (ratio < 1 / _GROWTH)] = np.inf
        apart[label[rows][:, None] != label[last]] = np.inf
        free = set(range(len(rows)))
        # The nearest pair first. Two detectors may see one thing on one frame.
        for pair in np.argsort(apart, axis=None).tolist():
            own, other = divmod(pair, len(last))
            if apart[own, other] > _REACH:
                break
            if own in free:
                free.remove(own)
                recent[other].append(int(rows[own]))
        for own in sorted(free):
            thing = [int(rows[own])]
            things.append(thing)
            recent.append(thing)
    return [np.array(thing, np.intp) for thing in things]
