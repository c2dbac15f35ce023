"""How far a run is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from redact_dask.records import Usage

_STEPS = 2
"""Each frame is analysed once and rendered once."""


@dataclass(slots=True)
class Counts:
    """What is known of the source until now."""

    pending: int = 0
    done: int = 0
    failed: int = 0
    bytes_pending: int = 0
    complete: bool = False
    """Whether it is listed to its end."""

    @property
    def videos(self) -> int:
        """All that were listed."""
        return self.pending + self.done + self.failed


@dataclass(slots=True)
class Status:
    """Counters of a run; the driver keeps them up to date."""

    counts: Counts
    """What is known of the source."""
    endless: bool = False
    """Whether more videos will come until the run is drained."""
    begun: int = 0
    published: int = 0
    quarantined: int = 0
    frames: int = 0
    """Frames of published videos."""
    faces: int = 0
    """Tracks hidden in published videos."""
    bytes_probed: int = 0
    frames_probed: int = 0
    frames_analysed: int = 0
    frames_rendered: int = 0
    usage: Usage = field(default_factory=Usage)
    """Of paid services."""
    dollars: float = 0.0
    """Price of that."""
    frames_given_up: int = 0
    """Frames that will not be analysed or rendered, counted once for each of the two."""
    lags: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    """Seconds from the time that a source was written to its copy, of the last that were published.
    """
    started: float = field(default_factory=time.monotonic)

    @property
    def ended(self) -> int:
        """Videos that nothing more is done with."""
        return self.published + self.quarantined + self.counts.done + self.counts.failed

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the start."""
        return time.monotonic() - self.started

    @property
    def frames_per_second(self) -> float:
        """Frames rendered a wall second."""
        return self.frames_rendered / self.elapsed_s

    @property
    def share(self) -> float:
        """Share of the work that is done, 0 to 1; videos not yet probed count by their bytes."""
        if not self.frames_probed or not self.bytes_probed:
            return 0.0
        expected = _STEPS * self.frames_probed * self.counts.bytes_pending / self.bytes_probed
        done = self.frames_analysed + self.frames_rendered + self.frames_given_up
        return min(done / expected, 1.0)

    @property
    def seconds_left(self) -> float | None:
        """Wall seconds to the end at the present speed; None while nothing is known."""
        share = self.share
        return self.elapsed_s * (1 - share) / share if share else None


Observer = Callable[[Status], None]
"""Is called with the status after each change."""
