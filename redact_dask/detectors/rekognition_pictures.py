"""Pictures as Amazon Rekognition takes them, and where on them its answers place faces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redact_dask.detectors.base import Box
from redact_dask.detectors.rekognition_options import LEAST_SIDE

Face = Mapping[str, Any]
"""A face as the service answers it."""

MOST_BYTES = 5 * 2**20
"""Largest picture that can be sent with a call, bytes."""

_QUARTER = 0.6
"""Sides of a quarter as a share of the picture's: quarters overlap by a fifth of it. The service
keeps back only faces that are smaller than the 100 it reports. One of those takes up a hundredth
of the picture or less, which is a sixth of its height in 16:9: a quarter shows all of it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to send, which is an image or a part of one."""

    jpeg: bytes
    left: float
    """Place and size of the part, pixels of the image."""
    top: float
    width: float
    height: float
    image: tuple[int, int]
    """Width and height of the image, pixels."""
    cuts: int = 0
    """How often the image was cut into quarters to get this part."""

    @staticmethod
    def of(image: NDArray[np.uint8], quality: int) -> Picture:
        """Return a whole image, shape (height, width, 3), BGR, as a JPEG of a quality."""
        height, width = image.shape[:2]
        return Picture(_jpeg(image, quality), 0, 0, width, height, (width, height))

    def quarters(self, quality: int) -> Iterator[Picture]:
        """Yield the four quarters of the picture, which overlap, as JPEGs of a quality."""
        image = np.asarray(cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR_BGR))
        rows, columns = image.shape[:2]
        high, wide = math.ceil(_QUARTER * rows), math.ceil(_QUARTER * columns)
        x, y = self.width / columns, self.height / rows
        enlarged = max(LEAST_SIDE / min(high, wide), 1.0)
        sent = (math.ceil(wide * enlarged), math.ceil(high * enlarged))
        for top in (0, rows - high):
            for left in (0, columns - wide):
                part = image[top : top + high, left : left + wide]
                yield Picture(
                    _jpeg(np.asarray(cv2.resize(part, sent), np.uint8), quality),
                    self.left + left * x,
                    self.top + top * y,
                    wide * x,
                    high * y,
                    self.image,
                    self.cuts + 1,
                )

    def box(self, face: Face) -> Box:
        """Return a face on this picture as a box on the image, inside its border."""
        sides, (width, height) = face["BoundingBox"], self.image
        x0 = self.left + sides["Left"] * self.width
        y0 = self.top + sides["Top"] * self.height
        x1, y1 = x0 + sides["Width"] * self.width, y0 + sides["Height"] * self.height
        corners = (max(x0, 0.0), max(y0, 0.0), min(x1, width), min(y1, height))
        return Box(*corners, min(face["Confidence"] / 100, 1.0), "face")


def is_whole(face: Any) -> bool:
    """Tell whether an answered face has a confidence, and a box that touches the picture."""
    try:
        sides = [face["BoundingBox"][side] for side in ("Left", "Top", "Width", "Height")]
        left, top, width, height, confidence = map(float, [*sides, face["Confidence"]])
    except (KeyError, TypeError, ValueError):
        return False
    across = max(left, 0) < min(left + width, 1)
    down = max(top, 0) < min(top + height, 1)
    return across and down and 0 <= confidence <= 100


def _jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Return an image as a JPEG of at most `MOST_BYTES`, of lower quality if need be."""
    while True:
        _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if content.nbytes <= MOST_BYTES or quality <= 1:
            return content.tobytes()
        quality = max(quality - 15, 1)
