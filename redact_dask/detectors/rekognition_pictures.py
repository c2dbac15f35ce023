"""Pictures as Amazon Rekognition takes them, and where on them its answers place things."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redact_dask.detectors.base import Box
from redact_dask.detectors.rekognition_operations import Thing
from redact_dask.detectors.rekognition_options import LEAST_SIDE

MOST_BYTES = 5 * 2**20
"""Largest picture that can be sent with a call, bytes."""

_QUARTER = 0.6
"""Sides of a quarter as a share of the picture's: quarters overlap by a fifth of it. The service
keeps back only faces that are smaller than the 100 it reports. One of those takes up a hundredth
of the picture or less, which is a sixth of its height in 16:9: a quarter shows all of it. A word is
on a quarter as a whole if it is no longer than a fifth of the picture; of a longer one, both parts
are read."""


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

    def box(self, thing: Thing) -> Box:
        """Return a thing on this picture as a box on the image, inside its border."""
        label, confidence, sides = thing
        width, height = self.image
        if sides is None:
            return Box(0.0, 0.0, width, height, confidence, label)
        x0 = self.left + sides["Left"] * self.width
        y0 = self.top + sides["Top"] * self.height
        x1, y1 = x0 + sides["Width"] * self.width, y0 + sides["Height"] * self.height
        corners = (max(x0, 0.0), max(y0, 0.0), min(x1, width), min(y1, height))
        return Box(*corners, confidence, label)


def _jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Return an image as a JPEG of at most `MOST_BYTES`, of lower quality if need be."""
    while True:
        _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if content.nbytes <= MOST_BYTES or quality <= 1:
            return content.tobytes()
        quality = max(quality - 15, 1)
