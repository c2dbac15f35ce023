"""The photographs that the detector of number plates learns from, and which of them it is tried on.

The folder has the layout that `training/README.md` describes.
"""

from __future__ import annotations

import csv
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Bgr = NDArray[np.uint8]
Boxes = NDArray[np.float32]
"""Left, top, right and bottom, pixels, shape (n, 4)."""

STRETCHED = ("oi_", "oiv_", "udacity_")
"""Begin the names of pictures that were squeezed into squares; plates look too narrow on them."""
_HELD_RECORDINGS = ("ro_day1_002", "ro_day1_003")


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph and what is known about it."""

    name: str
    pixels: Bgr
    plates: Boxes
    """All legible plates; none on a scene."""
    alarms: Boxes
    """Places of a scene that look like a plate to another detector, and are none."""

    @property
    def stretched(self) -> bool:
        """Tell whether the picture is narrower than life."""
        return self.name.startswith(STRETCHED)


def plates(folder: Path, *, held_out: bool) -> list[Photograph]:
    """Return the photographs on which all plates are annotated, by name."""
    boxes = defaultdict(list)
    for row in _rows(folder / "plates.csv"):
        boxes[row["file"]].append(_box(row))
    none = np.empty((0, 4), np.float32)
    return [
        Photograph(name, _read(folder / "plates" / name), np.stack(boxes[name]), none)
        for name in sorted(boxes)
        if _is_held_out(name) == held_out
    ]


def scenes(folder: Path, *, held_out: bool) -> list[Photograph]:
    """Return the photographs without any plate, by name."""
    alarms = defaultdict(list)
    for row in _rows(folder / "scenes_alarms.csv"):
        if row["judged"] == "no_plate":
            alarms[row["file"]].append(_box(row))
    none = np.empty((0, 4), np.float32)
    names = sorted(
        row["file"]
        for row in _rows(folder / "scenes.csv")
        if row["status"] in {"clean", "text_alarm"}
    )
    return [
        Photograph(
            name,
            _read(folder / "scenes" / name),
            none,
            np.stack(alarms[name]) if name in alarms else none,
        )
        for name in names
        if _is_held_out(name) == held_out
    ]


def _is_held_out(name: str) -> bool:
    """Tell whether the detector is tried on a photograph, instead of learning from it.

    Whole recordings, and runs of ten consecutive numbers, because neighbours show the same thing.
    Photographs of Open Images have nothing to do with each other.
    """
    if name.startswith("ro_"):
        return name.startswith(_HELD_RECORDINGS)
    stem = name.rsplit(".", 1)[0]
    prefix, _, number = stem.rpartition("_")
    run = f"{prefix}_{int(number) // 10}" if number.isdecimal() else stem
    return zlib.crc32(run.encode()) % 6 == 0


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _box(row: dict[str, str]) -> Boxes:
    return np.array([row[side] for side in ("x0", "y0", "x1", "y1")], np.float32)


def _read(file: Path) -> Bgr:
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(f"{file} is missing, or no picture; copy the training data again")
    return np.asarray(picture, np.uint8)
