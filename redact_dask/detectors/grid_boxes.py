"""Boxes from the answers of networks that look at a picture cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redact_dask.detectors.base import Box
from redact_dask.detectors.nms import non_max_suppression

STRIDES = (8, 16, 32)
"""Width and height of the cells of each grid, pixels."""


def decode(
    confidences: Sequence[NDArray[np.floating]],
    boxes: Sequence[NDArray[np.floating]],
    width: int,
    threshold: float,
    overlap: float,
    label: str,
) -> list[Box]:
    """Turn a network's answer for one image into boxes.

    What a cell in some column and row answers is centred at ``(column + dx) * stride`` and
    ``(row + dy) * stride``. It is ``exp(dw) * stride`` wide and ``exp(dh) * stride`` high, as in
    YOLOX (Ge et al., 2021, arXiv:2107.08430).

    Parameters
    ----------
    confidences
        For each grid, those of its n cells, row by row, shape (n,).
    boxes
        For each grid dx, dy, dw and dh, shape (n, 4).
    width
        Width of the image, pixels.
    threshold
        Least confidence of a box.
    overlap
        If two boxes have a larger intersection over union, the less confident one is dropped.
    label
        Class of all boxes.

    Returns
    -------
    Boxes without near duplicates, by falling confidence, then from the finest grid to the
    coarsest, by row and column.
    """
    found = []
    for stride, confidence, box in zip(STRIDES, confidences, boxes, strict=True):
        (cells,) = np.nonzero(confidence >= threshold)
        row, column = np.divmod(cells, width // stride)
        dx, dy, dw, dh = box[cells].T
        sides = np.exp(dw), np.exp(dh)
        found.append(stride * np.stack([column + dx, row + dy, *sides, confidence[cells] / stride]))
    x, y, across, down, sure = np.concatenate(found, axis=1)
    return non_max_suppression((x, y), (across, down), sure, overlap, label)
