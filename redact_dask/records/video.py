"""A source video: where it is, what its stream is, and how it is cut into chunks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Video:
    """One source video, as the listing found it."""

    source: str
    """URI of the source."""
    path: str
    """Path below the source root, separated by ``/``; the destination mirrors it."""
    size: int
    """Size in bytes."""
    version: str
    """Text that changes when the content does: the store's ETag, or size and modification time."""
    modified: float | None = None
    """Time of the last change, seconds since the epoch; None: the store does not tell it."""

    @property
    def id(self) -> str:
        """Short name of this version of this source; see `video_id`."""
        return video_id(self.path, self.version)


def video_id(path: str, version: str) -> str:
    """Return the short name of a version of a source: 16 hexadecimal digits of a SHA-256.

    The source's root is not part of it: a disk may be mounted elsewhere the next night.
    """
    return hashlib.sha256(f"{path}\n{version}".encode()).hexdigest()[:16]


class Fields(StrEnum):
    """Whether a picture consists of two fields, and which of them is shown first."""

    PROGRESSIVE = "progressive"
    TOP_FIRST = "top field first"
    BOTTOM_FIRST = "bottom field first"


@dataclass(frozen=True, slots=True)
class Clock:
    """Pts of packets, where the container does not give each frame a time of its own."""

    pts: tuple[int | None, ...] = ()
    """Pts of each packet, None for one that begins no frame; empty: the packets have their own."""
    by_dts: bool = False
    """Whether a packet's place in ``pts`` is its dts; else it is its place in the file."""
    moved: tuple[tuple[int, int, int], ...] = ()
    """Pts, size in bytes and new pts of each packet whose pts an earlier packet has, too."""

    @property
    def counts(self) -> bool:
        """Whether packets have to be counted from the start of the file."""
        return bool(self.pts) and not self.by_dts


@dataclass(frozen=True, slots=True)
class Appearance:
    """How the pictures of a stream are to be shown; empty tuples where nothing is told."""

    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Pixels that only the container crops: on the left, right, top and bottom."""
    aspect: float = 1.0
    """Width of a pixel divided by its height."""
    rotation: tuple[float, ...] = ()
    """The four numbers of the display matrix that turn, mirror and scale the picture."""
    colours: tuple[bool, int, int, int] = (False, 2, 2, 2)
    """Whether all values of a sample are used; primaries, transfer and matrix of ITU-T H.273."""
    projection: tuple[int, ...] = ()
    """FFmpeg's ``AVSphericalMapping``: how a picture is folded around the camera."""
    stereo: tuple[int, ...] = ()
    """FFmpeg's ``AVStereo3DType``: where in a picture the picture of each eye is."""
    container_tells_stereo: bool = False
    """Whether the container tells ``stereo``: in the copy, only the pictures tell it."""
    dolby_vision: bool = False
    """Whether the container announces messages of Dolby Vision, which the copy lacks."""
    mastering_display: tuple[int, ...] = ()
    """Colours and luminances of the display on which the video was graded, in the units of H.264:
    x and y of red, green, blue and white in 1/50000, least and greatest in 1/10000 cd/m2."""
    light_level: tuple[int, ...] = ()
    """Greatest light level of a pixel, and greatest average of a frame, cd/m2."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a video stream is, read from its packets without decoding."""

    codec: str
    """FFmpeg's name of the video codec."""
    width: int
    """Width of the picture without what the container crops, pixels."""
    height: int
    """Height of the picture without what the container crops, pixels."""
    pixel_format: str
    """FFmpeg's name of the pixel format."""
    quarter_turns: int
    """Counter-clockwise quarter turns, 0 to 3, that turn the stored picture upright."""
    display_matrix: tuple[int, ...]
    """The nine numbers of the display matrix; empty if the picture is shown as it is stored."""
    fields: Fields
    """Whether each picture weaves two fields together, and which of them comes first."""
    sample_aspect_ratio: Fraction
    """Width of a pixel divided by its height."""
    color_range: int
    """FFmpeg's number of the colour range; the next three are code points of ITU-T H.273."""
    color_primaries: int
    color_transfer: int
    color_space: int
    time_base: Fraction
    """Length of one tick of the video's pts, seconds."""
    rate: Fraction
    """Average frame rate, frames a second."""
    frames: int
    """Number of frames."""
    seconds: float
    """Time from the first frame's pts to the last frame's plus one average frame, seconds."""
    audio: tuple[str, ...]
    """FFmpeg's codec names of the audio streams that have packets, in order."""
    audio_streams: tuple[int, ...]
    """Numbers of these streams in the container."""
    audio_start: Fraction
    """When the first audio packet begins, seconds on the clock of the pictures; 0 without audio."""
    parameter_sets: bytes
    """The decoder's extradata, as the container gives it."""
    reorder_depth: int
    """Most frames that come before any one frame in decoding order, but are shown after it."""
    why_encoded: str
    """Why no GOP may be copied and every frame is encoded; empty: GOPs may be copied."""
    clock: Clock = Clock()
    """Which pts the packets get."""
    shift: int = 0
    """Ticks by which the copy's pts are above the source's: players skip what is before 0."""
    appearance: Appearance = Appearance()
    """How the source's pictures are to be shown."""
    number: int | None = None
    """Number of the stream among the video streams of its file, from 0; None: there is no other."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A packet at which decoding can start, with what identifies it after a seek."""

    pts: int
    size: int
    """Size of the packet, bytes."""
    place: int
    """Where to seek to, in ticks: its dts, or its pts in a container that tells no dts."""


@dataclass(frozen=True, slots=True)
class Gop:
    """The frames of a chunk that belong to one GOP; they are copied or encoded together."""

    start: Keyframe
    frames: int
    copyable: bool
    """Whether the GOP can be decoded alone and all its pictures are shown."""


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
    """GOPs in order, which together hold all frames of the chunk; of a part of a chunk, only those
    that begin in it."""
    next_pts: int | None = None
    """Pts of the frame after the last one; None: there is none."""

    def slice(self, first: int, stop: int) -> Chunk:
        """Return a chunk of the GOPs from index ``first`` up to, but without, index ``stop``."""
        begin = sum(gop.frames for gop in self.gops[:first])
        gops = self.gops[first:stop]
        end = begin + sum(gop.frames for gop in gops)
        pts, after = self.pts[begin:end], [*self.pts[end : end + 1], self.next_pts][0]
        return Chunk(self.index, gops[0].start, self.first_frame + begin, pts, gops, after)

    @property
    def last_frame(self) -> int:
        """Number of the chunk's last frame in the video."""
        return self.first_frame + len(self.pts) - 1

    @property
    def frames(self) -> range:
        """The numbers of the chunk's frames in the video."""
        return range(self.first_frame, self.first_frame + len(self.pts))
