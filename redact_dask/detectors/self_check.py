"""Proof that a network sees: it finds the face on a picture that shows one.

A network that computes wrongly, on a faulty CPU or in a faulty library, answers that no frame shows
a face, and every video would be published as it was recorded. So each detector that ships with its
weights looks at a known picture when it is built, once for each thread, and its scores are checked
at each look.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from redact_dask.detectors.base import Box
from redact_dask.errors import RunEnded, UsageError

PICTURE = Path(__file__).with_name("pictures") / "known_face.png"
"""128 by 128 pixels, cut from a photograph in the public domain: training/README.md names it."""
FACE = (42, 31, 87, 88)
"""Where the face is on it: left, top, right, bottom, pixels."""
_NEAR = 8
"""Farthest that a box's sides may lie from the face's, pixels: networks draw the chin and the
forehead differently."""
_SURE = 0.5
"""Least confidence of that box; the networks that ship are more than 0.85 sure."""


def find_known_face(
    find: Callable[[NDArray[np.uint8], float], Iterable[list[Box]]], name: str
) -> None:
    """Let a detector look at the known picture.

    Parameters
    ----------
    find
        Finds faces on pictures of shape (n, height, width, 3), BGR, with at least some confidence.
    name
        What the detector is called, for the error.

    Raises
    ------
    RunEnded
        The detector does not find the face.
    UsageError
        The picture is missing.
    """
    (boxes,) = find(_picture()[np.newaxis], _SURE)
    sides = np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes]).reshape(-1, 4)
    if not (np.abs(sides - FACE) <= _NEAR).all(axis=1).any():
        raise _computes_wrongly(f"{name} does not find the face on a picture that shows one")


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
def _picture() -> NDArray[np.uint8]:
    picture = cv2.imread(str(PICTURE), cv2.IMREAD_COLOR)
    if picture is None:
        raise UsageError(
            f"a picture that detectors are tried with is missing at {PICTURE}; "
            "reinstall with: pip install --force-reinstall redact-dask"
        )
    return np.asarray(picture, np.uint8)
