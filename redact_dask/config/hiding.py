"""Settings of what is hidden, and how: for all things, and for those of one label."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from redact_dask.config.loading import Section


class TrackSettings(Section):
    """How detections become regions over the whole video."""

    start: float = Field(0.3, ge=0, le=1)
    """Least confidence, 0 to 1, of a detection that proves its track; other tracks are dropped."""
    extend: float = Field(0.1, ge=0, le=1)
    """Least confidence, 0 to 1, of a detection that may extend a proven track."""
    gap_s: float = Field(1.0, ge=0)
    """Longest time without a detection that is filled within a track, seconds."""
    pad_s: float = Field(0.5, ge=0)
    """Time by which a track is prolonged at each end, seconds. What the detector has lost goes on
    by its own velocity at first, and then with the scene. What stands still is
    followed for 2 s while the picture's border cuts it and the camera's motion is known."""
    steady_s: float = Field(0.8, ge=0)
    """Time before and after a frame within which a track's boxes are united, carried along its
    motion, seconds. A detector's boxes jitter, and some are too small."""
    margin: float = Field(0.13, ge=0)
    """Share of a box's width and height that is added on each side of the box."""
    slack: float = Field(0.0015, ge=0)
    """Share of the picture's longer side that is also added on each side of a box. A detector's
    boxes are off by about a cell of its grid, whatever the size of the face."""


class RedactSettings(Section):
    """How a region is made unrecognisable."""

    style: Literal["pixelate", "gaussian", "solid"] = "pixelate"
    """``pixelate`` averages cells of a region, ``gaussian`` blurs it, ``solid`` covers it."""
    cells: int = Field(3, ge=1, le=8)
    """Number of averaged cells along the longer side of a region, whatever its size, for
    ``pixelate``. A cell is at least 4 pixels wide, so a small region has fewer."""
    radius: float = Field(20.0, gt=0)
    """Standard deviation of the blur, pixels, for ``gaussian``. A region whose longer side is more
    than 3 of them gets a larger one."""
    shape: Literal["rectangle", "ellipse"] = "rectangle"
    """``rectangle`` changes the region itself. ``ellipse`` changes the ellipse through its corners,
    which covers all of the region."""


class LabelSettings(Section):
    """How the things of one label are hidden, where that differs from all others.

    ``labels.plate`` is about the boxes that a detector labels ``plate``. What is not given here is
    as in the sections ``track`` and ``redact``.
    """

    hide: bool = True
    """Whether things of this label are hidden. If not, they are only noted in the manifest."""
    track: TrackSettings = TrackSettings()
    """Settings of ``track`` that differ for this label."""
    redact: RedactSettings = RedactSettings()
    """Settings of ``redact`` that differ for this label."""
