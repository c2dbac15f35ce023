"""Reading what a video is, and where it can be cut, from its packets without decoding them all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.buffer import Buffer
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from redact_dask.config import EncodeSettings
from redact_dask.errors import DamagedVideo, UnsupportedVideo
from redact_dask.media import encode
from redact_dask.media.demux import MOST_PIXELS, is_raw, open_video, raw_pts, timed
from redact_dask.media.h264.smart_copy import Survey
from redact_dask.records import Chunk, Damage, Fields, Gop, Keyframe, StreamInfo

_FIELDS = {
    2: Fields.TOP_FIRST,
    3: Fields.BOTTOM_FIRST,
    4: Fields.TOP_FIRST,
    5: Fields.BOTTOM_FIRST,
}
"""Which field is shown first, by number of FFmpeg's ``AVFieldOrder``; the other one may be coded
first."""


_BEGINS_LATE = "it does not begin with a keyframe, so its first frames are lost"


@dataclass(frozen=True, slots=True)
class Index:
    """All that later stages need to know about the packets of a video stream."""

    info: StreamInfo
    pts: tuple[int, ...]
    """The pts of every frame that is shown, ascending."""
    keyframes: tuple[Keyframe, ...]
    """Keyframes, sorted by pts."""
    with_hidden: frozenset[int]
    """The pts of keyframes whose GOP has a packet that is not shown."""
    missing: Damage | None
    """Frames at the end that the container's index names but that are not in the file."""

    def chunks(self, seconds: float) -> tuple[Chunk, ...]:
        """Cut the video at keyframes into chunks of at least this length, seconds.

        The last chunk may have only half of that length. A chunk owns the frames from its
        keyframe's pts up to the next chunk's. Leading pictures of an open GOP are shown before
        their keyframe, so they belong to the chunk before it.
        """
        ticks = seconds / self.info.time_base
        before = [keyframe for keyframe in self.keyframes if keyframe.pts <= self.pts[0]]
        starts = [before[-1] if before else self.keyframes[0]]
        for keyframe in self.keyframes:
            if keyframe.pts >= max(starts[-1].pts, self.pts[0]) + ticks:
                starts.append(keyframe)
        if len(starts) > 1 and self.pts[-1] - starts[-1].pts < ticks / 2:
            starts.pop()  # A video should not wait at its end for a short chunk alone.
        chunks: list[Chunk] = []
        for start, first, end in self._cut(starts, 0, len(self.pts)):
            gops = self._gops(start, first, end)
            after = self.pts[end] if end < len(self.pts) else None
            chunks.append(Chunk(len(chunks), start, first, self.pts[first:end], gops, after))
        return tuple(chunks)

    def _gops(self, start: Keyframe, first: int, end: int) -> tuple[Gop, ...]:
        """Return the GOPs of a chunk with the frames from ``first`` up to, but without, ``end``."""
        inside = [k for k in self.keyframes if start.pts < k.pts <= self.pts[end - 1]]
        never = self.info.why_encoded != ""
        return tuple(
            Gop(keyframe, stop - begin, not never and keyframe.pts not in self.with_hidden)
            for keyframe, begin, stop in self._cut([start, *inside], first, end)
        )

    def _cut(
        self, starts: list[Keyframe], first: int, end: int
    ) -> Iterator[tuple[Keyframe, int, int]]:
        """Yield each keyframe that owns frames, its first frame, and the frame after its last."""
        begins = [first, *(bisect_left(self.pts, start.pts) for start in starts[1:])]
        for start, begin, stop in zip(starts, begins, [*begins[1:], end], strict=True):
            if begin < stop:
                yield start, begin, stop


def scan(url: str, settings: EncodeSettings, *, salvage: bool = False) -> Index:
    """Read every packet of the video stream, and decode its first picture.

    Parameters
    ----------
    url
        URL of the source.
    settings
        Whether GOPs may be copied, and settings of the encoder whose GOPs must match copied ones.
    salvage
        Whether frames may be corrupt or missing; if so, a later stage that decodes finds out which.

    Raises
    ------
    UnsupportedVideo
        There is no video stream, its packets have no timestamps, or it cannot be encoded.
    DamagedVideo
        There are no packets, they contradict each other, or no picture decodes.
    """
    with open_video(url) as (container, stream):
        order = raw_pts(url) if is_raw(container) else ()
        survey = Survey(stream)
        found = _packets(container, stream, order, survey)
    if not found.pts:
        raise DamagedVideo("it has no frame")
    pts = sorted(found.pts)
    if len(set(pts)) < len(pts):
        raise DamagedVideo("several of its frames have the same timestamp")
    keyframes = sorted(found.keyframes, key=lambda keyframe: keyframe.pts)
    if keyframes[0].pts > pts[0]:
        found.damage.append(_BEGINS_LATE)
    if found.damage and not salvage:
        raise DamagedVideo(found.damage[0])
    with open_video(url) as (container, stream):
        info = replace(_info(container, stream, pts, survey), raw_pts=order)
    info = replace(info, why_encoded=encode.why_not_copied(info, settings))
    hidden = frozenset(found.with_hidden)
    return Index(info, tuple(pts), tuple(keyframes), hidden, _missing(found))


@dataclass(slots=True)
class _Packets:
    """What the packets of a stream tell, in file order."""

    pts: list[int] = field(default_factory=list)
    """The pts of the packets that are shown."""
    keyframes: list[Keyframe] = field(default_factory=list)
    """Keyframes, and always the first packet, since decoding can start no earlier."""
    with_hidden: set[int] = field(default_factory=set)
    """The pts of keyframes whose GOP has a packet that is not shown."""
    missing: int = 0
    """Number of frames that the container's index names but that are not in the file."""
    damage: list[str] = field(default_factory=list)
    """What is wrong, one entry for each finding."""


def _packets(
    container: InputContainer, stream: VideoStream, order: Sequence[int], survey: Survey
) -> _Packets:
    found = _Packets()
    present = 0
    for packet in timed(container, stream, order):
        if packet.size == 0:
            continue
        if packet.pts is None:
            raise UnsupportedVideo("its packets have no timestamps; remux it into MP4 first")
        if packet.is_corrupt:
            found.damage.append(f"the packet at pts {packet.pts} is corrupt")
        survey.add(packet)
        if not present and not packet.is_keyframe:
            found.damage.append(_BEGINS_LATE)
        if not present or packet.is_keyframe:
            place = packet.pts if packet.dts is None else packet.dts
            found.keyframes.append(Keyframe(packet.pts, packet.size, place))
        if not packet.is_discard:
            found.pts.append(packet.pts)
        else:
            found.with_hidden.add(found.keyframes[-1].pts)
        present += 1
    # FFmpeg reports no error at the end of a file that was cut short, so count the packets.
    listed = sum(entry.size > 0 for entry in stream.index_entries)
    if present < listed:
        found.missing = listed - present
        found.damage.append(
            f"it is cut short: of {listed} frames in its index, {present} are there"
        )
    return found


def _missing(found: _Packets) -> Damage | None:
    if not found.missing:
        return None
    return Damage(len(found.pts), len(found.pts) + found.missing - 1, found.damage[-1])


def _info(
    container: InputContainer, stream: VideoStream, pts: list[int], survey: Survey
) -> StreamInfo:
    frame = _first_picture(container, stream)
    if frame is None and not stream.width:
        # FFmpeg tells no size that is above the limit either.
        raise UnsupportedVideo(f"it tells no size of its pictures of up to {MOST_PIXELS:,} pixels")
    if frame is None or stream.time_base is None:
        raise DamagedVideo("none of its pictures decodes")
    elapsed = (pts[-1] - pts[0]) * stream.time_base
    rate = Fraction(len(pts) - 1) / elapsed if elapsed else stream.average_rate or Fraction(25)
    side_data = cast("Buffer | None", frame.side_data.get("DISPLAYMATRIX"))
    matrix = tuple(memoryview(side_data).cast("i")) if side_data else ()
    return StreamInfo(
        codec=stream.codec_context.name,
        width=frame.width,
        height=frame.height,
        pixel_format=frame.format.name,
        quarter_turns=_quarter_turns(matrix),
        display_matrix=matrix,
        fields=_FIELDS.get(stream.codec_context.field_order, Fields.PROGRESSIVE),
        sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
        color_range=frame.color_range,
        color_primaries=frame.color_primaries,
        color_transfer=frame.color_trc,
        color_space=frame.colorspace,
        time_base=stream.time_base,
        rate=rate,
        frames=len(pts),
        seconds=float(elapsed + 1 / rate),
        audio=tuple(_codec(audio) for audio in container.streams.audio),
        parameter_sets=survey.parameter_sets,
        reorder_depth=survey.reorder_depth,
        why_encoded=survey.why_not,
    )


def _codec(stream: AudioStream) -> str:
    """Return the name of a stream's codec; FFmpeg need not know it, since packets are copied."""
    context: CodecContext | None = stream.codec_context
    return context.name if context else "unknown"


def _first_picture(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    for packet in container.demux(stream):
        # Whatever needs a picture that does not decode will report it.
        with suppress(av.error.FFmpegError):
            for frame in packet.decode():
                return frame
    return None


def _quarter_turns(matrix: tuple[int, ...]) -> int:
    """Return how many counter-clockwise quarter turns, 0 to 3, turn a picture upright.

    The display matrix shows a point (x, y), y downwards, at (a x + c y, b x + d y) (ISO/IEC
    14496-12, 6.2.2). If it also mirrors the picture, that is ignored: a detector finds a mirrored
    face, but easily misses one that lies on its side.
    """
    if not matrix:
        return 0
    _, b, _, _, d, *_ = matrix
    # How far down the upper, right, lower and left side are shown: n turns bring the n-th one up.
    down = [d * -1, b, d, -b]
    return min(range(4), key=down.__getitem__)
