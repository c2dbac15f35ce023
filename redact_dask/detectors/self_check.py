"""Proof that a network sees: it finds the face, or the plate, on a picture that shows one.

A network that computes wrongly, on a faulty CPU or in a faulty library, answers that no frame shows
anything, and every video would be published as it was recorded. So each detector that ships with
its weights looks at a known picture when it is built, once for each thread, and its scores are
checked at each look.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from redact_dask.detectors.base import Box
from redact_dask.errors import RunEnded, UsageError


@dataclass(frozen=True, slots=True)
class Known:
    """What is on a picture of 128 by 128 pixels; training/README.md tells where it comes from."""

    picture: Path
    what: str
    sides: tuple[int, int, int, int]
    """Where it is: left, top, right, bottom, pixels."""


_PICTURES = Path(__file__).with_name("pictures")
FACE = Known(_PICTURES / "known_face.png", "face", (42, 31, 87, 88))
PLATE = Known(_PICTURES / "known_plate.png", "number plate", (28, 26, 110, 64))
_NEAR = 8
"""Farthest that a box's sides may lie from the known ones, pixels: networks draw the chin and the
forehead differently."""
_SURE = 0.5
"""Least confidence of that box; the networks that ship are more than 0.85 sure of the face."""


def find_known(
    find: Callable[[NDArray[np.uint8], float], Iterable[list[Box]]], name: str, known: Known
) -> None:
    """Let a detector look at the known picture.

    Parameters
    ----------
    find
        Finds things on pictures of shape (n, height, width, 3), BGR, with at least some confidence.
    name
        What the detector is called, for the error.
    known
        The picture, and what the detector must find on it.

    Raises
    ------
    RunEnded
        The detector does not find it.
    UsageError
        The picture is missing.
    """
    (boxes,) = find(_read(known.picture)[np.newaxis], _SURE)
    sides = np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes]).reshape(-1, 4)
    if not (np.abs(sides - known.sides) <= _NEAR).all(axis=1).any():
        raise _computes_wrongly(
            f"{name} does not find the {known.what} on a picture that shows one"
        )


def check_scores(scores: NDArray[np.floating], name: str) -> None:
    """Raise `RunEnded` unless all scores of a network that ships lie between 0 and 1."""
    if not ((scores >= 0) & (scores <= 1)).all():
        raise _computes_wrongly(f"{name} gives scores that do not lie between 0 and 1")


def _computes_wrongly(what: str) -> RunEnded:
    return RunEnded(
        f"{what}, on the host {platform.node()}: its CPU or its OpenVINO computes wrongly; "
        "take the host out of the cluster, and run again: what is done is kept"
    )


@cache
def _read(file: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if picture is None:
        raise UsageError(
            f"a picture that detectors are tried with is missing at {file}; "
            "reinstall with: pip install --force-reinstall redact-dask"
        )
    return np.asarray(picture, np.uint8)
