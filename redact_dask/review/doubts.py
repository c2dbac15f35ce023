"""The doubts about a video stream, and what the manifest tells of it.

Each doubt has a weight between 0 and 1. That of what nothing hides is measured: about the share of
such doubts that name a readable face, on two annotated clips (``docs/pages/review.md``). The others
are chosen, since those clips have too few of them: a doubt about what is hidden counts less than
one about what is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import Detections, Regions
from redact_dask.records.edits import Edit
from redact_dask.review.coverage import boxes_of

Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge, pixels of the stored picture."""


class Kind(StrEnum):
    """Why a place is doubted."""

    LEAK = "leak"
    """A person has said so in an audit. Weight 1: somebody saw it."""
    OPEN = "open"
    """Detectors saw it, and nothing hides it. Weight: its highest confidence; less if it was seen
    once or twice only, since noise seldom stays, and if it is too small to be recognised."""
    SHOWN = "shown"
    """A person shows it, though a detector is sure. Weight: half the confidence. Somebody has
    decided, but a mistake there is a leak."""
    ENDS = "ends"
    """A track ends inside the picture, where it was seen well. Weight: 0.2 of the confidence. Most
    things have turned away by then, and padding covers them for a while."""
    BEGINS = "begins"
    """A track begins there. Weight: 0.1 of the confidence. Things come from afar, and what is too
    small to be seen can seldom be recognised."""
    GAP = "gap"
    """A track was not seen for long. Weight: 0.1 for a second or more. Between, it is hidden on the
    way that it most likely took."""
    ONCE = "once"
    """A track was seen on one frame only. Weight: 0.1. Something to hide may be there for longer,
    but it is more often nothing."""
    ALONE = "alone"
    """One of several detectors saw a track. Weight: 0.1, as for ``ONCE``."""
    WEAK = "weak"
    """No detector was sure of a track. Weight: 0.05. It is hidden, so it can only be hidden in vain
    or not for long enough."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place in a video at which a person should look."""

    kind: Kind
    stream: int
    """Number of the video stream in the source, from 0."""
    track: int | None
    """Number of the track in the stream; None: nothing hides it, so it has none."""
    box: Box | None
    """Where the thing is at its surest, or at the end of its track; None: somewhere."""
    first: int
    """First frame to look at."""
    last: int
    """Last frame to look at."""
    start_s: float
    """Presentation time of the first frame, seconds."""
    label: str
    """What the thing is, such as ``face``."""
    weight: float
    """How much it counts, 0 to 1."""
    why: str
    """The reason, for a person."""


@dataclass(frozen=True)
class Stream:
    """What the manifest tells of a video stream."""

    number: int
    """Number of the stream in the source, from 0."""
    frames: int
    """Number of frames."""
    seconds: float
    """Length."""
    detections: Detections
    """What was detected of the labels that are to be hidden, by frame."""
    times: NDArray[np.float64]
    """Presentation time of each detection, seconds; shape (detections,)."""
    regions: Regions
    """What is hidden, by frame."""
    edits: Sequence[Edit] = ()
    """The edits of the stream that are in force, whether its copy follows them or not."""

    @property
    def rate(self) -> float:
        """Average frame rate, frames a second."""
        return self.frames / max(self.seconds, 1e-3)

    @cached_property
    def edited(self) -> Regions:
        """What the edits hide or show."""
        return boxes_of(self.edits)

    def time(self, frame: int) -> float:
        """Return the presentation time of a frame, seconds, or about that."""
        place = int(np.searchsorted(self.detections.frame, frame))
        if place < len(self.times) and self.detections.frame[place] == frame:
            return float(self.times[place])
        near = [at for at in (place - 1, place) if 0 <= at < len(self.times)]
        if not near:
            return frame / self.rate
        known = min(near, key=lambda at: abs(int(self.detections.frame[at]) - frame))
        away = (frame - int(self.detections.frame[known])) / self.rate
        return max(float(self.times[known]) + away, 0.0)

    def doubt(
        self,
        kind: Kind,
        frames: tuple[float, float],
        box: NDArray[np.float64] | None,
        label: str,
        weight: float,
        why: str,
        track: int | None = None,
    ) -> Doubt:
        """Return a doubt about some frames, as far as the stream has them."""
        first = min(max(round(frames[0]), 0), self.frames - 1)
        last = min(max(round(frames[1]), first), self.frames - 1)
        sides = None if box is None else (*box.tolist(),)
        at = self.time(first)
        return Doubt(kind, self.number, track, sides, first, last, at, label, weight, why)
