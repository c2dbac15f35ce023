"""Makes the pictures that the network is shown: photographs cut, mixed with drawings, and spoilt.

Each picture depends on the seed and its own number only, so that any number of processes makes the
same ones, and a training that was interrupted goes on with the next.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from training.plates import drawing, photographs
from training.plates.photographs import Bgr, Boxes, Photograph
from training.plates.placing import degrade, place

SIDE = 320
"""Width and height of a picture, pixels."""
MOST_BOXES = 24
"""Number of boxes that a picture has room for."""
PLATE, UNSURE, NOTHING = 1.0, 0.0, -1.0
"""What a row of the boxes is: a plate; a place that teaches nothing; not used."""

_HEIGHTS = (6.0, 110.0)
"""Least and largest height at which a plate is shown on purpose, pixels."""
_LEAST = 5.0
"""Height below which a plate teaches nothing, pixels."""
_LEAST_CONTRAST = 4.0
"""Deviation of the brightness below which a place teaches nothing, of 255."""
_MOST_ENLARGED = 1.6
_KINDS = (0.52, 0.30, 0.18)
"""Shares of photographs of plates, of scenes with drawn plates, and of scenes without any."""
_BANK = 2500
"""Number of plates that are drawn, and of lookalikes; light, turn and dirt of each vary."""


class Pictures(Dataset[tuple[Bgr, NDArray[np.float32]]]):
    """Endlessly many pictures with their boxes, each made when it is asked for.

    Parameters
    ----------
    folder
        Where the photographs are.
    seed
        Decides all pictures.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._seed = seed
        self._vehicles = photographs.plates(folder, held_out=False)
        self._scenes = photographs.scenes(folder, held_out=False)
        self._alarmed = [scene for scene in self._scenes if len(scene.alarms)]
        self._plates = drawing.bank(seed, _BANK)
        self._lookalikes = drawing.bank(seed + 1, _BANK, plates=False)
        sources = [photograph.name[:2] for photograph in self._vehicles]
        weight = np.array([1 / np.sqrt(sources.count(source)) for source in sources])
        self._chances = weight / weight.sum()

    def __getitem__(self, number: int) -> tuple[Bgr, NDArray[np.float32]]:
        """Return one picture, shape (side, side, 3), and its boxes.

        A row of the boxes is left, top, right and bottom, pixels, and what it is; shape
        (`MOST_BOXES`, 5).
        """
        rng = np.random.default_rng([self._seed, number])
        kind = rng.choice(3, p=_KINDS)
        if kind == 0:
            picture, boxes = self._vehicle(rng)
            drawn, lookalikes = rng.binomial(2, 0.2), rng.binomial(2, 0.25)
        else:
            picture, boxes = self._scene(rng)
            drawn, lookalikes = (1 + rng.binomial(3, 0.4) if kind == 1 else 0), rng.binomial(4, 0.4)
        picture = np.ascontiguousarray(picture)
        for _ in range(lookalikes):
            self._add(rng, picture, boxes, self._lookalikes, plates=False)
        for _ in range(drawn):
            self._add(rng, picture, boxes, self._plates, plates=True)
        if rng.random() < 0.85:
            picture = degrade(rng, picture)
        for box in boxes:
            if not _is_seen(picture, box):
                box[4] = UNSURE
        rows = np.full((MOST_BOXES, 5), NOTHING, np.float32)
        known = np.array(boxes[:MOST_BOXES], np.float32).reshape(-1, 5)
        rows[: len(known)] = known
        return np.ascontiguousarray(picture), rows

    def _vehicle(self, rng: np.random.Generator) -> tuple[Bgr, list[list[float]]]:
        photograph = self._vehicles[rng.choice(len(self._vehicles), p=self._chances)]
        x0, y0, x1, y1 = photograph.plates[rng.integers(len(photograph.plates))]
        scale = min(_any_height(rng) / (y1 - y0), _MOST_ENLARGED)
        scales = _scales(rng, photograph, scale)
        canvas, _ = self._scene(rng)  # What the photograph does not fill.
        canvas = np.ascontiguousarray(canvas, np.uint8)
        middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        pixels, plates = photograph.pixels, photograph.plates
        moved = _paste(rng, canvas, pixels, plates, scales, middle)
        boxes = []
        for whole in moved:
            cut = np.clip(whole, 0, SIDE)
            if (cut[2:] <= cut[:2]).any():
                continue
            share = np.prod(cut[2:] - cut[:2]) / np.prod(whole[2:] - whole[:2])
            sure = share > 0.5 and cut[3] - cut[1] >= _LEAST
            if sure and _has_surroundings(cut) and rng.random() < 0.35:
                cut = self._exchanged(rng, canvas, cut)
            boxes.append([*cut.tolist(), PLATE if sure else UNSURE])
        if photograph.name.startswith("ro_"):
            canvas = _grey_world(canvas, rng.uniform(0, 1.2))
        if rng.random() < 0.5:
            canvas = canvas[:, ::-1]
            boxes = [[SIDE - x1, y0, SIDE - x0, y1, sure] for x0, y0, x1, y1, sure in boxes]
        return canvas, boxes

    def _exchanged(self, rng: np.random.Generator, canvas: Bgr, box: Boxes) -> Boxes:
        """Draw another plate where a vehicle has its own; return where it is now."""
        patch = self._plates[rng.integers(len(self._plates))]
        wide, tall = box[2:] - box[:2]
        reach = np.array([wide, tall]) * 0.25 + 3
        left, top = np.clip(box[:2] - reach, 0, SIDE).astype(int)
        right, bottom = np.clip(box[2:] + reach, 0, SIDE).astype(int)
        around = canvas[top:bottom, left:right]
        before = around.copy()
        x0, y0, x1, y1 = (np.round(box) - [left, top, left, top]).astype(int)
        edge = max(1, int(reach[1]) - 1)
        for row in around[max(0, y0 - 1) : y1 + 1]:  # Paint the old one over, from both its sides.
            a, b = row[: max(1, x0)][-edge:].mean(axis=0), row[x1:][:edge].mean(axis=0)
            share = np.linspace(0, 1, x1 - x0 + 2)[:, np.newaxis]
            inner = row[max(0, x0 - 1) : x1 + 1]
            inner[:] = (a + (b - a) * share)[: len(inner)]
        height = min(tall * rng.uniform(0.8, 1.1), 1.15 * wide * patch.shape[0] / patch.shape[1])
        new = place(rng, around, patch, height, surround=0.2)
        if new is None or new[3] - new[1] < _LEAST:
            around[:] = before
            return box
        return np.array(new, np.float32) + np.array([left, top, left, top], np.float32)

    def _scene(self, rng: np.random.Generator) -> tuple[Bgr, list[list[float]]]:
        """Return a part of a scene without plates."""
        chosen = self._alarmed if rng.random() < 0.4 else self._scenes
        scene = chosen[rng.integers(len(chosen))]
        high, wide = scene.pixels.shape[:2]
        least = SIDE / min(high, wide)
        scale = max(least, np.exp(rng.uniform(np.log(0.3), np.log(1.6))))
        focus = None
        if len(scene.alarms):
            x0, y0, x1, y1 = scene.alarms[rng.integers(len(scene.alarms))]
            focus = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
            scale = max(least, min(_any_height(rng) / (y1 - y0), 2.0))
        canvas = np.empty((SIDE, SIDE, 3), np.uint8)
        none = np.empty((0, 4), np.float32)
        _paste(rng, canvas, scene.pixels, none, _scales(rng, scene, scale), focus)
        return (canvas[:, ::-1] if rng.random() < 0.5 else canvas), []

    @staticmethod
    def _add(
        rng: np.random.Generator,
        picture: Bgr,
        boxes: list[list[float]],
        bank: list[Bgr],
        *,
        plates: bool,
    ) -> None:
        """Draw something where it covers no plate, often with a part of a car around it."""
        patch = bank[rng.integers(len(bank))]
        surround = 0.5 if plates else 0.25
        box = place(rng, picture, patch, _any_height(rng), surround=surround, taken=boxes)
        if box is not None and plates:
            boxes.append([*box, PLATE if box[3] - box[1] >= _LEAST else UNSURE])


def _is_seen(picture: Bgr, box: list[float]) -> bool:
    """Tell whether a box has not become one colour in the dark or in the glare."""
    x0, y0, x1, y1 = (round(side) for side in box[:4])
    part = picture[max(0, y0) : y1, max(0, x0) : x1]
    return part.size > 0 and float(part.std(axis=(0, 1)).max()) >= _LEAST_CONTRAST


def _has_surroundings(box: Boxes) -> bool:
    """Tell whether a box keeps away from the picture's borders."""
    return bool((box > 4).all() and (box < SIDE - 4).all())


def _any_height(rng: np.random.Generator) -> float:
    low, high = np.log(_HEIGHTS)
    return float(np.exp(rng.uniform(low, high)))


def _scales(rng: np.random.Generator, photograph: Photograph, scale: float) -> tuple[float, float]:
    """Return by how much a photograph is enlarged in x and in y."""
    across = rng.uniform(1.3, 1.55) if photograph.stretched else rng.uniform(0.9, 1.12)
    return scale * across, scale


def _paste(
    rng: np.random.Generator,
    canvas: Bgr,
    pixels: Bgr,
    boxes: Boxes,
    scales: tuple[float, float],
    focus: NDArray[np.floating] | None,
) -> Boxes:
    """Put a part of a photograph, or all of it, at a random place of the canvas.

    Returns
    -------
    The boxes, pixels of the canvas; they may reach past its borders, or lie beyond them.
    """
    first, target, shift = [], [], []
    for axis, scale in enumerate(scales):
        length = pixels.shape[1 - axis]
        part = SIDE / scale
        if part >= length:  # All of it, and room to spare.
            size = max(1, round(length * scale))
            offset = int(rng.integers(0, SIDE - min(size, SIDE) + 1))
            first.append((0, length))
            target.append((offset, min(offset + size, SIDE)))
            shift.append((0.0, offset))
            continue
        low = rng.uniform(0, length - part)
        if focus is not None:
            low = min(max(focus[axis] - part * rng.uniform(0.05, 0.95), 0.0), length - part)
        start = int(low)
        first.append((start, min(length, start + max(1, round(part)))))
        target.append((0, SIDE))
        shift.append((float(start), 0))
    (left, right), (top, bottom) = first
    (x0, x1), (y0, y1) = target
    piece = pixels[top:bottom, left:right]
    smooth = cv2.INTER_AREA if rng.random() < 0.8 else cv2.INTER_LINEAR
    method = smooth if min(scales) < 1 else cv2.INTER_LINEAR
    canvas[y0:y1, x0:x1] = cv2.resize(piece, (x1 - x0, y1 - y0), interpolation=method)
    ratio = np.array([(x1 - x0) / (right - left), (y1 - y0) / (bottom - top)], np.float32)
    (source_x, offset_x), (source_y, offset_y) = shift
    moved = boxes.reshape(-1, 2, 2) - np.array([source_x, source_y], np.float32)
    moved = moved * ratio + np.array([offset_x, offset_y], np.float32)
    moved = moved.reshape(-1, 4)
    inside = np.array([x0, y0, x1, y1], np.float32)
    seen = (moved[:, 2:] > inside[:2]) & (moved[:, :2] < inside[2:])
    return np.asarray(moved[seen.all(axis=1)], np.float32)


def _grey_world(picture: Bgr, strength: float) -> Bgr:
    """Take a picture's colour cast away, wholly at a strength of 1."""
    mean = picture.mean(axis=(0, 1)) + 1
    gains = (mean.mean() / mean) ** strength
    table = np.clip(np.arange(256)[:, np.newaxis] * gains, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table[np.newaxis]), np.uint8)
