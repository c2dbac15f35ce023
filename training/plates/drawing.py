"""Draws number plates, and what looks like one, seen from the front."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.plates import americas, europe, lettering, lookalikes, wear, world
from training.plates.formats import Format, Row
from training.plates.painting import (
    Colour,
    Picture,
    Rgba,
    any_colour,
    clouds,
    finished,
    near,
    paint,
    paint_box,
    plain,
    rounded,
)

FORMATS = europe.FORMATS + americas.FORMATS + world.FORMATS
_PIXELS_PER_MM = 1.1
_WEIGHTS = np.array([form.often for form in FORMATS])


def plate(rng: np.random.Generator) -> Rgba:
    """Return one plate of any country, worn as plates are.

    Returns
    -------
    Red, green, blue and opacity, shape (height, width, 4): 100 to 220 pixels high.
    """
    return plate_of(rng, FORMATS[int(rng.choice(len(FORMATS), p=_WEIGHTS / _WEIGHTS.sum()))])


def plate_of(rng: np.random.Generator, form: Format) -> Rgba:
    """Return one plate of the format `form`, as `plate` does."""
    width = round(form.width_mm * _PIXELS_PER_MM * rng.uniform(0.95, 1.05))
    height = round(form.height_mm * _PIXELS_PER_MM * rng.uniform(0.95, 1.05))
    background, ink = form.schemes[int(rng.integers(len(form.schemes)))]
    background, ink = near(rng, background, 6), near(rng, ink, 6)
    picture = plain(width, height, background)
    if rng.random() < form.picture:
        _print_picture(rng, picture)
    _bands(rng, picture, form)
    pressed = np.zeros((height, width), np.uint8)
    face = str(rng.choice(form.faces))
    weight, stretch = int(rng.integers(400, 850)), rng.uniform(0.62, 0.95)
    less = rng.uniform(0.7, 1) if rng.random() < 0.35 else 1
    for row in form.rows:
        mask = _row(rng, row, (width, height), face, weight, stretch, less)
        paint(picture, mask, ink)
        pressed = np.maximum(pressed, mask)
    if form.seals and rng.random() < 0.8:
        _seals(rng, picture, pressed)
    radius = height * rng.uniform(0.03, 0.1)
    opacity = rounded(width, height, radius)
    if rng.random() < 0.6:
        inner = rounded(width, height, radius * 0.8, height * rng.uniform(0.015, 0.035))
        rim = np.minimum(opacity, 255 - inner)
        paint(picture, rim, ink if rng.random() < 0.6 else background)
        pressed = np.maximum(pressed, rim)
    if rng.random() < 0.7:
        wear.emboss(picture, pressed, rng.uniform(0.5, 2))
    if rng.random() < 0.5:
        wear.screws(rng, picture)
    drawn = finished(wear.weather(rng, picture), opacity)
    return wear.framed(rng, drawn) if rng.random() < 0.35 else drawn


def lookalike(rng: np.random.Generator) -> Rgba:
    """Return something on a street that is no plate but may look like one, as `plate` does.

    Where it is lettering on a car's body, only the letters are opaque.
    """
    kinds = lookalikes.KINDS
    return kinds[int(rng.integers(len(kinds)))](rng)


def bank(seed: int, count: int, *, plates: bool = True) -> list[Rgba]:
    """Return `count` plates, or lookalikes, at half size: drawn once, to be placed many times.

    They take about 0.1 MB each.
    """
    rng = np.random.default_rng(seed)
    drawn = (plate(rng) if plates else lookalike(rng) for _ in range(count))
    return [halved(patch) for patch in drawn]


def halved(patch: Rgba) -> Rgba:
    """Return `patch` at half its size."""
    size = (max(1, patch.shape[1] // 2), max(1, patch.shape[0] // 2))
    return cv2.resize(patch, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _row(
    rng: np.random.Generator,
    row: Row,
    size: tuple[int, int],
    face: str,
    weight: int,
    stretch: float,
    less: float,
) -> NDArray[np.uint8]:
    """Return the mask of one row on a plate of `size`, its characters `less` high than usual."""
    width, height = size
    text = str(rng.choice(row.pattern.split("|")))
    spare = (row.bottom - row.top) * (1 - less) / 2
    top, bottom = round((row.top + spare) * height), round((row.bottom - spare) * height)
    left, right = round(row.left * width), round(row.right * width)
    mask = np.zeros((height, width), np.uint8)
    if row.words:
        part = lettering.fitted(
            text, right - left, bottom - top, str(rng.choice(lettering.FACES)), weight
        )
    else:
        text = lettering.fill(rng, text)
        part = lettering.line(text, right - left, bottom - top, face, weight, stretch)
    mask[top:bottom, left:right] = part
    return mask


def _bands(rng: np.random.Generator, picture: Picture, form: Format) -> None:
    """Paint the bands at the sides and at the top, with their texts and stars."""
    if form.left:
        share, colour, text = form.left
        colour = near(rng, colour, 10)
        if not form.name.startswith("pakistan") or rng.random() < 0.6:
            paint_box(picture, 0, 0, share, 1, colour)
            _band_text(rng, picture, (0, share), text, colour)
    if form.right:
        share, colour, text = form.right
        paint_box(picture, 1 - share, 0, 1, 1, near(rng, colour, 10))
        _band_text(rng, picture, (1 - share, 1), lettering.fill(rng, text), colour)
    if form.top:
        share, colour, text = form.top
        paint_box(picture, 0, 0, 1, share, near(rng, colour, 10))
        high, wide = picture.shape[:2]
        mask = np.zeros((high, wide), np.uint8)
        size = (int(wide * 0.5), max(4, int(high * share * 0.6)))
        left, down = wide // 4, int(high * share * 0.2)
        mask[down : down + size[1], left : left + size[0]] = lettering.fitted(
            text, *size, "sans", 700
        )
        paint(picture, mask, _legible(colour))
        paint_box(picture, 0.9, share * 0.2, 0.97, share * 0.8, (20, 150, 60))


def _band_text(
    rng: np.random.Generator,
    picture: Picture,
    edges: tuple[float, float],
    text: str,
    colour: Colour,
) -> None:
    high, wide = picture.shape[:2]
    left, right = round(edges[0] * wide), round(edges[1] * wide)
    middle, ink = (left + right) // 2, _legible(colour)
    if text.startswith("*"):
        turn = np.arange(12) * (np.pi / 6)
        reach = (right - left) * 0.3
        for x, y in zip(
            middle + reach * np.cos(turn), high * 0.3 + reach * np.sin(turn), strict=True
        ):
            cv2.circle(
                picture, (int(x), int(y)), max(1, high // 50), (250, 210, 40), -1, cv2.LINE_AA
            )
        text = text[1:]
    elif not text and rng.random() < 0.7:
        cv2.circle(picture, (middle, int(high * 0.4)), (right - left) // 3, ink, 2, cv2.LINE_AA)
    if text:
        size = (max(4, int((right - left) * 0.7)), int(high * 0.22))
        mask = np.zeros((high, wide), np.uint8)
        top, side = int(high * 0.66), left + (right - left - size[0]) // 2
        mask[top : top + size[1], side : side + size[0]] = lettering.fitted(
            text, *size, "sans", 700
        )
        paint(picture, mask, ink)


def _legible(colour: Colour) -> Colour:
    return (30, 30, 40) if sum(colour) > 380 else (240, 240, 240)


def _seals(rng: np.random.Generator, picture: Picture, letters: NDArray[np.uint8]) -> None:
    """Stick the round seals of a district and of an inspection into the widest gap of a line."""
    high, wide = picture.shape[:2]
    empty = np.flatnonzero(letters[: high // 2, : int(wide * 0.75)].max(axis=0) == 0)
    runs = np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1)
    inside = [run for run in runs if len(run) and run[0] > wide * 0.16]
    if not inside:
        return
    gap = max(inside, key=len)
    radius = max(3, int(min(len(gap) * 0.48, high * 0.15)))
    for y in (0.3, 0.7) if wide > 3 * high else (0.28,):
        colour, centre = any_colour(rng, 60, 256), (int(gap.mean()), int(high * y))
        cv2.circle(picture, centre, radius, colour, -1, cv2.LINE_AA)
        cv2.circle(picture, centre, radius // 2, (90, 90, 90), 2, cv2.LINE_AA)


def _print_picture(rng: np.random.Generator, picture: Picture) -> None:
    """Print sky, hills or a disc behind the characters, as many American states do."""
    high, wide = picture.shape[:2]
    kind = rng.integers(3)
    colour = any_colour(rng, 90, 250)
    if kind == 0:
        fade = np.linspace(rng.uniform(0, 1), rng.uniform(0, 1), high)[:, None]
        paint(picture, np.repeat(fade * 255, wide, 1).astype(np.uint8), colour, 0.7)
    elif kind == 1:
        hills = clouds(rng, wide, 1, wide * 0.2)[0] * high
        below = np.arange(high)[:, None] > hills[None]
        paint(picture, below.astype(np.uint8) * 255, colour, 0.55)
    else:
        disc = np.zeros((high, wide), np.uint8)
        centre = (int(rng.uniform(0.1, 0.9) * wide), int(rng.uniform(0.3, 0.8) * high))
        cv2.circle(disc, centre, int(high * rng.uniform(0.15, 0.4)), (255,), -1)
        paint(picture, disc, colour, 0.7)
