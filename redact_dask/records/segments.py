"""What a rendered video stream consists of: segments, and the pieces that a later copy may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redact_dask.records.video import Keyframe, StreamInfo


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
    """Name of the machine."""
    worker: str = ""
    """Name of the Dask worker; empty outside a cluster."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive frames that were encoded together, beginning with an IDR picture."""

    frames: int
    """Number of frames."""
    name: str
    """Hash of all that decides what they show: two pieces of one name show the same."""


@dataclass(frozen=True, slots=True)
class PublishedPiece:
    """A piece of a published copy, and where it lies there."""

    piece: Piece
    start: Keyframe
    """Its first packet in the copy, in ticks of the copy's time base."""
    reorder_depth: int
    """Reorder depth of its segment, as in `StreamInfo`."""
    digest: str
    """Hash of all its packets and of the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class PublishedStream:
    """The pieces of one video stream of a published copy."""

    url: str
    """URL of the copy."""
    number: int | None
    """Number of the stream among the video streams of the copy, from 0; None: it is the only one.
    """
    pieces: tuple[PublishedPiece, ...]
    """Pieces in their order; what lies between them cannot be taken."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive frames that are copied from the source, or lie in one file of the work area."""

    frames: int
    start: Keyframe
    """Keyframe at which the frames start in the source."""
    url: str | None
    """URL of the file in the work area; None: the frames are copied."""
    reorder_depth: int
    """Reorder depth of these frames, as in `StreamInfo`."""
    sha256: str = ""
    """SHA-256 of the file, hexadecimal; empty: the frames are copied."""
    pieces: tuple[Piece, ...] = ()
    """What it consists of; empty if no later copy may take any of it."""
    is_taken: bool = False
    """Whether its packets are those of the copy that was published before."""


@dataclass(frozen=True, slots=True)
class Footage:
    """All that one video stream of the copy shows."""

    segments: tuple[Segment, ...]
    """Segments in presentation order, which together hold all frames."""
    pts: Sequence[int]
    """The pts of every frame of the source's stream, ascending, in ticks of its time base."""
    info: StreamInfo
    """What the source's stream is."""
    decoded: bytes = b""
    """Digest of each frame's packet, as it was decoded when the frame was analysed: what is copied
    must be the same. Empty, or of fewer frames: they are unknown."""
    pictures: bytes = b""
    """Digest of each frame's picture, as it was analysed: what is encoded must be the same. Empty:
    they are unknown."""

    @property
    def has_copies(self) -> bool:
        """Whether a segment is copied."""
        return any(segment.url is None for segment in self.segments)

    @property
    def has_taken(self) -> bool:
        """Whether a segment is taken from the copy that was published before."""
        return any(segment.is_taken for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Where the redacted frames of one chunk are stored."""

    chunk: int
    frames: int
    segments: tuple[Segment, ...]
    """Segments of the chunk, in presentation order."""
    timing: TaskTiming
    stream: int | None = None
    """Number of the chunk's stream, as in its `StreamInfo`."""

    @property
    def copied(self) -> int:
        """Number of frames that are copied."""
        return sum(segment.frames for segment in self.segments if segment.url is None)

    @property
    def taken(self) -> int:
        """Number of frames that are taken from the copy that was published before."""
        return sum(segment.frames for segment in self.segments if segment.is_taken)
