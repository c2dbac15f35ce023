"""What moves so fast that its next box lies far from the one before: a leap joins the two.

Association links a box with one that lies near where it is expected. A person beside a moving car
may be several box sizes further at the next look, and would be seen in between. A leap hides the
straight way from where one thing was lost to where another one appeared. Two things may have been
taken for one, so a leap only adds to what is hidden: both boxes keep their own tracks. A third box
where the leap leads proves that it was one thing; from then on, the leap is its track.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from redact_dask.tracking.boxes import BoxArray, area, centre
from redact_dask.tracking.camera_motion import Step
from redact_dask.tracking.tracks import ROUNDING, Things, Track

_SPEED = 60.0
"""Fastest leap, box sizes a second; the size of a box is the square root of its area. A person 3 m
beside a car at 90 km/h, 5 m ahead of the camera, moves at about 60: 3 m / 5 m * 25 m/s / 0.25 m."""
LONGEST_LEAP = 0.25
"""Longest time that a leap bridges, seconds: a little more than lies between two looks."""
_GROWTH = 2.0
"""Largest ratio between the sizes of two boxes of one thing: what passes the camera nearby doubles
its size from one look to the next."""
_REACH = 1.0
"""Farthest that a box may lie from where a leap leads, in box sizes."""
_PROVEN = 3
"""Boxes from which on a leap is a track."""


class Leaps:
    """Finds the leaps among the boxes of one label, frame by frame.

    Parameters
    ----------
    start
        Least confidence of both ends of a leap.
    """

    def __init__(self, start: float) -> None:
        self.found: list[Track] = []
        """All leaps up to now."""
        self._live: list[Track] = []
        self._start = start

    def follow(
        self,
        lost: Sequence[Track],
        things: Things,
        unmatched: Collection[int],
        frame: int,
        step: Step,
        times: Sequence[float],
    ) -> set[int]:
        """Go on to the next frame with boxes.

        Parameters
        ----------
        lost
            Tracks that have no box on this frame, carried to it.
        things
            All things seen on this frame.
        unmatched
            Indices of those that no track has.
        frame
            Number of this frame.
        step
            The camera's step to this frame from the one before.
        times
            Presentation time of every frame of the video, seconds.

        Returns
        -------
        Indices of the boxes that need no track of their own, since a proven leap has them.
        """
        boxes = things.boxes
        strong = [j for j in range(len(boxes)) if things.confidences[j] >= self._start]
        for leap in self._live:
            leap.carry(step)
        on_the_way = _closest(self._live, boxes, strong, frame, times, _REACH)
        of_their_own = {j for i, j in on_the_way if len(self._live[i].frames) >= _PROVEN}
        for i, j in on_the_way:
            self._live[i].append(frame, things, j, times)
            self._live[i].is_padded = True
        self._live = [leap for leap in self._live if leap.frames[-1] == frame]
        followed = {j for _, j in on_the_way}
        appeared = [j for j in strong if j in unmatched and j not in followed]
        gone = [track for track in lost if track.confidence >= self._start]
        for i, j in _closest(gone, boxes, appeared, frame, times, None):
            before = gone[i]
            last = Things(before.boxes[-1:], [before.confidence], [before.kinds])
            leap = Track.begin(before.frames[-1], last, 0)
            leap.is_padded = False
            leap.carried = before.carried[-1:]
            leap.append(frame, things, j, times)
            self._live.append(leap)
            self.found.append(leap)
        return of_their_own


def _closest(
    tracks: Sequence[Track],
    boxes: BoxArray,
    among: Sequence[int],
    frame: int,
    times: Sequence[float],
    reach: float | None,
) -> list[tuple[int, int]]:
    """Pair tracks with boxes of about their size, the closest pair first.

    ``reach`` is how far a box may lie from where a track leads, in box sizes; None: as far as the
    fastest leap.
    """
    if not tracks or not among:
        return []
    others = boxes[list(among)]
    last = np.array([track.carried[-1] for track in tracks])
    lag = times[frame] - np.array([times[track.frames[-1]] for track in tracks])
    led = last + np.array([track.velocity for track in tracks]) * lag[:, None]
    sizes = np.sqrt(area(last))[:, None], np.sqrt(area(others))[None]
    way = centre(others)[None] - centre(led)[:, None]
    distance = np.hypot(way[..., 0], way[..., 1]) / np.sqrt(sizes[0] * sizes[1])
    farthest = lag * _SPEED if reach is None else np.full(len(lag), reach)
    farthest[lag > LONGEST_LEAP + ROUNDING] = 0.0
    alike = np.abs(np.log(sizes[0] / sizes[1])) <= np.log(_GROWTH)
    rows, columns = np.nonzero(alike & (distance <= farthest[:, None]))
    order = np.argsort(distance[rows, columns], kind="stable")
    pairs: dict[int, int] = {}
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return [(i, among[j]) for i, j in pairs.items()]
