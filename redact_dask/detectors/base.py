"""The contract that every detector keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from redact_dask.records import Usage


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
    Errors raised by `detect` quarantine the video; `RunEnded` ends the run.
    """

    Options: ClassVar[type[BaseModel]]
    """Settings, with defaults and units; unknown keys are errors. Those that decide no answer, such
    as a rate, are fields with ``exclude=True``: changing them makes nothing be looked at again."""

    def __init__(self, options: BaseModel) -> None: ...

    @property
    def identity(self) -> str:
        """What must change when answers may: version, weights' hash, precision that runs."""
        ...

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        ...

    def detect(self, images: NDArray[np.uint8]) -> Iterable[list[Box]]:
        """Find things on a batch of images.

        Who waits rather than computes, for a service, may return before the answers are there:
        iterating waits for them, and the next batch may be given before.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR, of the size that `input_size` asked for.

        Returns
        -------
        A list of boxes for each image, every list in a fixed order.
        """
        ...


@runtime_checkable
class PaidDetector(Protocol):
    """A detector whose looks are paid for."""

    @property
    def usage(self) -> Usage:
        """What was asked of the service since the detector was built."""
        ...


@runtime_checkable
class PaidOptions(Protocol):
    """The options of a detector whose looks are paid for."""

    def dollars(self, calls: int, before: int = 0) -> float:
        """Return the price of some calls, US dollars, after others of the same run."""
        ...
