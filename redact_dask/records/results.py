"""What the stages of a video return, from its detections to the published copy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from redact_dask.records.video import Chunk, Keyframe, StreamInfo

STAGES = ("probe", "detect", "track", "render", "join")
"""Names of the stages of a video, in order."""


@dataclass(frozen=True, slots=True)
class TaskTiming:
    """When and where a stage ran, and how long each of its steps took."""

    started: float
    """Seconds since the epoch."""
    ended: float
    """Seconds since the epoch."""
    steps: tuple[tuple[str, float], ...]
    """Name of each step and its wall seconds."""
    host: str
    worker: str = ""
    """Name of the Dask worker; empty outside a cluster."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Something to hide, as a detector saw it on one frame."""

    frame: int
    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float
    """Between 0 and 1."""
    label: str
    """Class of the thing, ``face`` for one."""
    detector: str
    """Registered name of the detector."""


class RegionOrigin(StrEnum):
    """RegionOrigin a region is hidden."""

    DETECTED = "detected"
    INTERPOLATED = "interpolated"
    PADDED = "padded"


@dataclass(frozen=True, slots=True)
class Region:
    """An area that will be hidden on one frame, with its margin, inside the picture."""

    frame: int
    track: int
    """Number of the track in its video, from 0."""
    x0: float
    y0: float
    x1: float
    y1: float
    origin: RegionOrigin


@dataclass(frozen=True, slots=True)
class Damage:
    """Frames that do not decode as they should: all of a GOP, since one picture needs another."""

    first_frame: int
    last_frame: int
    """Beyond the video's last frame where its end is missing."""
    reason: str
    """One sentence for a person."""

    @property
    def frames(self) -> range:
        """The numbers of the frames."""
        return range(self.first_frame, self.last_frame + 1)


@dataclass(frozen=True, slots=True)
class Probed:
    """What the video is, and how it is cut."""

    info: StreamInfo
    chunks: tuple[Chunk, ...]
    target: str
    """URL where the redacted video will be published."""
    occupied: bool
    """Whether a file is there already that no earlier attempt at this video has left."""
    missing: Damage | None
    """Frames that the file's index names and that are not there; salvaging only."""
    timing: TaskTiming

    @property
    def pts(self) -> tuple[int, ...]:
        """The pts of every frame of the video, ascending."""
        return tuple(ticks for chunk in self.chunks for ticks in chunk.pts)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked of a service that is paid by the call."""

    calls: int = 0
    """Pictures that were answered, and so are paid for."""
    throttled: int = 0
    """Times that it said: too many calls."""
    retried: int = 0
    """Times that it failed otherwise, and was asked again."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.throttled + other.throttled,
            self.retried + other.retried,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.calls - other.calls,
            self.throttled - other.throttled,
            self.retried - other.retried,
        )


@dataclass(frozen=True, slots=True)
class Detected:
    """What was seen in one chunk."""

    chunk: int
    frames: int
    """Frames that were decoded, and looked at or between two that were."""
    looked_at: int
    """Frames that every detector has looked at."""
    detections: tuple[Detection, ...]
    """By frame."""
    detectors: tuple[str, ...]
    """Identity of each detector."""
    damage: tuple[Damage, ...]
    """Frames that nobody has looked at; salvaging only."""
    changes: tuple[float, ...]
    """By how much each frame differs from the one before; 0 where that is unknown."""
    edges: tuple[bytes, bytes]
    """Thumbnails of the first and the last frame; empty: damaged."""
    timing: TaskTiming
    usage: Usage = Usage()
    """Of services, for this result; none if it was recalled."""

    @property
    def frames_damaged(self) -> int:
        """Frames that nobody has looked at."""
        return sum(len(lost.frames) for lost in self.damage)


@dataclass(frozen=True, slots=True)
class Tracked:
    """What will be hidden in the whole video."""

    regions: tuple[Region, ...]
    """By frame."""
    damage: tuple[Damage, ...]
    """Frames that will be black, by frame."""
    timing: TaskTiming


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive frames that will be copied from the source, or come from one segment."""

    frames: int
    start: Keyframe
    """Where they start in the source."""
    url: str | None
    """URL in the work area; None: copied."""
    reorder_depth: int
    """As in `StreamInfo`, of these frames."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Where the redacted frames of one chunk wait."""

    chunk: int
    frames: int
    segments: tuple[Segment, ...]
    """In order."""
    timing: TaskTiming

    @property
    def copied(self) -> int:
        """Number of frames that are copied."""
        return sum(segment.frames for segment in self.segments if segment.url is None)


@dataclass(frozen=True, slots=True)
class Joined:
    """The published video."""

    output: str
    """URL."""
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""
    why_encoded: str
    """RegionOrigin gops that had been copied were encoded in the end; empty: they were not."""
    timing: TaskTiming


@dataclass(frozen=True, slots=True)
class Failure:
    """RegionOrigin a video was not published."""

    stage: str
    reason: str
    """One sentence for a person."""
    kind: str
    """Name of the error's class."""
