"""Where something on a stored picture is shown: upright, and with square pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redact_dask.records import StreamInfo

Sides = tuple[float, float, float, float]
"""Left, upper, right and lower edge of a box, pixels."""
_MOST_ASPECT = 2
"""A sample aspect ratio above this, or below its reciprocal, is taken for an error of the file, as
detectors take it."""


@dataclass(frozen=True, slots=True)
class Display:
    """How the pictures of a stream are shown.

    A picture is stretched to square pixels, and then turned. One that is also mirrored is shown as
    it is stored: what matters is that boxes lie where they belong.

    >>> phone = Display(width=1920, height=1080, turns=1, stretched=1920)
    >>> phone.size, phone.shown((0, 0, 100, 50)), phone.stored((0, 1820, 50, 1920))
    ((1080, 1920), (0, 1820.0, 50, 1920.0), (0.0, 0, 100.0, 50))
    """

    width: int
    """Width of the stored picture, pixels."""
    height: int
    """Height of the stored picture, pixels."""
    turns: int
    """Counter-clockwise quarter turns, 0 to 3."""
    stretched: int
    """Width of the stored picture with square pixels, before it is turned."""

    @classmethod
    def of(cls, info: StreamInfo) -> Display:
        """Return how the pictures of a stream are shown."""
        aspect = info.sample_aspect_ratio
        stretched = info.width
        if 1 <= max(aspect, 1 / aspect) <= _MOST_ASPECT:
            stretched = max(round(info.width * aspect), 1)
        return cls(info.width, info.height, info.quarter_turns, stretched)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture that is shown, pixels."""
        size = self.stretched, self.height
        return size[::-1] if self.turns % 2 else size

    def shown(self, box: Sequence[float]) -> Sides:
        """Return where a box on the stored picture is shown."""
        scale, (x0, y0, x1, y1) = self.stretched / self.width, box
        x0, x1 = x0 * scale, x1 * scale
        across, down = self.stretched, self.height
        for _ in range(self.turns):
            x0, y0, x1, y1 = y0, across - x1, y1, across - x0
            across, down = down, across
        return x0, y0, x1, y1

    def stored(self, box: Sequence[float]) -> Sides:
        """Return the box on the stored picture that is shown at a place."""
        scale, (x0, y0, x1, y1) = self.stretched / self.width, box
        across, down = self.size
        for _ in range(self.turns):
            x0, y0, x1, y1 = down - y1, x0, down - y0, x1
            across, down = down, across
        return x0 / scale, y0, x1 / scale, y1
