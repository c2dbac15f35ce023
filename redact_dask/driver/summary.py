"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass

from redact_dask.records import Usage


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A video that was not published."""

    path: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A video that was published without its damaged parts."""

    path: str
    black: int
    """Frames that are black."""
    missing: int
    """Frames that should follow the last one."""
    reason: str
    """Of the first damage."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did."""

    videos: int
    published: int
    quarantined: int
    skipped: int
    """Published by an earlier run from the same source with the same settings."""
    frames: int
    """Frames of the videos that this run published."""
    faces: int
    """Tracks hidden in them."""
    wall_s: float
    output: str
    """URL of the destination."""
    manifest: str
    """URL of the manifest."""
    failed: int
    """Quarantined by an earlier run, and not tried again."""
    left: int
    """Not begun, since the run was told to end."""
    failures: tuple[Quarantined, ...]
    """The first thousand of those that this run quarantined; the manifest has all."""
    salvaged: tuple[Salvaged, ...]
    """Those of the published videos that were damaged, the first thousand."""
    lags: tuple[float, ...]
    """Seconds from landing to publishing of the last hundred videos of a source that was watched.
    """
    usage: Usage
    """What was asked of paid services."""
    dollars: float
    """Its price; nothing for what an earlier run had paid for."""
