"""Reading what a video is, and where it can be cut, from its packets without decoding them all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from math import ceil, inf
from typing import Any

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask.config import EncodeSettings
from redact_dask.errors import DamagedVideo, UnsupportedVideo
from redact_dask.media import copying, encode, stream_info
from redact_dask.media.clock import clock_of, is_coded, one_after_the_other
from redact_dask.media.demux import open_video, timed
from redact_dask.media.h264.slices import FieldPairs, starts_cleanly
from redact_dask.media.survey import Survey
from redact_dask.records import Chunk, Clock, Damage, Fields, Gop, Keyframe, StreamInfo

_BEGINS_LATE = "it does not begin with a keyframe, so its first frames are lost"
_GROWS = "its first pictures become whole part by part, so its first frames are lost"


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


def scan(
    url: str,
    settings: EncodeSettings,
    *,
    salvage: bool = False,
    from_zero: bool = False,
    number: int | None = None,
) -> Index:
    """Read every packet of a video stream, and decode its first picture.

    Parameters
    ----------
    url
        URL of the source.
    settings
        Whether GOPs may be copied, and settings of the encoder whose GOPs must match copied ones.
    salvage
        Whether frames may be corrupt or missing; if so, a later stage that decodes finds out which.
    from_zero
        Whether the copy begins at 0, and not when the source does.
    number
        Number of the stream among the video streams of the file; None: it is the only one.

    Raises
    ------
    SeveralStreams
        No number tells which of several streams is meant.
    UnsupportedVideo
        There is no video stream, its packets have no timestamps, or it cannot be encoded.
    DamagedVideo
        There are no packets, they contradict each other, or no picture decodes.
    """
    with open_video(url, number, beside=True) as (container, stream):
        clock = clock_of(url, container, stream, number)
        survey = copying.survey_of(stream)
        found = _packets(container, stream, clock, survey)
    if len(set(found.pts)) < len(found.pts):
        clock = one_after_the_other(url, clock, number)
        with open_video(url, number, beside=True) as (container, stream):
            found = _packets(container, stream, clock, survey)
    if not found.pts:
        raise DamagedVideo("it has no frame")
    pts = sorted(found.pts)
    keyframes = sorted(found.keyframes, key=lambda keyframe: keyframe.pts)
    if keyframes[0].pts > pts[0]:
        found.damage.append(_BEGINS_LATE)
    if found.damage and not salvage:
        raise DamagedVideo(found.damage[0])
    with open_video(url, number, beside=True) as (container, stream):
        info = stream_info.read(container, stream, pts, survey, found.audio)
    if info.fields is Fields.PROGRESSIVE:
        info = replace(info, fields=found.fields)  # The container need not tell.
    if pts[0] < 0 or from_zero:
        sound = [info.audio_start] if info.audio else []
        first = min([pts[0] * info.time_base, *sound])
        info = replace(info, shift=ceil(-first / info.time_base))
    info = replace(info, clock=clock, number=number)
    if clock.moved:
        many = f"frames that had the time of another, now a tick later: {len(clock.moved)}"
        info = replace(info, why_encoded=many)
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
    audio: dict[int, Fraction] = field(default_factory=dict)
    """Start, seconds, of each audio stream that has packets, by its number."""
    fields: Fields = Fields.PROGRESSIVE
    """Which field comes first, if packets hold single fields."""
    missing: int = 0
    """Number of frames that the container's index names but that are not in the file."""
    damage: list[str] = field(default_factory=list)
    """What is wrong, one entry for each finding."""

    newest: float = -inf
    """Pts of the last keyframe that is shown."""
    starts_cleanly: Callable[[Packet[Any]], bool] = lambda _: True
    """Tells whether decoding can start at a keyframe."""

    def add(self, packet: Packet[Any]) -> None:
        """Examine the next packet that begins a frame."""
        if not self.keyframes and packet.has_sidedata("encryption_info"):
            raise UnsupportedVideo("it is encrypted; decrypt it first")
        if packet.pts is None:
            codec = packet.stream.codec_context.name
            raise UnsupportedVideo(
                f"{'only some' if self.pts else 'none'} of its pictures have a time; ffmpeg -i "
                f"FILE -c copy FILE.{codec} makes a raw stream, which gets the times of its rate"
            )
        if packet.is_corrupt:
            self.damage.append(f"the packet at pts {packet.pts} is corrupt")
        starts = packet.is_keyframe and self.starts_cleanly(packet)
        if not self.keyframes and not starts:
            self.damage.append(_GROWS if packet.is_keyframe else _BEGINS_LATE)
        if starts and not packet.is_discard:
            if packet.pts < self.newest:
                raise UnsupportedVideo(
                    f"its clock starts again at frame {len(self.pts)}, near byte {packet.pos}: "
                    f"split it there"
                )
            self.newest = packet.pts
        if not self.keyframes or starts:
            place = packet.pts if packet.dts is None else packet.dts
            self.keyframes.append(Keyframe(packet.pts, packet.size, place))
        if not packet.is_discard:
            self.pts.append(packet.pts)
        else:
            self.with_hidden.add(self.keyframes[-1].pts)


def _packets(
    container: InputContainer, stream: VideoStream, clock: Clock, survey: Survey
) -> _Packets:
    found, extradata = _Packets(), stream.codec_context.extradata or b""
    if stream.codec_context.name == "h264":
        found.starts_cleanly = partial(starts_cleanly, extradata=extradata)
    elif stream.codec_context.name == "mpeg4":
        found.starts_cleanly = is_coded
    pairs = FieldPairs(extradata)
    present = 0
    for packet in timed(container, stream, clock, container.streams.audio):
        if packet.size and packet.stream is not stream:
            found.audio.setdefault(packet.stream.index, (packet.pts or 0) * packet.time_base)
        elif packet.size:
            present += 1
            survey.add(packet)
            if not pairs.is_second(packet) and not (clock.pts and packet.pts is None):
                found.add(packet)
    found.fields = pairs.order
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
