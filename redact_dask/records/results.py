"""What the stages of a video return, from its detections to the published copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from redact_dask.errors import Blame
from redact_dask.records.columns import Detections, Regions
from redact_dask.records.segments import PublishedStream, TaskTiming
from redact_dask.records.video import Chunk, StreamInfo

STAGES = ("probe", "detect", "track", "render", "join")
"""Names of the stages of a video, in order."""


@dataclass(frozen=True, slots=True)
class Damage:
    """The frames of a GOP that does not decode as it should: its pictures need each other."""

    first_frame: int
    last_frame: int
    """Number of the last damaged frame: beyond the video's last one where its end is missing."""
    reason: str
    """What is wrong, as one sentence for a person."""

    @property
    def frames(self) -> range:
        """The numbers of the frames."""
        return range(self.first_frame, self.last_frame + 1)


@dataclass(frozen=True, slots=True)
class Probed:
    """What a video stream is, and how it is cut into chunks; the first one has those beside it."""

    info: StreamInfo
    chunks: tuple[Chunk, ...]
    target: str
    """URL where the redacted video will be published."""
    occupied: bool
    """Whether the target already holds a file that no earlier attempt at this video has left."""
    missing: Damage | None
    """Frames that the file's index names but that are not there; only if damage is salvaged."""
    timing: TaskTiming
    parts: tuple[Chunk, ...]
    """What the tasks of detection take: the chunks, but several parts of one with a long GOP."""
    beside: tuple[Probed, ...] = ()
    """The same of the file's other video streams that are published, in the source's order."""
    dropped: tuple[str, ...] = ()
    """The file's video streams that are not published, and why: one sentence for each."""

    @property
    def pts(self) -> tuple[int, ...]:
        """The pts of every frame of the stream, ascending."""
        return tuple(ticks for chunk in self.chunks for ticks in chunk.pts)

    @property
    def streams(self) -> tuple[Probed, ...]:
        """What is known of each video stream that is published, in the source's order."""
        return (self, *self.beside)

    @property
    def frames(self) -> int:
        """Number of frames of all streams."""
        return sum(stream.info.frames for stream in self.streams)

    def stream(self, number: int | None) -> Probed:
        """Return what is known of the stream with a number, which is that of its `StreamInfo`."""
        return next(stream for stream in self.streams if stream.info.number == number)


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls to a service that is paid by the call."""

    calls: int = 0
    """Pictures that the service answered, and that are thus paid for."""
    throttled: int = 0
    """Times that the service refused a call because there were too many."""
    retried: int = 0
    """Times that a call failed for another reason, and was made again."""
    by_operation: Mapping[str, int] = field(default_factory=dict)
    """The calls by the service's operations, which have prices of their own."""

    def __add__(self, other: Usage) -> Usage:
        return self._with(other, 1)

    def __sub__(self, other: Usage) -> Usage:
        return self._with(other, -1)

    def _with(self, other: Usage, times: int) -> Usage:
        names = [*self.by_operation, *(other.by_operation.keys() - self.by_operation.keys())]
        of_each = {
            name: self.by_operation.get(name, 0) + times * other.by_operation.get(name, 0)
            for name in sorted(names)
        }
        return Usage(
            self.calls + times * other.calls,
            self.throttled + times * other.throttled,
            self.retried + times * other.retried,
            {name: calls for name, calls in of_each.items() if calls},
        )


def attach_usage(error: Exception, usage: Usage) -> None:
    """Let an error tell which calls were made in vain before it; pickling keeps this."""
    vars(error)["usage"] = usage


def usage_of(result: object) -> Usage:
    """Return the calls to paid services that were made for a stage's result, or before its error.

    >>> usage_of(OSError("a disk is full"))
    Usage(calls=0, throttled=0, retried=0, by_operation={})
    """
    found = getattr(result, "usage", None)
    return found if isinstance(found, Usage) else Usage()


CameraStep = tuple[float, float, float]
"""How what stands still moves from one frame to the next: scale, then shift across and down, pixels
of the stored picture."""


@dataclass(frozen=True, slots=True)
class Detected:
    """What the detectors found in one chunk."""

    chunk: int
    frames: int
    """Frames that were decoded: each was looked at, or lies between two that were."""
    looked_at: int
    """Frames that every detector has looked at."""
    detections: Detections
    """Detections, sorted by frame."""
    detectors: tuple[str, ...]
    """Identity of each detector."""
    damage: tuple[Damage, ...]
    """Frames that no detector looked at, being damaged; only if damage is salvaged."""
    changes: tuple[float, ...]
    """How much each frame differs from the next, which for the last one belongs to the next chunk;
    0 where that is unknown."""
    timing: TaskTiming
    steps: tuple[CameraStep | None, ...] = ()
    """The camera's step from each frame to the next, which for the last one belongs to the next
    chunk; None where it is unknown. Empty: all are unknown."""
    usage: Usage = Usage()
    """Calls to paid services for this result; none if it was loaded from a checkpoint."""
    packets: bytes = b""
    """Digest of the packet of each frame, as it was decoded; empty: they are unknown."""
    pictures: bytes = b""
    """Digest of each frame's picture; empty: they are unknown."""
    stream: int | None = None
    """Number of the chunk's stream, as in its `StreamInfo`."""

    @property
    def frames_damaged(self) -> int:
        """Number of frames that no detector looked at, being damaged."""
        return sum(len(lost.frames) for lost in self.damage)


@dataclass(frozen=True, slots=True)
class Tracked:
    """What will be hidden in a whole video stream."""

    plan: tuple[str | None, ...]
    """URL of each chunk's regions in the work area; None: the chunk has nothing to hide."""
    tracks: tuple[tuple[str, int], ...]
    """Each label of what will be hidden, and the number of its tracks, sorted by label."""
    damage: tuple[Damage, ...]
    """Damage whose frames will be black, sorted by frame."""
    timing: TaskTiming
    packets: bytes = b""
    """Digest of the packet of each frame, as it was decoded; fewer: not all are known."""
    pictures: bytes = b""
    """Digest of each frame's picture; empty: not all are known."""
    stream: int | None = None
    """Number of the stream, as in its `StreamInfo`."""
    has_copies: bool = False
    """Whether a GOP is copied from the source."""
    published: PublishedStream | None = None
    """The same stream of the copy that is published now; None: nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The published video."""

    output: str
    """URL of the video."""
    size: int
    """Size in bytes."""
    sha256: str
    """SHA-256 of the file, hexadecimal."""
    why_encoded: str
    """Why copied GOPs were encoded in the end; empty: none were."""
    regions: Regions
    """What is hidden in it, or in its first video stream."""
    timing: TaskTiming
    beside: tuple[Regions, ...] = ()
    """What is hidden in its other video streams, in order."""
    source_sha256: str | None = None
    """SHA-256 of the source's file, hexadecimal."""
    replaces: str | None = None
    """SHA-256 of the copy that was at its place before, hexadecimal; None: none was."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a video was not published."""

    stage: str
    """Name of the stage that failed."""
    reason: str
    """What went wrong, as one sentence for a person."""
    kind: str
    """Name of the error's class."""
    blame: Blame
    """Whose fault it is."""
