"""What is to be done with one video."""

from __future__ import annotations

from dataclasses import dataclass

from redact_dask import storage
from redact_dask.config import Config
from redact_dask.records import Video
from redact_dask.storage import layout


@dataclass(frozen=True, slots=True)
class Job:
    """What all stages of one video need to know."""

    video: Video
    destination: str
    """URL of the destination's root."""
    work: str
    """URL of this video's part of the work area, in storage that all workers share."""
    config: Config
    lease: str | None = None
    """URL of the lease of the run that the job belongs to: once that is gone, nothing is published.
    None: the job belongs to no run."""

    @classmethod
    def of(cls, video: Video, destination: str, config: Config, lease: str | None = None) -> Job:
        """Return the job of a video, with the work area that is configured."""
        work = layout.work_area(destination, config.work)
        return cls(video, destination, storage.join(work, video.id), config, lease)

    @property
    def paid(self) -> str:
        """URL of what paid detectors saw on this video: it is kept when the work area is swept."""
        return layout.paid(self.destination, self.video.id)
