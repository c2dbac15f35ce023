"""The outcome of a simulated run, and what it says of a longer one."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in a simulated run."""

    wall_s: float
    """Wall seconds."""
    videos: int
    """Number of videos."""
    window: int
    """Most videos in flight."""
    landed: list[float] = field(repr=False)
    """Times at which videos were finished, seconds from the start, ascending."""
    lost_s: float
    """Seconds of work that were lost with workers, summed up over slots."""
    use: dict[str, float]
    """Share of the time that each resource was busy; a slot that waits for its turn with the quota
    or the store is not, but one that waits for an answer is. ``longest video`` is the share of the
    time that this video would take alone."""

    @property
    def bottleneck(self) -> str:
        """Name of the resource that was busiest."""
        return max(self.use, key=self.use.__getitem__)

    @property
    def videos_per_s(self) -> float:
        """Speed in the middle of the run, videos a second; filling and draining do not count.

        Whole windows are counted, since the videos of a window may end in one burst.
        """
        low, windows = self.videos // 4, self.videos // 2 // self.window
        if not windows:
            return self.videos / self.landed[-1]
        high = low + windows * self.window
        return (high - low) / (self.landed[high] - self.landed[low])

    def extended_s(self, videos: int) -> float:
        """Return the wall seconds of this many videos like these, at the same speed."""
        return self.wall_s + (videos - self.videos) / self.videos_per_s
