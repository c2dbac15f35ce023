"""Puts drawn plates into photographs, in the light and the perspective of a street."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.plates.camera import degrade
from training.plates.painting import Rgba

__all__ = ["degrade", "place"]

Box = tuple[float, float, float, float]
Bgr = NDArray[np.uint8]
Matrix = NDArray[np.float64]

_FINER = 2
"""The patch is warped so many times larger than it is pasted: then its edges are soft."""


def place(
    rng: np.random.Generator,
    scene: Bgr,
    patch: Rgba,
    height: float,
    *,
    surround: float = 0.35,
) -> Box | None:
    """Paste `patch` into `scene`, turned, lit and softened as if it had been photographed there.

    Parameters
    ----------
    rng
        Decides the place, the turn and the light.
    scene
        Blue, green, red; changed in place.
    patch
        As `drawing.plate` and `drawing.lookalike` return it.
    height
        Of the patch in the scene, pixels: the mean of its left and its right edge.
    surround
        Chance that something like a bumper is painted behind the patch, beyond its box.

    Returns
    -------
    The tight box of what is opaque: left, top, right and bottom, pixels. `None`, and a scene left
    as it was, if the patch does not fit into it.
    """
    corners = _corners(rng, patch.shape[1] / patch.shape[0], height)
    size = np.ptp(corners, axis=0)
    free = np.array([scene.shape[1], scene.shape[0]]) - 2 - size
    if free.min() < 0:
        return None
    corners += 1 + rng.uniform(0, 1, 2) * free - corners.min(axis=0)
    light = _Light(rng, scene, corners)
    if rng.random() < surround:
        _paint_surround(rng, scene, corners, light)
    return _paste(rng, scene, patch, corners, light)


def _corners(rng: np.random.Generator, aspect: float, height: float) -> Matrix:
    """Return where the patch's corners come to lie: upper left, upper right, lower right, left."""
    yaw = np.radians(np.clip(rng.normal(0, 24), -65, 65))
    pitch = np.radians(rng.normal(4, 8))
    roll = np.radians(rng.normal(0, 3 if rng.random() < 0.85 else 9))
    x = np.array([-1, 1, 1, -1]) * aspect / 2
    y = np.array([-1, -1, 1, 1]) / 2
    across, depth = x * np.cos(yaw), x * np.sin(yaw)
    down, depth = (
        y * np.cos(pitch) - depth * np.sin(pitch),
        depth * np.cos(pitch) + y * np.sin(pitch),
    )
    down += across * rng.normal(0, 0.03)
    distance = aspect * rng.uniform(2, 12)
    seen = np.stack([across, down], 1) * (distance / (distance + depth))[:, None]
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    seen = seen @ turn
    edges = np.linalg.norm(seen[3] - seen[0]) + np.linalg.norm(seen[2] - seen[1])
    corners: Matrix = seen * (2 * height / edges)
    return corners


class _Light:
    """The light at one place of a scene."""

    def __init__(self, rng: np.random.Generator, scene: Bgr, corners: Matrix) -> None:
        left, top = np.maximum(np.floor(corners.min(axis=0)) - 4, 0).astype(int)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 4
        around = scene[top:bottom, left:right]
        mean = np.array(cv2.mean(around)[:3])
        whole = np.array(cv2.mean(scene)[:3])
        level = 0.5 * mean.mean() + 0.5 * whole.mean()
        white = level * rng.uniform(0.9, 2.3) + rng.uniform(0, 30)
        if rng.random() < 0.12:  # the foil throws light back
            white = rng.uniform(150, 330)
        cast = ((whole + 8) / (whole.mean() + 8)) ** rng.uniform(0.2, 1.0)
        self.black = float(around.min()) * rng.uniform(0, 0.6) + rng.uniform(0, 6)
        self.gain = (np.clip(white, 22, 330) - self.black) / 240 * cast
        """Of blue, green, red."""

    def on(self, colours: NDArray[Any]) -> NDArray[np.float32]:
        """Return how `colours`, 0 to 255, look in this light."""
        lit: NDArray[np.float32] = (colours * self.gain + self.black).astype(np.float32)
        return lit


def _paste(
    rng: np.random.Generator, scene: Bgr, patch: Rgba, corners: Matrix, light: _Light
) -> Box | None:
    low = np.floor(corners.min(axis=0)).astype(int) - 1
    high = np.ceil(corners.max(axis=0)).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, (scene.shape[1], scene.shape[0]))
    small = _reduced(patch, corners)
    wide, tall = (int(side) for side in (high - low) * _FINER)
    warped = _warped(small, (corners - low) * _FINER, (wide, tall))
    box = _box(warped[:, :, 3], low)
    if box is None:
        return None
    size = (wide // _FINER, tall // _FINER)
    flat = cv2.resize(warped, size, interpolation=cv2.INTER_AREA)
    soft = rng.uniform(0, 0.7) if rng.random() < 0.6 else 0
    if soft > 0.25:
        flat = cv2.GaussianBlur(flat, (0, 0), soft)
    share = flat[:, :, 3:] / np.float32(255)
    shading = np.linspace(rng.uniform(0.8, 1.1), rng.uniform(0.85, 1.1), size[1])[:, None, None]
    lit = (flat[:, :, 2::-1] * light.gain * shading).astype(np.float32) + light.black * share
    part = scene[low[1] : high[1], low[0] : high[0]]
    part[:] = np.clip(part * (1 - share) + lit + 0.5, 0, 255)
    return box


def _reduced(patch: Rgba, corners: Matrix) -> NDArray[np.float32]:
    """Return the patch, about as large as it is warped, its colours multiplied by opacity."""
    edges = [np.linalg.norm(corners[k] - corners[(k + 1) % 4]) for k in range(4)]
    width = min(patch.shape[1], int(max(edges[0], edges[2]) * _FINER) + 1)
    height = min(patch.shape[0], int(max(edges[1], edges[3]) * _FINER) + 1)
    small = cv2.resize(patch, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    small[:, :, :3] *= small[:, :, 3:] / 255
    return small


def _warped(
    patch: NDArray[np.float32], corners: Matrix, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return `patch` with its corners moved to `corners`, in a picture of `size`."""
    high, wide = patch.shape[:2]
    flat = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32) - np.float32(0.5)
    moved = (corners - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(flat, moved)
    return cv2.warpPerspective(patch, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)


def _box(opacity: NDArray[np.float32], low: NDArray[np.int_]) -> Box | None:
    """Return the box of what is opaque in the finer picture, whose corner is `low` in the scene."""
    seen = opacity > 90
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    if not len(columns):
        return None
    x, y = (float(side) for side in low)
    return (
        x + columns[0] / _FINER,
        y + rows[0] / _FINER,
        x + (columns[-1] + 1) / _FINER,
        y + (rows[-1] + 1) / _FINER,
    )


def _paint_surround(rng: np.random.Generator, scene: Bgr, corners: Matrix, light: _Light) -> None:
    """Paint the body of a car, a bumper or a dark recess behind the patch, with soft edges."""
    middle = corners.mean(axis=0)
    if rng.random() < 0.6:  # the body first, then the recess in it
        body = rng.uniform(0, 200) * np.ones(3) if rng.random() < 0.7 else rng.uniform(0, 220, 3)
        grow = np.array([rng.uniform(1.5, 3.5), rng.uniform(2, 6)])
        _paint_panel(rng, scene, middle + (corners - middle) * grow, light.on(body))
    if rng.random() < 0.75:
        grow = np.array([rng.uniform(1.05, 1.7), rng.uniform(1.1, 2)])
        shift = np.array([0, rng.uniform(-0.2, 0.2) * np.ptp(corners[:, 1])])
        dark = light.on(rng.uniform(5, 70) * np.ones(3))
        _paint_panel(rng, scene, middle + (corners - middle) * grow + shift, dark)


def _paint_panel(
    rng: np.random.Generator, scene: Bgr, corners: Matrix, colour: NDArray[np.float32]
) -> None:
    limit = (scene.shape[1], scene.shape[0])
    low = np.clip(np.floor(corners.min(axis=0)) - 4, 0, limit).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 4, 0, limit).astype(int)
    wide, tall = (int(side) for side in high - low)
    if wide < 1 or tall < 1:
        return
    mask = np.zeros((tall, wide), np.uint8)
    cv2.fillPoly(mask, [np.round((corners - low) * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, rng.uniform(0.01, 0.08) * tall)).astype(np.uint8)
    share = mask[:, :, None] * np.float32(rng.uniform(0.8, 1) / 255)
    fade = np.linspace(rng.uniform(0.8, 1.5), rng.uniform(0.5, 1.1), tall, dtype=np.float32)
    part = scene[low[1] : high[1], low[0] : high[0]]
    part[:] = np.clip(part * (1 - share) + fade[:, None, None] * colour * share, 0, 255)
