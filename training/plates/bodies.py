"""Draws the rear or the front of a car, roughly: what is around a plate on a street."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from training.plates import lettering, words
from training.plates.painting import (
    Colour,
    Picture,
    Rgba,
    any_colour,
    clouds,
    finished,
    near,
    paint,
    plain,
    rounded,
)

PIXELS_PER_MM = 0.16
_WIDE, _HIGH = 320, 260
COUNT = 400
"""So many different cars are drawn."""


@cache
def car(number: int) -> tuple[Rgba, float]:
    """Return a car, and how many pixels below its top the middle of its plate belongs.

    Parameters
    ----------
    number
        Which one, 0 to `COUNT` - 1: a number is always the same car.
    """
    rng = np.random.default_rng((11, number))
    rear = bool(rng.random() < 0.6)
    body = _paint_colour(rng)
    picture = plain(_WIDE, _HIGH, body)
    shades = np.interp(np.arange(_HIGH), [0, 90, 130, 190, 259], [1.1, 1.0, 1.25, 0.85, 0.5])
    picture *= (shades ** rng.uniform(0.3, 1.5))[:, None, None].astype(np.float32)
    picture *= 0.85 + 0.3 * clouds(rng, _WIDE, _HIGH, 90)[:, :, None]
    opacity = _outline(rng)
    _window(rng, picture)
    crease = int(rng.uniform(0.6, 0.72) * _HIGH)
    cv2.line(picture, (0, crease), (_WIDE, crease), tuple(c * 0.5 for c in body), 2, cv2.LINE_AA)
    if rng.random() < 0.5:  # a bumper of its own, of plastic or chrome
        tone = int(rng.choice([25, 45, 70, 190]))
        picture[crease:] += (tone - picture[crease:]) * rng.uniform(0.5, 1)
    _lamps(rng, picture, rear=rear)
    if not rear:
        _grille(rng, picture)
    middle = rng.uniform(0.5, 0.6) if rear and rng.random() < 0.6 else rng.uniform(0.68, 0.8)
    _badges(rng, picture, middle)
    bottom = int(rng.uniform(0.88, 0.94) * _HIGH)
    picture[bottom:] *= 0.25  # the shadow and the tyres below it
    return finished(picture, opacity), middle * _HIGH


def _paint_colour(rng: np.random.Generator) -> Colour:
    """Return a colour as cars have it: most are white, grey, black, some blue or red."""
    if rng.random() < 0.65:
        return near(rng, (int(rng.choice([20, 35, 70, 110, 150, 190, 225])),) * 3, 6)
    colours = ((130, 20, 25), (25, 50, 110), (90, 110, 130), (40, 70, 50), (150, 120, 80))
    return near(rng, colours[int(rng.integers(5))], 20) if rng.random() < 0.8 else any_colour(rng)


def _outline(rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Return the mask of the body: narrow at the roof, or a van's box."""
    mask = np.zeros((_HIGH, _WIDE), np.uint8)
    roof = rng.uniform(0.0, 0.22) * _WIDE
    corners = [
        (roof, 4), (_WIDE - roof, 4), (_WIDE - 6, 0.45 * _HIGH), (_WIDE - 6, 0.93 * _HIGH),
        (6, 0.93 * _HIGH), (6, 0.45 * _HIGH),
    ]  # fmt: skip
    cv2.fillPoly(mask, [np.array(corners).astype(np.int32)], (255,), cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), 9)
    return np.clip((soft.astype(np.float32) - 128) * 4 + 128, 0, 255).astype(np.uint8)


def _window(rng: np.random.Generator, picture: Picture) -> None:
    if rng.random() < 0.1:
        return
    side, top, bottom = rng.uniform(0.12, 0.24), rng.uniform(0.06, 0.1), rng.uniform(0.32, 0.42)
    corners = np.array(
        [(side, top), (1 - side, top), (1.06 - side, bottom), (side - 0.06, bottom)]
    ) * (_WIDE, _HIGH)
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [corners.astype(np.int32)], (255,), cv2.LINE_AA)
    tone = int(rng.integers(15, 110))
    paint(picture, mask, near(rng, (tone, tone + 4, tone + 8), 5))
    light = (clouds(rng, _WIDE, _HIGH, 70) * mask).astype(np.uint8)
    paint(picture, light, (170, 185, 200), rng.uniform(0, 0.5))


def _lamps(rng: np.random.Generator, picture: Picture, *, rear: bool) -> None:
    """Put a lamp left and right; a lit one shines over what is beside it."""
    wide, high = int(rng.uniform(18, 75)), int(rng.uniform(14, 60))
    top = int(rng.uniform(0.42, 0.55) * _HIGH)
    red = near(rng, (150, 15, 20), 25)
    colour = red if rear else near(rng, (190, 195, 200), 25)
    shape = rounded(wide, high, min(wide, high) * rng.uniform(0.1, 0.5))
    lit = rng.random() < 0.4
    for left in (8, _WIDE - 8 - wide):
        mask = np.zeros(picture.shape[:2], np.uint8)
        mask[top : top + high, left : left + wide] = shape
        paint(picture, mask, colour)
        inner = np.zeros_like(mask)
        low = top + int(high * rng.uniform(0.3, 0.6))
        inner[low : low + max(2, high // 4), left + wide // 6 : left + wide * 5 // 6] = 255
        paint(picture, inner, (225, 205, 200) if rear else (90, 90, 95), 0.7)
        if lit:
            glow = cv2.GaussianBlur(mask, (0, 0), rng.uniform(3, 14))[:, :, None] / np.float32(90)
            picture += glow * np.array((255, 40, 40) if rear else (255, 245, 225), np.float32)


def _grille(rng: np.random.Generator, picture: Picture) -> None:
    top, bottom = int(rng.uniform(0.46, 0.52) * _HIGH), int(rng.uniform(0.56, 0.66) * _HIGH)
    side = int(rng.uniform(0.25, 0.4) * _WIDE)
    picture[top:bottom, side:-side] = rng.uniform(8, 40)
    bar = (int(rng.integers(30, 210)),) * 3
    for y in range(top, bottom, int(rng.integers(4, 12))):
        cv2.line(picture, (side, y), (_WIDE - side, y), bar, 1, cv2.LINE_AA)


def _badges(rng: np.random.Generator, picture: Picture, plate: float) -> None:
    """Put the maker's badge above the plate, and a model's name beside it."""
    spot = (_WIDE // 2, int((plate - rng.uniform(0.11, 0.16)) * _HIGH))
    radii = (int(rng.integers(5, 10)), int(rng.integers(4, 8)))
    tone = (int(rng.integers(140, 240)),) * 3
    cv2.ellipse(picture, spot, radii, 0, 0, 360, tone, 2, cv2.LINE_AA)
    for left in (0.2, 0.66):
        if rng.random() < 0.5:
            name = str(rng.choice(words.BADGES))
            mask = np.zeros(picture.shape[:2], np.uint8)
            top, x = int(_HIGH * 0.47), int(left * _WIDE)
            mask[top : top + 8, x : x + 42] = lettering.fitted(name, 42, 8, "sans", 600)
            paint(picture, mask, tone)
