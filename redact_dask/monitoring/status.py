"""The status of a run: what it has done, and how far it is."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from redact_dask.records import FACE, Usage

_STEPS = 2
"""Steps of each frame: it is analysed once and rendered once."""


@dataclass(slots=True)
class Counts:
    """Numbers of the videos that are listed so far."""

    pending: int = 0
    """Videos that this run has to do, also those that are finished meanwhile."""
    done: int = 0
    """Videos that earlier runs published."""
    outdated: int = 0
    """Those of them whose copies another version of the package made."""
    failed: int = 0
    """Videos that earlier runs quarantined, and that are not retried."""
    bytes_pending: int = 0
    """Size of all pending videos, bytes."""
    complete: bool = False
    """Whether the source is listed to its end."""

    @property
    def videos(self) -> int:
        """Number of all videos that are listed so far."""
        return self.pending + self.done + self.failed


@dataclass(slots=True)
class Status:
    """Counters of a run; the driver keeps them up to date."""

    counts: Counts
    """Videos that are listed so far."""
    endless: bool = False
    """Whether more videos will come until the run is drained."""
    paused: int = 0
    """Workers that Dask has paused, because their memory is nearly full."""
    begun: int = 0
    published: int = 0
    quarantined: int = 0
    frames: int = 0
    """Frames of published videos."""
    tracks: Counter[str] = field(default_factory=Counter)
    """Tracks hidden in published videos, by label."""
    bytes_probed: int = 0
    frames_probed: int = 0
    frames_analysed: int = 0
    frames_rendered: int = 0
    usage: Usage = field(default_factory=Usage)
    """Calls to paid services."""
    dollars: float = 0.0
    """Price of these calls, US dollars."""
    frames_given_up: int = 0
    """Frames of quarantined videos that will not be analysed, plus those that will not be rendered.
    """
    lags: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    """Seconds from the writing of a source to the publishing of its copy, for the last hundred
    videos."""
    started: float = field(default_factory=time.monotonic)
    """When the run's command or call began, seconds of `time.monotonic`."""

    @property
    def faces(self) -> int:
        """Tracks of faces hidden in published videos."""
        return self.tracks[FACE]

    @property
    def ended(self) -> int:
        """Number of videos that nothing more is done with."""
        return self.published + self.quarantined + self.counts.done + self.counts.failed

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the start."""
        return time.monotonic() - self.started

    @property
    def frames_per_second(self) -> float:
        """Frames per wall second; one that is analysed and not rendered yet counts as a half."""
        return (self.frames_analysed + self.frames_rendered) / _STEPS / self.elapsed_s

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
        """Wall seconds to the end at the present speed; None: not known yet."""
        share = self.share
        return self.elapsed_s * (1 - share) / share if share else None


Observer = Callable[[Status], None]
"""A function that is called with the status after each change."""
