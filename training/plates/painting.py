"""What plates and signs are painted with: colour on a mask, shapes, noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
"""Red, green, blue, 0 to 255; shape (height, width, 3)."""
Rgba = NDArray[np.uint8]
"""Red, green, blue, opacity; shape (height, width, 4)."""
Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


def plain(width: int, height: int, colour: Colour) -> Picture:
    """Return a picture of one colour."""
    return np.full((height, width, 3), colour, np.float32)


def paint(picture: Picture, mask: NDArray[np.uint8], colour: Colour, share: float = 1) -> None:
    """Lay `colour` over `picture` where `mask` is, covering it by `share`."""
    weight = mask[:, :, None].astype(np.float32) * (share / 255)
    picture += (np.asarray(colour, np.float32) - picture) * weight


def paint_box(
    picture: Picture, left: float, top: float, right: float, bottom: float, colour: Colour
) -> None:
    """Fill a box; its edges are shares of the picture's width and height."""
    high, wide = picture.shape[:2]
    rows = slice(round(top * high), round(bottom * high))
    picture[rows, round(left * wide) : round(right * wide)] = colour


def rounded(width: int, height: int, radius: float, inset: float = 0) -> NDArray[np.uint8]:
    """Return the mask of a box with round corners, `inset` pixels inside its picture."""
    x = np.abs(np.arange(width) - (width - 1) / 2) - (width / 2 - inset - radius)
    y = np.abs(np.arange(height) - (height - 1) / 2) - (height / 2 - inset - radius)
    outside = np.hypot(np.maximum(x, 0)[None], np.maximum(y, 0)[:, None])
    distance = outside + np.minimum(np.maximum(x[None], y[:, None]), 0) - radius
    mask: NDArray[np.uint8] = (np.clip(0.5 - distance, 0, 1) * 255).astype(np.uint8)
    return mask


def clouds(rng: np.random.Generator, width: int, height: int, cell: float) -> NDArray[np.float32]:
    """Return smooth noise from 0 to 1, whose blots are about `cell` pixels large."""
    size = (max(2, int(height / cell) + 2), max(2, int(width / cell) + 2))
    coarse = rng.random(size, np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 1)


def finished(picture: Picture, opacity: NDArray[np.uint8]) -> Rgba:
    """Return the painted picture with its opacity."""
    colours = np.clip(picture, 0, 255).astype(np.uint8)
    return np.dstack([colours, opacity])


def any_colour(rng: np.random.Generator, low: int = 0, high: int = 256) -> Colour:
    """Return a random colour; its channels lie from `low` to below `high`."""
    red, green, blue = (int(value) for value in rng.integers(low, high, 3))
    return red, green, blue


def near(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    """Return a colour like `colour`: paints, years and sun differ."""
    shift = rng.normal(0, spread * 0.5, 3) + rng.normal(0, spread)
    red, green, blue = (int(value) for value in np.clip(np.asarray(colour) + shift, 0, 255))
    return red, green, blue


def some_size(rng: np.random.Generator, low: float, high: float) -> tuple[int, int]:
    """Return a width and a height, pixels, whose ratio lies from `low` to `high`."""
    tall = int(rng.integers(90, 140))
    return int(tall * rng.uniform(low, high)), tall


def sunlit(rng: np.random.Generator, picture: Picture) -> Picture:
    """Return `picture` with uneven light on it, some more and some less."""
    high, wide = picture.shape[:2]
    return picture * (rng.uniform(0.7, 0.95) + 0.25 * clouds(rng, wide, high, high)[:, :, None])
