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

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from redact_dask.records import CameraStep, Detections, Regions
from redact_dask.tracking.association import link
from redact_dask.tracking.boxes import BoxArray
from redact_dask.tracking.camera_motion import CameraMotion
from redact_dask.tracking.fitted_motion import FittedMotion
from redact_dask.tracking.trajectories import Path, between, path

if TYPE_CHECKING:
    from redact_dask.config import TrackSettings


def track(
    detections: Detections,
    times: Sequence[float],
    scenes: Sequence[int],
    width: int,
    height: int,
    settings: TrackSettings,
    max_gap_frames: int = 0,
    steps: Sequence[CameraStep | None] = (),
) -> Regions:
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
    usable = detections[detections.confidence >= min(settings.start, settings.extend)]
    camera = CameraMotion(steps)
    tracks = [
        linked
        for alike in _alike(usable, scenes)
        for linked in link(alike, times, settings.start, settings.gap_s, max_gap_frames, camera)
        if linked.confidence >= settings.start
    ]
    followed = [(linked.frames[0], between(linked, times, camera)) for linked in tracks]
    fitted = FittedMotion(followed, width, height)
    slack = settings.slack * max(width, height)
    paths: list[Path] = []
    for linked, (_, boxes) in zip(tracks, followed, strict=True):
        whole = path(linked, boxes, camera, fitted, times, scenes, settings, max_gap_frames)
        inside = _inside(whole.boxes, settings.margin, slack, width, height)
        if _fills(linked.boxes, width, height):  # It has no place that could move with the scene.
            inside[:] = (0, 0, width, height)
        shown = np.all(inside[:, :2] < inside[:, 2:], axis=1)
        if shown.any():
            paths.append(Path(whole.frames[shown], inside[shown], whole.origins[shown]))
    # Two million regions should not lie here twice.
    del usable, tracks, followed, fitted
    return _in_order(paths)


def _alike(detections: Detections, scenes: Sequence[int]) -> Iterator[Detections]:
    """Yield the detections of each label in each scene, sorted, whatever their order was."""
    labels, names = detections.kinds.T
    label, name = (np.unique(c, return_inverse=True)[1][detections.kind] for c in (labels, names))
    scene = np.searchsorted(scenes, detections.frame, "right")
    sides = detections.box.T[::-1]
    # The last key decides first.
    order = np.lexsort((name, *sides, -detections.confidence, detections.frame, label))
    change = np.diff(label[order]).astype(bool) | np.diff(scene[order]).astype(bool)
    for numbers in np.split(order, np.flatnonzero(change) + 1):
        yield detections[numbers]


def _in_order(paths: Sequence[Path]) -> Regions:
    """Return the regions of all paths, numbered as they appear, by frame and place."""
    # The sort is stable, so the order of labels breaks ties.
    appearing = sorted(paths, key=lambda shown: (shown.frames[0], *shown.boxes[0]))
    if not appearing:
        return Regions.of(())
    lengths = [len(shown.frames) for shown in appearing]
    track = np.repeat(np.arange(len(appearing), dtype=np.int32), lengths)
    frame = np.concatenate([shown.frames for shown in appearing])
    order = np.lexsort((track, frame))
    return Regions(
        frame[order],
        track[order],
        np.concatenate([shown.boxes for shown in appearing])[order],
        np.concatenate([shown.origins for shown in appearing])[order],
    )


def _fills(boxes: BoxArray, width: int, height: int) -> bool:
    """Tell whether all boxes, shape (n, 4), are the whole picture, but for rounding."""
    return bool(np.all(np.abs(boxes - (0, 0, width, height)) < 1))


def _inside(boxes: BoxArray, margin: float, slack: float, width: int, height: int) -> BoxArray:
    """Add margin and slack to boxes of shape (n, 4), and clip them to the picture.

    ``margin`` is a share of a box's width and height, ``slack`` is in pixels.
    """
    more = margin * (boxes[:, 2:] - boxes[:, :2]) + slack
    larger = np.concatenate([boxes[:, :2] - more, boxes[:, 2:] + more], axis=1)
    return np.asarray(np.clip(larger, 0.0, [width, height, width, height]))
