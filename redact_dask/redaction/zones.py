"""What the settings say of places in a stream's pictures: always hidden, or never."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from redact_dask.config import ZoneSettings
from redact_dask.config.zones import Polygon
from redact_dask.media.planes import Plane
from redact_dask.records import Detections, StreamInfo
from redact_dask.redaction import polygons
from redact_dask.redaction.polygons import Mask

WHY_ENCODED = "zones hide a part of every picture"
"""Why no GOP of a stream is copied."""
_INSIDE = 0.95
"""Least share of a box in what is shown for it to be left out: a detector's boxes jitter by a pixel
or two, and the box of a person who passes reaches farther out."""


class Area:
    """Some pixels of the stored pictures of a stream, on each of their planes.

    Parameters
    ----------
    luma
        The pixels; shape (height, width).
    """

    def __init__(self, luma: Mask) -> None:
        self.luma = luma
        self._on: dict[tuple[int, int], Mask] = {(1, 1): luma}

    def on(self, plane: Plane) -> Mask:
        """Return the pixels of a plane in which a pixel of the area lies; made once."""
        spans = plane.across, plane.down
        if spans not in self._on:
            rows = range(0, self.luma.shape[0], plane.down)
            columns = range(0, self.luma.shape[1], plane.across)
            united = np.logical_or.reduceat(self.luma, rows, axis=0)
            self._on[spans] = np.logical_or.reduceat(united, columns, axis=1)
        return self._on[spans]


def hides(settings: Iterable[ZoneSettings], path: str, stream: int | None) -> bool:
    """Tell whether something is always hidden in a stream of the video with this path."""
    return any(zone.hide and zone.concerns(path, stream or 0) for zone in settings)


def hidden(settings: Iterable[ZoneSettings], path: str, info: StreamInfo) -> Area | None:
    """Return what is hidden on each frame of a stream: all that an area touches; None: nothing."""
    found = _areas(settings, path, info, lambda zone: zone.hide)
    if not found:
        return None
    return Area(_united(polygons.touched, found, info))


def to_hide(
    detections: Detections, settings: Iterable[ZoneSettings], path: str, info: StreamInfo
) -> Detections:
    """Return detections without those that lie where nothing is hidden."""
    found = _areas(settings, path, info, lambda zone: zone.show)
    if not found or not len(detections):
        return detections
    shown = _united(polygons.covered, found, info)
    return detections[_shares(shown, detections.box) < _INSIDE]


def _areas(
    settings: Iterable[ZoneSettings],
    path: str,
    info: StreamInfo,
    wanted: Callable[[ZoneSettings], Sequence[Polygon]],
) -> list[NDArray[np.float64]]:
    """Return the corners of areas on the stored picture of a stream, shape (n, 2), pixels."""
    concerned = (zone for zone in settings if zone.concerns(path, info.number or 0))
    return [_stored(area, info) for zone in concerned for area in wanted(zone)]


def _stored(area: Polygon, info: StreamInfo) -> NDArray[np.float64]:
    """Return where the points of a picture as it is shown lie on the stored one, pixels."""
    a, b, _, c, d, *_ = info.display_matrix or (1, 0, 0, 0, 1)
    # What is not shown upright, mirrored or turned by quarters, players show in different ways.
    kept = np.eye(2) if abs(a) + abs(d) >= abs(b) + abs(c) else 1 - np.eye(2)
    turn = np.where(np.array([[a, c], [b, d]]) < 0, -kept, kept)
    # A point with the distances (p, q) from the middle is shown at (ap + cq, bp + dq).
    shares = ((2 * np.array(area) - 1) @ turn + 1) / 2
    return np.asarray(shares * (info.width, info.height))


def _united(
    raster: Callable[..., Mask], areas: Iterable[NDArray[np.float64]], info: StreamInfo
) -> Mask:
    masks = [raster(area.tolist(), info.width, info.height) for area in areas]
    return np.asarray(np.logical_or.reduce(masks))


def _shares(mask: Mask, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each box, shape (n, 4), whose pixels a mask has; shape (n,)."""
    sums = np.zeros(np.add(mask.shape, 1), np.int32)
    sums[1:, 1:] = mask.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    # Boxes lie inside the picture.
    x0, y0 = np.floor(boxes[:, :2]).astype(int).T
    x1, y1 = np.ceil(boxes[:, 2:]).astype(int).T
    size = np.maximum((x1 - x0) * (y1 - y0), 1)
    return np.asarray((sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]) / size)
