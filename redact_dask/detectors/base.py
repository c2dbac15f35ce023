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
    """One thing found on one image, in pixels of that image; its box may reach past the border."""

    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float
    """Between 0 and 1."""
    label: str
    """Class of the thing, such as ``face``."""


@runtime_checkable
class Detector(Protocol):
    """Finds what must be hidden on single images.

    Each thread of a worker builds its own detector with ``Class(options)`` and uses it alone.
    Its answer for an image depends on that image only, never on the others of its batch or on
    earlier calls: otherwise the result of a video would depend on how it is cut into chunks.
    An error raised by `detect` quarantines the video, but `RunEnded` ends the run.
    """

    Options: ClassVar[type[BaseModel]]
    """Settings, with defaults and units; unknown keys are errors. A setting that decides no answer,
    such as a rate, is a field with ``exclude=True``: changing it keeps all checkpoints valid."""

    def __init__(self, options: BaseModel) -> None: ...

    @property
    def identity(self) -> str:
        """Text that changes when answers may change: version, hash of the weights, precision."""
        ...

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        ...

    def detect(self, images: NDArray[np.uint8]) -> Iterable[list[Box]]:
        """Find things on a batch of images.

        A detector that waits for a service, rather than computing, may return before the answers
        are there. Iterating waits for them, and the next batch may be given before that. What it
        returns must not hold the images: those of many batches do not fit into memory.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR, of the size that `input_size` asked for. They cannot
            be written to, because other detectors that ask for this size see them, too.

        Returns
        -------
        A list of boxes for each image, every list in a fixed order.
        """
        ...


@runtime_checkable
class PaidDetector(Protocol):
    """A detector for which each image costs money."""

    @property
    def usage(self) -> Usage:
        """Calls to the service since the detector was built."""
        ...

    def abandon(self) -> None:
        """Give up all calls that have been begun; return once none is on its way any more.

        Called when a chunk fails: nobody would count what is paid for afterwards.
        """
        ...


@runtime_checkable
class SizedOptions(Protocol):
    """The options of a detector that takes more memory for larger pictures."""

    def memory_mib(self, width: int, height: int) -> float:
        """Return what the detector holds for pictures of a size, MiB."""
        ...


@runtime_checkable
class PaidOptions(Protocol):
    """The options of a detector for which each image costs money."""

    def usage_of(self, looks: int) -> Usage:
        """Return the calls that some looks take, as far as they are known before."""
        ...

    def dollars(self, usage: Usage, before: Usage) -> float:
        """Return the price of some calls, US dollars, after those ``before`` in the same run."""
        ...
