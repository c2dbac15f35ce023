"""Tracking over the whole video: from what was detected to what will be hidden.

This is tracking by detection, as in SORT [1]_ and ByteTrack [2]_. Some things differ, because the
aim is privacy and the whole video is at hand:

- Weak detections form tracks like strong ones, and afterwards only the tracks that hold a strong
  one are kept. So a face is covered from its start, even if its first detections are weak.
- Where a strong detection lies too far from the one before to be linked, the way between them is
  hidden all the same.
- Where the detector loses a face, the track goes on and moves with the scene.
- A box is enlarged to the union of its track's boxes around it, carried along the motion. So every
  strong detection is covered on its own frame, whatever the matching made of it.

.. [1] Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016, arXiv:1602.00763.
.. [2] Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box",
   ECCV 2022, arXiv:2110.06864.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from redact_dask.records import CameraStep, Detection, Region
from redact_dask.tracking.association import link
from redact_dask.tracking.boxes import BoxArray
from redact_dask.tracking.camera_motion import CameraMotion
from redact_dask.tracking.fitted_motion import FittedMotion
from redact_dask.tracking.trajectories import between, path

if TYPE_CHECKING:
    from redact_dask.config import TrackSettings


def track(
    detections: Sequence[Detection],
    times: Sequence[float],
    scenes: Sequence[int],
    width: int,
    height: int,
    settings: TrackSettings,
    max_gap_frames: int = 0,
    steps: Sequence[CameraStep | None] = (),
) -> tuple[Region, ...]:
    """Link detections over the whole video, and return the regions that must be hidden.

    Parameters
    ----------
    detections
        What the detectors saw, in any order; the result does not depend on it.
    times
        Presentation time in seconds of every frame of the video, strictly ascending.
    scenes
        Numbers of the frames that begin a scene, ascending, from 0; no track crosses from one scene
        into the next.
    width, height
        Size of the stored picture, pixels.
    settings
        Thresholds, times, margin and slack.
    max_gap_frames
        Most consecutive frames that no detector has looked at. Holes of that length are filled,
        and ends are padded by as many frames, whatever the times are.
    steps
        The camera's step to each frame from the one before it; None where it is unknown. Empty:
        all are unknown.

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
    camera = CameraMotion(steps)
    tracks = [
        linked
        for _, alike in groupby(usable, key=lambda d: (d.label, bisect(scenes, d.frame)))
        for linked in link(alike, times, settings.start, settings.gap_s, max_gap_frames, camera)
        if linked.confidence >= settings.start
    ]
    followed = [between(linked, times, camera) for linked in tracks]
    fitted = FittedMotion(
        ((linked.frames[0], boxes) for linked, boxes in zip(tracks, followed, strict=True)),
        width,
        height,
    )
    slack = settings.slack * max(width, height)
    paths = [
        [
            (frame, inside, origin)
            for frame, box, origin in path(
                linked, boxes, camera, fitted, times, scenes, settings, max_gap_frames
            )
            if (inside := _inside(box, settings.margin, slack, width, height))
        ]
        for linked, boxes in zip(tracks, followed, strict=True)
    ]
    # Sorted by first frame and place; the sort is stable, so the order of labels breaks ties.
    appearing = sorted(filter(None, paths), key=lambda shown: shown[0][:2])
    regions = (
        Region(frame, number, *inside, origin)
        for number, shown in enumerate(appearing)
        for frame, inside, origin in shown
    )
    return tuple(sorted(regions, key=lambda region: (region.frame, region.track)))


def _inside(
    box: BoxArray, margin: float, slack: float, width: int, height: int
) -> tuple[float, float, float, float] | None:
    """Add margin and slack to a box, and clip it to the picture; None if nothing is inside.

    ``margin`` is a share of the box's width and height, ``slack`` is in pixels.
    """
    x, y = margin * (box[2] - box[0]) + slack, margin * (box[3] - box[1]) + slack
    x0, x1 = (float(min(max(v, 0.0), width)) for v in (box[0] - x, box[2] + x))
    y0, y1 = (float(min(max(v, 0.0), height)) for v in (box[1] - y, box[3] + y))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
