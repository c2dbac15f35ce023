"""The job of one video: all that its stages need to know."""

from __future__ import annotations

from dataclasses import dataclass

from redact_dask import storage
from redact_dask.config import Config
from redact_dask.records import StreamInfo, Video
from redact_dask.records.edits import Edit
from redact_dask.redaction import zones
from redact_dask.storage import layout


@dataclass(frozen=True, slots=True)
class Job:
    """One video to redact, with all that its stages need to know."""

    video: Video
    destination: str
    """URL of the destination's root."""
    work: str
    """URL of this video's folder in the work area, in storage that all workers share."""
    config: Config
    lease: str | None = None
    """URL of the lease of the job's run. Once the lease is gone, the job publishes nothing.
    None: the job belongs to no run."""
    is_first_attempt: bool = False
    """Whether damage is an error even where it may be salvaged: another attempt will see it too."""

    least_chunks: int = 1
    """Number of chunks that the video should have for all threads to have work, if its keyframes
    allow it. The setting ``chunk.seconds`` comes first."""
    edits: tuple[Edit, ...] = ()
    """What people have changed about what is hidden: the edits in force."""

    @classmethod
    def of(cls, video: Video, destination: str, config: Config, lease: str | None = None) -> Job:
        """Return the job of a video, with its folder in the configured work area."""
        work = layout.work_area(destination, config.work)
        return cls(video, destination, storage.join(work, video.id), config, lease)

    @property
    def salvages(self) -> bool:
        """Whether damaged GOPs are left out, instead of being an error."""
        return self.config.on_damage == "salvage" and not self.is_first_attempt

    def covered(self, info: StreamInfo) -> zones.Area | None:
        """Return what is covered on each frame of a stream of the video; None: nothing is."""
        return zones.hidden(self.config.zones, self.video.path, info)

    @property
    def source_root(self) -> str:
        """URL of the folder or prefix that the video's path is relative to."""
        return self.video.source.removesuffix(f"/{self.video.path}")

    @property
    def paid(self) -> str:
        """URL of the folder with what paid detectors found; it outlasts the work area."""
        return layout.paid(self.destination, self.video.id)

    @property
    def kept(self) -> str | None:
        """URL of the folder with what another rendering may use; None: nothing is kept for it."""
        if self.config.evidence.keep_detections_days == 0:
            return None
        return layout.kept(self.destination, self.video.id)
