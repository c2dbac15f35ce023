"""A detector from another package: it finds magenta things, and can be told to fail."""

from __future__ import annotations

import ctypes
import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from redact_dask import Box


class Magenta:
    """Finds the one magenta thing on a picture; on a blue picture, does what it is told."""

    class Options(BaseModel):
        """Settings."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        on_blue: Literal["nothing", "raise", "crash", "hang"] = "nothing"

    identity = "magenta-1"

    def __init__(self, options: Options) -> None:
        self._options = options

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Ask for the picture as it is."""
        return width, height

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Return the box around all magenta pixels of each image."""
        return [self._look(image) for image in images]

    def _look(self, image: NDArray[np.uint8]) -> list[Box]:
        blue, green, red = np.moveaxis(image, -1, 0).astype(np.int16, order="C")
        if np.mean(blue - red > 100) > 0.5:
            if self._options.on_blue == "raise":
                raise RuntimeError("the scripted detector met a blue picture")
            if self._options.on_blue == "crash":
                ctypes.string_at(0)
            if self._options.on_blue == "hang":
                time.sleep(600)
        rows, columns = np.nonzero((np.minimum(blue, red) - green) > 80)
        if rows.size < 16:
            return []
        x0, x1 = float(columns.min()), float(columns.max() + 1)
        y0, y1 = float(rows.min()), float(rows.max() + 1)
        return [Box(x0, y0, x1, y1, 0.9, "face")]


class Fixed:
    """Sees a box in the middle of every picture, whatever it shows."""

    class Options(BaseModel):
        """Settings."""

        model_config = ConfigDict(extra="forbid", frozen=True)

    identity = "fixed-1"

    def __init__(self, options: Options) -> None:
        """Take no option."""

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Ask for the picture as it is."""
        return width, height

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Return the box for each image: a third of its width and height."""
        _, height, width, _ = images.shape
        box = Box(width / 3, height / 3, width * 2 / 3, height * 2 / 3, 0.9, "face")
        return [[box] for _ in images]


class Told:
    """Answers what its script says of the frame whose number the picture shows in a bar code."""

    class Options(BaseModel):
        """Settings."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        script: tuple[tuple[tuple[float, float, float, float, float], ...], ...]
        """For each frame its boxes: x0, y0, x1, y1 in pixels, and confidence."""
        label: str = "face"
        """Label of all of them."""

    identity = "told-1"

    def __init__(self, options: Options) -> None:
        self._script = options.script
        self._label = options.label

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Ask for the picture as it is."""
        return width, height

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Look nothing but the number up."""
        return [
            [Box(*sides, confidence, self._label) for *sides, confidence in self._script[number]]
            for number in map(shown_number, images)
        ]


BARS = 8
"""Bars of a number, the lowest bit first: white is 1, black is 0."""
BAR = 8
"""Width and height of a bar, pixels; they begin in the upper left corner."""


def draw_number(image: NDArray[np.uint8], number: int) -> None:
    """Draw a number into a picture of shape (height, width, channels)."""
    for bit in range(BARS):
        image[:BAR, bit * BAR : (bit + 1) * BAR] = 255 * (number >> bit & 1)


def shown_number(image: NDArray[np.uint8]) -> int:
    """Read the number that a picture shows."""
    middles = image[BAR // 2, BAR // 2 : BARS * BAR : BAR].mean(axis=-1)
    return sum(1 << bit for bit, middle in enumerate(middles) if middle > 128)
