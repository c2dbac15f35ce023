"""What happens to a plate: embossing, screws, frames, dirt, scratches, sun, glare, tow bars."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.plates import lettering, words
from training.plates.painting import (
    Picture,
    Rgba,
    any_colour,
    clouds,
    finished,
    paint,
    plain,
    rounded,
)


def emboss(picture: Picture, mask: NDArray[np.uint8], depth: float) -> None:
    """Light the edges of `mask` from above, as where metal is pressed; `depth` in pixels."""
    step = max(1, round(depth))
    height = cv2.GaussianBlur(mask, (0, 0), 0.6 + depth / 2).astype(np.float32) / 255
    slope = np.roll(height, -step, 0) - np.roll(height, step, 0)
    picture += (slope * 26 * depth)[:, :, None]


def screws(rng: np.random.Generator, picture: Picture) -> None:
    """Put two or four screws or caps near the edge."""
    high, wide = picture.shape[:2]
    radius = max(2, int(rng.uniform(0.015, 0.035) * high * 1.6))
    colour = any_colour(rng, 40, 230) if rng.random() < 0.3 else (int(rng.integers(60, 210)),) * 3
    across, down = rng.uniform(0.12, 0.32), rng.choice([0.07, 0.1, 0.5])
    spots = [(across, down), (1 - across, down)]
    if down < 0.5 and rng.random() < 0.5:
        spots += [(across, 1 - down), (1 - across, 1 - down)]
    for x, y in spots:
        centre = (int(x * wide), int(y * high))
        cv2.circle(
            picture, (centre[0] + 1, centre[1] + 2), radius + 1, (40, 40, 40), -1, cv2.LINE_AA
        )
        cv2.circle(picture, centre, radius, colour, -1, cv2.LINE_AA)


def weather(rng: np.random.Generator, picture: Picture) -> Picture:
    """Return `picture` after some years outside and in this moment's light."""
    high, wide = picture.shape[:2]
    if rng.random() < 0.4:  # the ink fades
        grey = picture.mean(axis=(0, 1))
        picture += (grey - picture) * rng.uniform(0, 0.45)
    if rng.random() < 0.35:
        _dirt(rng, picture)
    if rng.random() < 0.25:
        _scratches(rng, picture)
    if rng.random() < 0.3:  # dents and the curve of the sheet
        picture *= 0.75 + 0.4 * clouds(rng, wide, high, high * 0.8)[:, :, None]
    if rng.random() < 0.3:  # what hangs over it throws a shadow
        edge = (
            np.linspace(0, 1, high)[:, None] + np.linspace(-0.15, 0.15, wide)[None] * rng.normal()
        )
        shade = np.clip((edge - rng.uniform(0, 0.6)) * rng.uniform(4, 40), 0, 1)
        picture *= (1 - rng.uniform(0.2, 0.65) * (1 - shade))[:, :, None].astype(np.float32)
    if rng.random() < 0.12:
        _glare(rng, picture)
    if rng.random() < 0.12:  # the foil throws the light of lamps back
        glow = cv2.GaussianBlur(picture, (0, 0), rng.uniform(1, 5)) * rng.uniform(1.1, 1.6)
        picture = np.maximum(picture * 0.9, glow).astype(np.float32)
    if rng.random() < 0.05:
        _tow_bar(rng, picture)
    return picture


def _dirt(rng: np.random.Generator, picture: Picture) -> None:
    high, wide = picture.shape[:2]
    blots = 0.6 * clouds(rng, wide, high, rng.uniform(15, 90)) + 0.4 * clouds(rng, wide, high, 5)
    blots += np.linspace(-0.1, rng.uniform(0, 0.4), high, dtype=np.float32)[:, None]
    level = rng.uniform(0.45, 0.7)
    mask = (np.clip((blots - level) * rng.uniform(1.5, 4), 0, 1) * 255).astype(np.uint8)
    tone = int(rng.integers(30, 150))
    paint(picture, mask, (tone, int(tone * 0.9), int(tone * 0.75)), rng.uniform(0.3, 0.9))


def _scratches(rng: np.random.Generator, picture: Picture) -> None:
    high, wide = picture.shape[:2]
    for _ in range(int(rng.integers(1, 8))):
        start = rng.uniform(0, 1, 2) * (wide, high)
        end = start + rng.normal(0, 0.3, 2) * (wide, high)
        colour = (int(rng.integers(20, 220)),) * 3
        ends = [(int(x), int(y)) for x, y in (start, end)]
        cv2.line(picture, ends[0], ends[1], colour, int(rng.integers(1, 4)), cv2.LINE_AA)


def _glare(rng: np.random.Generator, picture: Picture) -> None:
    high, wide = picture.shape[:2]
    spot = np.zeros((high, wide), np.float32)
    centre = (int(rng.uniform(0, wide)), int(rng.uniform(0, high)))
    radii = (int(high * rng.uniform(0.2, 1.2)), int(high * rng.uniform(0.1, 0.6)))
    cv2.ellipse(spot, centre, radii, rng.uniform(0, 180), 0, 360, (1,), -1)
    picture += cv2.GaussianBlur(spot, (0, 0), high * rng.uniform(0.1, 0.4))[:, :, None] * 200


def _tow_bar(rng: np.random.Generator, picture: Picture) -> None:
    high, wide = picture.shape[:2]
    x, top = int(wide * rng.normal(0.5, 0.06)), int(high * rng.uniform(0.35, 0.8))
    radius = int(high * rng.uniform(0.1, 0.2))
    tone = int(rng.integers(10, 80))
    cv2.rectangle(picture, (x - radius // 2, top), (x + radius // 2, high), (tone,) * 3, -1)
    cv2.circle(picture, (x, top), radius, (tone + 20,) * 3, -1, cv2.LINE_AA)


def framed(rng: np.random.Generator, plate: Rgba) -> Rgba:
    """Return `plate` in a frame, which may name a dealer below or above it."""
    high, wide = plate.shape[:2]
    side = max(2, int(high * rng.uniform(0.02, 0.06)))
    strip = int(high * rng.uniform(0.1, 0.18)) if rng.random() < 0.6 else side
    tone = int(rng.choice([15, 25, 40, 150, 215], p=[0.4, 0.25, 0.15, 0.1, 0.1]))
    full = (high + side + strip, wide + 2 * side)
    picture = plain(full[1], full[0], (tone,) * 3)
    above = rng.random() < 0.2
    start, top = (0, strip) if above else (full[0] - strip, side)
    if strip > side and rng.random() < 0.75:
        text = str(rng.choice(words.DEALERS))
        mask = np.zeros(full, np.uint8)
        row, column, tall = start + strip // 5, wide // 10, max(4, strip * 3 // 5)
        part = mask[row : row + tall, column : column + wide * 4 // 5]
        part[:] = lettering.fitted(text, part.shape[1], part.shape[0], "sans", 700)
        paint(picture, mask, (225, 225, 225) if tone < 100 else (30, 30, 40))
    inner = picture[top : top + high, side : side + wide]
    share = plate[:, :, 3:].astype(np.float32) / 255
    inner += (plate[:, :, :3] - inner) * share
    return finished(picture, rounded(full[1], full[0], side * 1.5))
