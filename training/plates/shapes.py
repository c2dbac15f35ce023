"""Draws parts of cars and houses that look like plates from afar: grilles, lamps, windows."""

from __future__ import annotations

import cv2
import numpy as np

from training.plates.painting import (
    Rgba,
    any_colour,
    clouds,
    finished,
    near,
    paint,
    paint_box,
    plain,
    rounded,
    some_size,
    sunlit,
)


def grille(rng: np.random.Generator) -> Rgba:
    """Return a grille or ventilation slots: dark gaps between bars, across, upright or crossed."""
    width, height = some_size(rng, 1.5, 6)
    tone = int(rng.integers(30, 220))
    picture = plain(width, height, (tone,) * 3 if rng.random() < 0.7 else any_colour(rng))
    count, thick = int(rng.integers(3, 14)), rng.uniform(0.3, 0.8)
    gap = (int(rng.integers(5, 40)),) * 3
    if rng.random() < 0.7:
        for row in range(count):
            paint_box(picture, 0.03, (row + 0.2) / count, 0.97, (row + 0.2 + thick) / count, gap)
        if rng.random() < 0.4:
            for x in np.linspace(0.1, 0.9, int(rng.integers(2, 8))):
                paint_box(picture, x, 0, x + 0.02, 1, (tone,) * 3)
    else:
        across = int(count * width / height / 2) + 2
        for column in range(across):
            paint_box(
                picture, (column + 0.2) / across, 0.05, (column + 0.2 + thick) / across, 0.95, gap
            )
    picture += np.linspace(25, -25, height)[:, None, None].astype(np.float32)
    return finished(picture, rounded(width, height, height * rng.uniform(0, 0.4)))


def lamp(rng: np.random.Generator) -> Rgba:
    """Return a tail lamp, a reflector or a headlamp, lit or not."""
    width, height = some_size(rng, 0.6, 4)
    colours = ((170, 15, 20), (220, 120, 20), (235, 235, 225), (255, 60, 40))
    picture = plain(width, height, near(rng, colours[int(rng.integers(4))], 25))
    picture *= 0.6 + 0.8 * clouds(rng, width, height, height * 0.4)[:, :, None]
    if rng.random() < 0.5:
        paint_box(picture, 0.1, rng.uniform(0.3, 0.5), rng.uniform(0.5, 0.9), 0.7, (240, 225, 215))
    if rng.random() < 0.5:
        glow = rounded(width, height, height * 0.2, height * 0.25)
        paint(
            picture, cv2.GaussianBlur(glow, (0, 0), height * 0.1).astype(np.uint8), (255, 235, 215)
        )
    return finished(picture, rounded(width, height, height * rng.uniform(0.1, 0.5)))


def barrier(rng: np.random.Generator) -> Rgba:
    """Return slanted stripes, as barriers, lorries and chevron boards bear."""
    width, height = some_size(rng, 1.5, 8)
    across = np.arange(width)[None] + np.arange(height)[:, None] * rng.uniform(-1.2, 1.2)
    stripes = np.clip((np.sin(across * (np.pi / height / rng.uniform(0.3, 1.2))) * 20 + 0.5), 0, 1)
    pairs = (
        ((235,) * 3, (200, 30, 35)),
        ((20,) * 3, (245, 200, 20)),
        ((235,) * 3, (20,) * 3),
        ((240, 210, 30), (200, 30, 35)),
    )
    light, dark = pairs[int(rng.integers(4))]
    picture = plain(width, height, light)
    paint(picture, (stripes * 255).astype(np.uint8), dark)
    return finished(sunlit(rng, picture), rounded(width, height, 3))


def emblem(rng: np.random.Generator) -> Rgba:
    """Return a maker's badge: chrome rings, ovals and bars."""
    width, height = some_size(rng, 0.9, 2.6)
    mask = np.zeros((height, width), np.uint8)
    thick = int(height * rng.uniform(0.06, 0.14))
    rings = int(rng.integers(1, 5)) if width > 1.6 * height else 1
    for x in (np.arange(rings) + 0.5) / rings:
        radii = (int(width / rings / 2 - thick / 2), int(height / 2 - thick))
        cv2.ellipse(
            mask, (int(x * width), height // 2), radii, 0, 0, 360, (255,), thick, cv2.LINE_AA
        )
    for _ in range(int(rng.integers(0, 4))):
        ends = [(int(x * width), int(y * height)) for x, y in rng.uniform(0.2, 0.8, (2, 2))]
        cv2.line(mask, ends[0], ends[1], (255,), thick, cv2.LINE_AA)
    picture = plain(width, height, (200, 204, 208))
    picture *= 0.5 + 0.7 * clouds(rng, width, height, height * 0.3)[:, :, None]
    return finished(picture, mask)


def blank(rng: np.random.Generator) -> Rgba:
    """Return a bright rectangle without characters, perhaps with a rim, a fold or some dirt."""
    width, height = some_size(rng, 1, 5)
    tone = int(rng.integers(120, 250))
    picture = plain(width, height, (tone,) * 3 if rng.random() < 0.6 else any_colour(rng, 90))
    picture *= 0.8 + 0.3 * clouds(rng, width, height, height * 0.7)[:, :, None]
    radius = height * rng.uniform(0, 0.12)
    if rng.random() < 0.4:
        rim = np.minimum(
            rounded(width, height, radius), 255 - rounded(width, height, radius, height * 0.05)
        )
        paint(picture, rim, any_colour(rng, 0, 90))
    return finished(picture, rounded(width, height, radius))


def window(rng: np.random.Generator) -> Rgba:
    """Return a window with its frame and panes."""
    width, height = some_size(rng, 0.7, 3.5)
    picture = plain(
        width, height, any_colour(rng, 150) if rng.random() < 0.6 else any_colour(rng, 20, 90)
    )
    columns, rows = int(rng.integers(1, 6)), int(rng.integers(1, 3))
    frame = rng.uniform(0.04, 0.15)
    for column in range(columns):
        for row in range(rows):
            pane = (
                any_colour(rng, 120, 250)
                if rng.random() < 0.3
                else (int(rng.integers(10, 120)),) * 3
            )
            paint_box(
                picture,
                (column + frame) / columns,
                (row + frame) / rows,
                (column + 1 - frame) / columns,
                (row + 1 - frame) / rows,
                pane,
            )
    picture *= 0.75 + 0.4 * clouds(rng, width, height, height * 0.5)[:, :, None]
    return finished(picture, np.full((height, width), 255, np.uint8))
