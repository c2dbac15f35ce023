"""A source video: where it is, what its stream is, and how it is cut."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


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
class StreamInfo:
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
    """RegionOrigin no gop may be copied, and all is encoded; empty: gops may be copied."""
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
class Gop:
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
    gops: tuple[Gop, ...]
    """In order; together all frames."""

    def slice(self, first: int, stop: int) -> Chunk:
        """Return the chunk of some of its gops: from one, up to but without another."""
        begin = sum(gop.frames for gop in self.gops[:first])
        gops = self.gops[first:stop]
        end = begin + sum(gop.frames for gop in gops)
        pts = self.pts[begin:end]
        return Chunk(self.index, gops[0].start, self.first_frame + begin, pts, gops)

    @property
    def last_frame(self) -> int:
        """Number of the chunk's last frame in the video."""
        return self.first_frame + len(self.pts) - 1

    @property
    def frames(self) -> range:
        """The numbers of the chunk's frames in the video."""
        return range(self.first_frame, self.first_frame + len(self.pts))
