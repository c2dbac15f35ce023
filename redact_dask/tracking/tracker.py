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

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from redact_dask.records import CameraStep, Detections, Regions
from redact_dask.records.columns import numbered
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
    settings: Callable[[str], TrackSettings],
    max_gap_frames: int = 0,
    steps: Sequence[CameraStep | None] = (),
) -> Regions:
    """Link detections over the whole video, and return the regions that must be hidden.

    Each label is tracked as if there were no other: to look for plates changes no region of a face.

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
        Thresholds, times, margin and slack, by label.
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
    camera = CameraMotion(steps)
    return _in_order(
        [
            hidden
            for label in detections.labels
            for hidden in _hidden(
                detections.only(label.__eq__),
                times,
                scenes,
                width,
                height,
                settings(label),
                max_gap_frames,
                camera,
            )
        ]
    )


class _Hidden(NamedTuple):
    """Where a thing is hidden, and what it is."""

    path: Path
    """Its path, with margin and slack, inside the picture."""
    label: str
    detectors: str
    """Names of the detectors that found it, as in `Region`."""


def _hidden(
    detections: Detections,
    times: Sequence[float],
    scenes: Sequence[int],
    width: int,
    height: int,
    settings: TrackSettings,
    max_gap_frames: int,
    camera: CameraMotion,
) -> Iterator[_Hidden]:
    """Yield what is hidden of all things of one label."""
    usable = detections[detections.confidence >= min(settings.start, settings.extend)]
    tracks = [
        linked
        for alike in _by_scene(usable, scenes)
        for linked in link(alike, times, settings.start, settings.gap_s, max_gap_frames, camera)
        if linked.confidence >= settings.start
    ]
    followed = [(linked.frames[0], between(linked, times, camera)) for linked in tracks]
    fitted = FittedMotion(followed, width, height)
    slack = settings.slack * max(width, height)
    for linked, (_, boxes) in zip(tracks, followed, strict=True):
        whole = path(
            linked, boxes, camera, fitted, times, scenes, settings, max_gap_frames, (width, height)
        )
        inside = _inside(whole.boxes, settings.margin, slack, width, height)
        if _fills(linked.boxes, width, height):  # It has no place that could move with the scene.
            inside[:] = (0, 0, width, height)
        shown = np.all(inside[:, :2] < inside[:, 2:], axis=1)
        if shown.any():
            kinds = usable.kinds[sorted(linked.kinds)].tolist()
            names = ",".join(sorted({name for _, name in kinds}))
            place = Path(whole.frames[shown], inside[shown], whole.origins[shown])
            yield _Hidden(place, kinds[0][0], names)


def _by_scene(detections: Detections, scenes: Sequence[int]) -> Iterator[Detections]:
    """Yield the detections of each scene, sorted, whatever their order was."""
    name = np.unique(detections.kinds[:, 1], return_inverse=True)[1][detections.kind]
    scene = np.searchsorted(scenes, detections.frame, "right")
    sides = detections.box.T[::-1]
    # The last key decides first.
    order = np.lexsort((name, *sides, -detections.confidence, detections.frame))
    change = np.diff(scene[order]).astype(bool)
    for numbers in np.split(order, np.flatnonzero(change) + 1):
        yield detections[numbers]


def _in_order(found: Sequence[_Hidden]) -> Regions:
    """Return the regions of all things, numbered as they appear, by frame and place."""
    # The sort is stable, so the order of labels breaks ties.
    appearing = sorted(found, key=lambda hidden: (hidden.path.frames[0], *hidden.path.boxes[0]))
    if not appearing:
        return Regions.of(())
    paths = [hidden.path for hidden in appearing]
    lengths = [len(path.frames) for path in paths]
    track = np.repeat(np.arange(len(paths), dtype=np.int32), lengths)
    frame = np.concatenate([path.frames for path in paths])
    kinds, number = numbered((hidden.label, hidden.detectors) for hidden in appearing)
    kind = [number[hidden.label, hidden.detectors] for hidden in appearing]
    order = np.lexsort((track, frame))
    return Regions(
        frame[order],
        track[order],
        np.concatenate([path.boxes for path in paths])[order],
        np.concatenate([path.origins for path in paths])[order],
        np.repeat(np.array(kind, np.uint16), lengths)[order],
        kinds,
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
