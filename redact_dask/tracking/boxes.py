"""Boxes as arrays: rows of x0, y0, x1, y1 in pixels."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BoxArray: TypeAlias = NDArray[np.float64]
"""Boxes of shape (n, 4), or one box of shape (4,): x0, y0, x1, y1 in pixels."""


def area(boxes: BoxArray) -> NDArray[np.float64]:
    """Return the areas of boxes, shape (n,): at least one pixel, so that they can be divisors."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 1.0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def centre(boxes: BoxArray) -> NDArray[np.float64]:
    """Return the centres of boxes, x and y: shape (n, 2), or (2,) for one box."""
    return np.asarray((boxes[..., :2] + boxes[..., 2:]) / 2)


def union(boxes: BoxArray, others: BoxArray) -> BoxArray:
    """Return the union of each box with another one."""
    upper, lower = np.minimum(boxes, others)[..., :2], np.maximum(boxes, others)[..., 2:]
    return np.concatenate([upper, lower], axis=-1)


def iou(box: BoxArray, boxes: BoxArray) -> NDArray[np.float64]:
    """Return the intersection over union of one box with n others, shape (n,).

    >>> iou(np.array([0, 0, 10, 10]), np.array([[0, 0, 10, 5], [20, 0, 30, 10]])).tolist()
    [0.5, 0.0]
    """
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.prod(np.maximum(sides, 0), axis=1)
    return np.asarray(common / (area(box) + area(boxes) - common))
