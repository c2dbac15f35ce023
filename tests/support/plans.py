"""A plan of what is hidden, without detecting and tracking; and settings for all labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from redact_dask.pipeline import checkpoints
from redact_dask.pipeline.job import Job
from redact_dask.records import Probed, Region, Regions, Tracked

Settings = TypeVar("Settings")


def for_all(settings: Settings) -> Callable[[str], Settings]:
    """Return settings that hold for every label."""
    return lambda _label: settings


def plan(job: Job, probed: Probed, regions: Iterable[Region] = ()) -> Tracked:
    """Save regions, which are sorted by frame, as `stages.track` does."""
    found = Regions.of(regions)
    saved = checkpoints.save_plan(job.work, found, probed.chunks)
    return Tracked(saved, found.tracks, (), probed.timing)
