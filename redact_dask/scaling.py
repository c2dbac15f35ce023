"""Making pictures smaller, at the least cost."""

from __future__ import annotations

from typing import Any

import cv2
from numpy.typing import NDArray


def reduced(pixels: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """Return a smaller picture.

    It is halved as often as it can be: that takes a fifth of the time of one step to its size, for
    which the mean of the four nearest pixels is enough then.

    Parameters
    ----------
    pixels
        One plane, shape (height, width), or an image, shape (height, width, 3); uint8 or uint16.
    width, height
        Size of the smaller picture, pixels.
    """
    down, across = pixels.shape[:2]
    while across >= 2 * width and down >= 2 * height and across % 2 == down % 2 == 0:
        across, down = across // 2, down // 2
        pixels = cv2.resize(pixels, (across, down), interpolation=cv2.INTER_AREA)
    is_near = across < 2 * width and down < 2 * height
    way = cv2.INTER_LINEAR if is_near else cv2.INTER_AREA
    return cv2.resize(pixels, (width, height), interpolation=way)
