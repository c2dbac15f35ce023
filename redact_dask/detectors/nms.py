"""Non-maximum suppression, which keeps the most confident of the boxes that show one thing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redact_dask.detectors.base import Box


def non_max_suppression(
    centres: tuple[NDArray[np.floating], NDArray[np.floating]],
    sizes: tuple[NDArray[np.floating], NDArray[np.floating]],
    confidences: NDArray[np.floating],
    overlap: float,
    label: str,
) -> list[Box]:
    """Return the boxes of one label, without near duplicates.

    Parameters
    ----------
    centres
        x and y of the centres, each of shape (n,), pixels.
    sizes
        Width and height of the boxes, each of shape (n,), pixels.
    confidences
        Confidences, shape (n,).
    overlap
        If two boxes have a larger intersection over union, the less confident one is dropped.
    label
        Class of all boxes.

    Returns
    -------
    Boxes by falling confidence, equally confident ones in the order given.
    """
    (x, y), (width, height) = centres, sizes
    corners = np.stack([x - width / 2, y - height / 2, width, height], axis=1).tolist()
    sure = confidences.tolist()
    kept = cv2.dnn.NMSBoxes(corners, sure, 0.0, overlap)
    return [_box(corners[i], sure[i], label) for i in kept]


def _box(corner_and_size: list[float], confidence: float, label: str) -> Box:
    x, y, width, height = corner_and_size
    return Box(x, y, x + width, y + height, confidence, label)
