"""The frozen records that pass between stages.

Conventions, everywhere in the package:

- A *frame* is a number: the rank of a picture in presentation order, from 0, over the whole video.
- *pts* are presentation timestamps in ticks of the source video stream's ``time_base``.
- Boxes are ``x0, y0, x1, y1`` in pixels of the *stored* picture (before any display rotation), with
  the origin at the upper left corner; ``x0, y0`` belong to the box, ``x1, y1`` do not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from redact_dask.pipeline.timing import Work


@dataclass(frozen=True, slots=True)
class Video:
    """One source video, as the inventory found it."""

    source: str
    """URI of the source."""
    path: str
    """Path below the source root, with ``/``; the destination mirrors it."""
    size: int
    """Size in bytes."""
    version: str
    """What changes when the content does: the store's ETag, or size and modification time."""
    modified: float | None = None
    """When it was last written, seconds since the epoch; None: the store does not tell."""

    @property
    def id(self) -> str:
        """Short name of this version of this source: 16 hexadecimal digits of a SHA-256."""
        return hashlib.sha256(f"{self.source}\n{self.version}".encode()).hexdigest()[:16]


class Fields(StrEnum):
    """Order of the fields of a picture."""

    PROGRESSIVE = "progressive"
    TOP_FIRST = "top field first"
    BOTTOM_FIRST = "bottom field first"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a video stream is, read from its packets without decoding."""

    codec: str
    """FFmpeg's name of the video codec."""
    width: int
    """Width of the stored picture, pixels."""
    height: int
    """Height of the stored picture, pixels."""
    pixel_format: str
    """FFmpeg's name of the pixel format."""
    quarter_turns: int
    """Counter-clockwise quarter turns, 0 to 3, that bring the upper side of the picture up."""
    display_matrix: tuple[int, ...]
    """The nine numbers of the display matrix; empty if the picture is shown as it is stored."""
    fields: Fields
    """Whether pictures are two fields, woven, and which of them comes first."""
    sample_aspect_ratio: Fraction
    """Width of a pixel by its height."""
    color_range: int
    """FFmpeg's number of the colour range; the next three are code points of ITU-T H.273."""
    color_primaries: int
    color_transfer: int
    color_space: int
    time_base: Fraction
    """Seconds a tick of the video's pts."""
    rate: Fraction
    """Average frame rate, frames a second."""
    frames: int
    """Number of frames."""
    seconds: float
    """Time from the first frame's pts to the last frame's, plus one average frame."""
    audio: tuple[str, ...]
    """FFmpeg's codec names of the audio streams, in order."""
    parameter_sets: bytes
    """The decoder's extradata, as the container gives it."""
    reorder_depth: int
    """Most frames that come before another in decoding order and after it on the screen."""
    why_encoded: str
    """Why no span may be copied, and all is encoded; empty: spans may be copied."""
    raw_pts: tuple[int, ...] = ()
    """The pts that each packet of a raw stream gets, in file order; empty: packets have their own.
    """


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A packet at which decoding can start, with what it takes to recognise it after a seek."""

    pts: int
    size: int
    """Bytes."""
    place: int
    """Where to seek to: its dts, or its pts in a container that tells no dts."""


@dataclass(frozen=True, slots=True)
class Span:
    """The frames of a chunk that belong to one GOP: they are copied or encoded together."""

    start: Keyframe
    frames: int
    copyable: bool
    """Whether it can be decoded alone, and all its pictures are shown."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A range of consecutive frames that can be decoded alone."""

    index: int
    """Number of the chunk in its video, from 0."""
    start: Keyframe
    """Where decoding starts."""
    first_frame: int
    """Number of the chunk's first frame in the video."""
    pts: tuple[int, ...]
    """The pts of every frame that the chunk owns, ascending."""
    spans: tuple[Span, ...]
    """In order; together all frames."""

    def part(self, first: int, stop: int) -> Chunk:
        """Return the chunk of some of its spans: from one, up to but without another."""
        begin = sum(span.frames for span in self.spans[:first])
        spans = self.spans[first:stop]
        end = begin + sum(span.frames for span in spans)
        pts = self.pts[begin:end]
        return Chunk(self.index, spans[0].start, self.first_frame + begin, pts, spans)

    @property
    def last_frame(self) -> int:
        """Number of the chunk's last frame in the video."""
        return self.first_frame + len(self.pts) - 1

    @property
    def frames(self) -> range:
        """The numbers of the chunk's frames in the video."""
        return range(self.first_frame, self.first_frame + len(self.pts))


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


class Why(StrEnum):
    """Why a region is hidden."""

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
    why: Why


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

    facts: Facts
    chunks: tuple[Chunk, ...]
    target: str
    """URL where the redacted video will be published."""
    occupied: bool
    """Whether a file is there already that no earlier attempt at this video has left."""
    missing: Damage | None
    """Frames that the file's index names and that are not there; salvaging only."""
    work: Work

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
    work: Work
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
    work: Work


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive frames that will be copied from the source, or come from one segment."""

    frames: int
    start: Keyframe
    """Where they start in the source."""
    segment: str | None
    """URL in the work area; None: copied."""
    reorder_depth: int
    """As in `Facts`, of these frames."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Where the redacted frames of one chunk wait."""

    chunk: int
    frames: int
    parts: tuple[Part, ...]
    """In order."""
    work: Work

    @property
    def copied(self) -> int:
        """Number of frames that are copied."""
        return sum(part.frames for part in self.parts if part.segment is None)


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
    """Why spans that had been copied were encoded in the end; empty: they were not."""
    work: Work


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a video was not published."""

    stage: str
    reason: str
    """One sentence for a person."""
    kind: str
    """Name of the error's class."""
