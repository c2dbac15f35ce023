"""What people have changed about what tracking hides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import ORIGINS, CameraStep, RegionOrigin, Regions
from redact_dask.records.columns import numbered
from redact_dask.records.edits import Edit, EditKind
from redact_dask.tracking.boxes import BoxArray, iou, union
from redact_dask.tracking.camera_motion import CameraMotion
from redact_dask.tracking.trajectories import interpolated

BY_A_PERSON = "person"
"""What stands in place of a detector's name where a person has drawn what is hidden."""
_ALIKE = 0.5
"""Least intersection over union of a region with the box of an edit that shows it: the region may
have changed a little since then, as another margin changes it."""


def apply(
    regions: Regions,
    edits: Iterable[Edit],
    times: Sequence[float],
    width: int,
    height: int,
    steps: Sequence[CameraStep | None] = (),
) -> Regions:
    """Return what is hidden after the edits of people to a video stream.

    Of what tracking hides on a frame, an edit shows one region at most: that of its label which is
    most alike to its box. What people draw is hidden whatever else they show.

    Parameters
    ----------
    regions
        What tracking hides, as `tracker.track` returns it.
    edits
        The edits in force of this stream.
    times, width, height, steps
        As for `tracker.track`.
    """
    camera = CameraMotion(steps)
    drawn: list[Regions] = []
    first = int(regions.track.max()) + 1 if len(regions) else 0
    for edit in edits:
        if edit.kind is EditKind.SHOW:
            regions = regions[~shown(regions, edit)]
        else:
            drawn.append(_drawn(edit, first + len(drawn), times, width, height, camera))
    joined = Regions.joined([regions, *drawn])
    return joined[np.lexsort((joined.track, joined.frame))] if drawn else joined


def shown(regions: Regions, edit: Edit) -> NDArray[np.bool_]:
    """Return which regions an edit that shows them names, shape (n,)."""
    is_labelled = (regions.kinds[:, 0] == edit.label)[regions.kind]
    shown = np.zeros(len(regions), np.bool_)
    for frame, *sides in edit.boxes:
        rows = np.arange(*np.searchsorted(regions.frame, [frame, frame + 1]))
        rows = rows[is_labelled[rows] & ~shown[rows]]
        alike = iou(np.array(sides), regions.box[rows])
        if len(rows) and alike.max() >= _ALIKE:
            shown[rows[alike.argmax()]] = True
    return shown


def _drawn(
    edit: Edit,
    track: int,
    times: Sequence[float],
    width: int,
    height: int,
    camera: CameraMotion,
) -> Regions:
    """Return the regions that a person has drawn, inside the picture."""
    known = [box for box in edit.boxes if box[0] < len(times)]
    frames, boxes = [box[0] for box in known], np.array([box[1:] for box in known]).reshape(-1, 4)
    if not frames:
        return Regions.of(())
    # A step of the camera that was measured wrong must show nothing.
    straight = interpolated(frames, boxes, times, CameraMotion())
    followed: BoxArray = union(straight, interpolated(frames, boxes, times, camera))
    inside = np.clip(followed, 0, [width, height, width, height])
    is_there = np.all(inside[:, :2] < inside[:, 2:], axis=1)
    number = np.arange(frames[0], frames[-1] + 1, dtype=np.int32)[is_there]
    kinds, _ = numbered([(edit.label, BY_A_PERSON)])
    return Regions(
        number,
        np.full(len(number), track, np.int32),
        inside[is_there],
        np.full(len(number), ORIGINS.index(RegionOrigin.DRAWN), np.uint8),
        np.zeros(len(number), np.uint16),
        kinds,
    )
