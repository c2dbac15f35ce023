"""BoxArray as arrays: rows of x0, y0, x1, y1 in pixels."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BoxArray: TypeAlias = NDArray[np.float64]
"""Shape (n, 4), or (4,) for one: x0, y0, x1, y1 in pixels."""


def area(boxes: BoxArray) -> NDArray[np.float64]:
    """Areas of boxes, shape (n,), of at least one pixel so that they can divide."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 1.0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def centre(boxes: BoxArray) -> NDArray[np.float64]:
    """Centres of boxes, shape (n, 2) or (2,)."""
    return np.asarray((boxes[..., :2] + boxes[..., 2:]) / 2)


def iou(box: BoxArray, boxes: BoxArray) -> NDArray[np.float64]:
    """Intersection over union of one box with n others, shape (n,)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.prod(np.maximum(sides, 0), axis=1)
    return np.asarray(common / (area(box) + area(boxes) - common))
