"""The contract that every detector keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Box:
    """One thing found on one image, in pixels of that image; it may reach past the border."""

    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float
    """Between 0 and 1."""
    label: str
    """Class of the thing, ``face`` for one."""


@runtime_checkable
class Detector(Protocol):
    """Finds what must be hidden on single images.

    A detector is built once a worker thread with ``Class(options)`` and used by that thread alone.
    Its answer for an image depends on that image only, never on the others of its batch or on
    earlier calls: else the result of a video would depend on how it was cut into chunks.
    Errors raised by `detect` quarantine the video.
    """

    Options: ClassVar[type[BaseModel]]
    """Settings, with defaults and units; unknown keys are errors."""

    def __init__(self, options: BaseModel) -> None: ...

    @property
    def identity(self) -> str:
        """What must change when answers may: version, weights' hash, precision that runs."""
        ...

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        ...

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Find things on a batch of images.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR, of the size that `input_size` asked for.

        Returns
        -------
        A list of boxes for each image, every list in a fixed order.
        """
        ...
