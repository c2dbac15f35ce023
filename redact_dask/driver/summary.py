"""The summary of a run, as its caller gets it."""

from __future__ import annotations

from dataclasses import dataclass

from redact_dask.errors import Blame
from redact_dask.records import Usage


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A video that this run quarantined: nothing of it is published."""

    path: str
    stage: str
    """Name of the stage that failed."""
    reason: str
    """What went wrong, as one sentence for a person."""
    blame: Blame
    """Whose fault it is."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A video that was published without its damaged parts."""

    path: str
    black: int
    """Number of frames that are black."""
    missing: int
    """Number of frames that are missing after the last one."""
    reason: str
    """What is wrong with the first damaged part, as one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did."""

    videos: int
    published: int
    quarantined: int
    skipped: int
    """Videos that an earlier run published from the same source with the same settings."""
    outdated: int
    """Skipped videos whose copies another version of redact_dask made."""
    frames: int
    """Frames of the videos that this run published."""
    faces: int
    """Tracks of faces hidden in these videos."""
    tracks: dict[str, int]
    """Tracks hidden in these videos, by label."""
    wall_s: float
    """Wall seconds since the command or the call began."""
    output: str
    """URL of the destination."""
    manifest: str
    """URL of the manifest."""
    failed: int
    """Videos that an earlier run quarantined, and that were not retried."""
    left: int
    """Videos that were not begun, since the run was told to end."""
    failures: tuple[Quarantined, ...]
    """The first thousand videos that this run quarantined; the manifest has all."""
    salvaged: tuple[Salvaged, ...]
    """The first thousand published videos that were damaged."""
    lags: tuple[float, ...]
    """Seconds from landing to publishing, for the last hundred videos; empty if the source was not
    watched."""
    usage: Usage
    """Calls to paid services."""
    dollars: float
    """Price of these calls, US dollars; calls that an earlier run paid for cost nothing again."""
    passed_over: str = ""
    """Files and linked folders of the source that were not taken for videos; empty: none."""
    unused_zones: tuple[str, ...] = ()
    """Entries of ``zones`` that fit none of the listed videos: one sentence for each."""
