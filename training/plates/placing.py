"""Puts drawn plates into photographs, in the light and the perspective of a street."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.plates import bodies
from training.plates.camera import degrade
from training.plates.painting import Rgba

__all__ = ["degrade", "place"]

Box = tuple[float, float, float, float]
Bgr = NDArray[np.uint8]
Matrix = NDArray[np.float64]

_FINER = 2
"""The patch is warped so many times larger than it is pasted: then its edges are soft."""
_CLEAR = 2.0
"""So far from a taken box all painting stays, pixels."""


def place(
    rng: np.random.Generator,
    scene: Bgr,
    patch: Rgba,
    height: float,
    *,
    surround: float = 0.0,
    taken: Sequence[Sequence[float]] = (),
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
        Chance that a car, a panel or a dark recess is painted behind the patch, beyond its box.
        It covers whatever is there, but for what is `taken`.
    taken
        Boxes that nothing may cover: left, top, right, bottom (and what else a row holds), pixels.

    Returns
    -------
    The tight box of what is opaque: left, top, right and bottom, pixels. `None`, and a scene left
    as it was, if the patch does not fit into it beside what is taken.
    """
    corners = _corners(rng, patch.shape[1] / patch.shape[0], height)
    free = np.array([scene.shape[1], scene.shape[0]]) - 2 - np.ptp(corners, axis=0)
    if free.min() < 0:
        return None
    corners += 1 + rng.uniform(0, 1, 2) * free - corners.min(axis=0)
    if _covers(corners, taken):
        return None
    light = _Light(rng, scene, corners)
    if rng.random() < surround:
        _paint_surround(rng, scene, corners, light, taken)
    soft = rng.uniform(0.25, 0.7) if rng.random() < 0.4 else 0
    shades = (rng.uniform(0.8, 1.1), rng.uniform(0.85, 1.1))
    return _lay(scene, patch, corners, light, finer=_FINER, soft=soft, shades=shades)


def _corners(rng: np.random.Generator, aspect: float, height: float) -> Matrix:
    """Return where the patch's corners come to lie: upper left, upper right, lower right, left."""
    yaw = np.radians(np.clip(rng.normal(0, 24), -65, 65))
    pitch = np.radians(rng.normal(4, 8))
    roll = np.radians(rng.normal(0, 3 if rng.random() < 0.85 else 9))
    x = np.array([-1, 1, 1, -1]) * aspect / 2
    y = np.array([-1, -1, 1, 1]) / 2
    across, away = x * np.cos(yaw), x * np.sin(yaw)
    down = y * np.cos(pitch) - away * np.sin(pitch) + across * rng.normal(0, 0.03)
    away = away * np.cos(pitch) + y * np.sin(pitch)
    distance = aspect * rng.uniform(4, 20)  # nearer, a part of a car would be behind the camera
    seen = np.stack([across, down], 1) * (distance / (distance + away))[:, None]
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    seen = seen @ turn
    edges = np.linalg.norm(seen[3] - seen[0]) + np.linalg.norm(seen[2] - seen[1])
    corners: Matrix = seen * (2 * height / edges)
    return corners


def _covers(corners: Matrix, taken: Sequence[Sequence[float]]) -> bool:
    """Tell whether the box around `corners` comes near a taken one."""
    left, top = corners.min(axis=0) - _CLEAR
    right, bottom = corners.max(axis=0) + _CLEAR
    return any(
        left < box[2] and box[0] < right and top < box[3] and box[1] < bottom for box in taken
    )


class _Light:
    """The light at one place of a scene."""

    def __init__(self, rng: np.random.Generator, scene: Bgr, corners: Matrix) -> None:
        left, top = np.maximum(np.floor(corners.min(axis=0)) - 4, 0).astype(int)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 4
        around = scene[top:bottom, left:right]
        mean, whole = (np.array(cv2.mean(part)[:3]) for part in (around, scene))
        level = 0.5 * mean.mean() + 0.5 * whole.mean()
        white = level * rng.uniform(0.9, 2.3) + rng.uniform(0, 30)
        if rng.random() < 0.15:  # the foil throws light back
            white = rng.uniform(150, 330)
        cast = ((whole + 8) / (whole.mean() + 8)) ** rng.uniform(0.2, 1.0)
        black = float(around.min()) * rng.uniform(0, 0.6) + rng.uniform(0, 6)
        gain = (np.clip(white, 22, 330) - black) / 240 * cast
        lit = np.arange(256)[:, None] * gain + black
        self._table = np.clip(lit, 0, 255).astype(np.uint8)[None]

    def on(self, colours: Bgr) -> Bgr:
        """Return how `colours` look in this light."""
        return np.asarray(cv2.LUT(colours, self._table), np.uint8)


def _lay(
    scene: Bgr,
    patch: Rgba,
    corners: Matrix,
    light: _Light,
    *,
    finer: int = 1,
    soft: float = 0,
    shades: tuple[float, float] = (1, 1),
) -> Box | None:
    """Warp `patch` to `corners` and lay it over the scene; return the box of what is opaque.

    It is warped `finer` times larger, blurred by `soft` pixels, and lit by the first of `shades` at
    its top and the second at its bottom.
    """
    limit = (scene.shape[1], scene.shape[0])
    low = np.clip(np.floor(corners.min(axis=0)) - 1, 0, limit).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, limit).astype(int)
    wide, tall = (int(side) for side in high - low)
    if min(wide, tall) < 1:
        return None
    patch = _reduced(patch, corners, finer)
    flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * (patch.shape[1], patch.shape[0]) - 0.5
    moved = (corners - low) * finer - 0.5
    matrix = cv2.getPerspectiveTransform(flat.astype(np.float32), moved.astype(np.float32))
    size = (wide * finer, tall * finer)
    bgr, alpha = np.ascontiguousarray(patch[:, :, 2::-1]), np.ascontiguousarray(patch[:, :, 3])
    layers = [
        cv2.warpPerspective(bgr, matrix, size, borderMode=cv2.BORDER_REPLICATE),
        cv2.warpPerspective(alpha, matrix, size),
    ]
    seen = layers[1] > 90
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    if not len(columns):
        return None
    if finer > 1:
        layers = [cv2.resize(layer, (wide, tall), interpolation=cv2.INTER_AREA) for layer in layers]
    if soft:
        layers = [cv2.GaussianBlur(layer, (0, 0), soft) for layer in layers]
    lit = light.on(np.asarray(layers[0], np.uint8))
    if shades != (1, 1):
        shading = np.linspace(*shades, tall, dtype=np.float32)[:, None, None]
        lit = np.clip(lit * shading, 0, 255).astype(np.uint8)
    _blend(scene, lit, np.asarray(layers[1], np.uint8), low)
    x, y = (float(side) for side in low)
    return (
        x + columns[0] / finer,
        y + rows[0] / finer,
        x + (columns[-1] + 1) / finer,
        y + (rows[-1] + 1) / finer,
    )


def _reduced(patch: Rgba, corners: Matrix, finer: int) -> Rgba:
    """Return the patch no more than `finer` times as large as it is seen."""
    edges = [np.linalg.norm(corners[k] - corners[(k + 1) % 4]) for k in range(4)]
    width = min(patch.shape[1], int(max(edges[0], edges[2]) * finer) + 1)
    height = min(patch.shape[0], int(max(edges[1], edges[3]) * finer) + 1)
    return np.asarray(cv2.resize(patch, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _blend(scene: Bgr, layer: Bgr, opacity: NDArray[np.uint8], low: NDArray[np.int_]) -> None:
    """Lay `layer` over the scene; `low` is where its upper left corner comes to lie."""
    part = scene[low[1] : low[1] + layer.shape[0], low[0] : low[0] + layer.shape[1]]
    share = opacity.astype(np.float32) / 255
    part[:] = cv2.blendLinear(layer, np.ascontiguousarray(part), share, 1 - share)


def _paint_surround(
    rng: np.random.Generator,
    scene: Bgr,
    corners: Matrix,
    light: _Light,
    taken: Sequence[Sequence[float]],
) -> None:
    """Paint what a plate is fixed to: a car, or a panel; and often a dark recess around it."""
    kind = rng.random()
    if kind < 0.5:
        body, whole = _car(rng, corners)
        if not _covers(whole, taken):
            _lay(scene, body, whole, light)
    elif kind < 0.7:
        grey = (int(rng.integers(200)),) * 3
        panel = _grown(corners, rng.uniform(1.5, 3.5), rng.uniform(2, 6))
        if not _covers(panel, taken):
            _paint_panel(rng, scene, panel, light, grey)
    if kind > 0.7 or rng.random() < 0.5:
        recess = _grown(corners, rng.uniform(1.04, 1.6), rng.uniform(1.1, 1.9))
        recess[:, 1] += rng.uniform(-0.2, 0.2) * np.ptp(corners[:, 1])
        if not _covers(recess, taken):
            _paint_panel(rng, scene, recess, light, (int(rng.integers(5, 70)),) * 3)


def _grown(corners: Matrix, across: float, down: float) -> Matrix:
    middle = corners.mean(axis=0)
    grown: Matrix = middle + (corners - middle) * (across, down)
    return grown


def _car(rng: np.random.Generator, corners: Matrix) -> tuple[Rgba, Matrix]:
    """Return a car, and its corners, so that a plate of the patch's form is as large as on one."""
    body, down = bodies.car(int(rng.integers(bodies.COUNT)))
    high, wide = body.shape[:2]
    edges = [float(np.linalg.norm(corners[k] - corners[k + 1])) for k in (0, 1)]
    width_mm = float(np.interp(edges[0] / edges[1], [1, 2, 3, 4.5], [200, 305, 400, 520]))
    across = width_mm * bodies.PIXELS_PER_MM / 2
    reach = (across, across * edges[1] / edges[0])
    spot = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * reach + (wide / 2, down)
    matrix = cv2.getPerspectiveTransform(spot.astype(np.float32), corners.astype(np.float32))
    frame = np.array([[[0, 0], [wide, 0], [wide, high], [0, high]]], np.float32)
    return body, np.asarray(cv2.perspectiveTransform(frame, matrix)[0], np.float64)


def _paint_panel(
    rng: np.random.Generator,
    scene: Bgr,
    corners: Matrix,
    light: _Light,
    colour: tuple[int, int, int],
) -> None:
    """Paint a surface of one colour, lighter above, with edges more or less soft."""
    fade = np.linspace(rng.uniform(0.8, 1.5), rng.uniform(0.5, 1.1), 32)[:, None, None]
    patch = np.full((36, 68, 4), (*colour, 0), np.uint8)
    patch[2:-2, 2:-2, 3] = rng.integers(200, 256)
    patch[2:-2, 2:-2, :3] = np.clip(np.array(colour) * fade, 0, 255)
    _lay(scene, patch, corners, light, soft=rng.uniform(0.5, 3))
