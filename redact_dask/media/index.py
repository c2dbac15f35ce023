"""What a video is and where it can be cut, from its packets, without decoding."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.buffer import Buffer
from av.container import InputContainer
from av.video.stream import VideoStream

from redact_dask.errors import DamagedVideo, UnsupportedVideo
from redact_dask.media.source import opened
from redact_dask.model import Chunk, Facts, Keyframe


@dataclass(frozen=True, slots=True)
class Index:
    """All that later stages need to know about the packets of a video stream."""

    facts: Facts
    pts: tuple[int, ...]
    """The pts of every frame that is shown, ascending."""
    keyframes: tuple[Keyframe, ...]
    """By pts."""

    def chunks(self, seconds: float) -> tuple[Chunk, ...]:
        """Cut at keyframes into chunks of at least so many seconds; the last may be shorter.

        A chunk owns the frames from its keyframe's pts on, up to the next chunk's. Leading pictures
        of an open GOP come before their keyframe, so they belong to the chunk in front.
        """
        ticks = seconds / self.facts.time_base
        starts = [max((k for k in self.keyframes if k.pts <= self.pts[0]), key=lambda k: k.pts)]
        for keyframe in self.keyframes:
            if keyframe.pts >= max(starts[-1].pts, self.pts[0]) + ticks:
                starts.append(keyframe)
        firsts = [0, *(bisect_left(self.pts, start.pts) for start in starts[1:]), len(self.pts)]
        cuts = zip(starts, firsts[:-1], firsts[1:], strict=True)
        owned = [(start, first, self.pts[first:end]) for start, first, end in cuts if first < end]
        return tuple(Chunk(index, *parts) for index, parts in enumerate(owned))


def scan(url: str) -> Index:
    """Read every packet of the first video stream, and decode its first picture.

    Raises
    ------
    UnsupportedVideo
        There is no video stream, or it has no timestamps.
    DamagedVideo
        The packets contradict themselves, there are none, or the first does not decode.
    """
    with opened(url) as (container, stream):
        pts, keyframes = _packets(container, stream)
    _must_hold_together(pts, keyframes)
    with opened(url) as (container, stream):
        facts = _facts(container, stream, pts)
    return Index(facts, tuple(pts), tuple(keyframes))


def _packets(container: InputContainer, stream: VideoStream) -> tuple[list[int], list[Keyframe]]:
    pts: list[int] = []
    keyframes: list[Keyframe] = []
    present = 0
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        if packet.pts is None:
            raise UnsupportedVideo("its packets have no timestamps; remux it into MP4 first")
        if packet.is_corrupt:
            raise DamagedVideo(f"the packet at pts {packet.pts} is corrupt")
        if packet.is_keyframe:
            place = packet.pts if packet.dts is None else packet.dts
            keyframes.append(Keyframe(packet.pts, packet.size, place))
        if not packet.is_discard:
            pts.append(packet.pts)
        present += 1
    # At the end of a file that was cut short, FFmpeg stops without an error.
    listed = sum(entry.size > 0 for entry in stream.index_entries)
    if present < listed:
        raise DamagedVideo(f"it is cut short: of {listed} frames in its index, {present} are there")
    return sorted(pts), sorted(keyframes, key=lambda keyframe: keyframe.pts)


def _must_hold_together(pts: list[int], keyframes: list[Keyframe]) -> None:
    if not pts:
        raise DamagedVideo("it has no frame")
    if len(set(pts)) < len(pts):
        raise DamagedVideo("several of its frames have the same timestamp")
    if not keyframes or keyframes[0].pts > pts[0]:
        raise DamagedVideo("it does not begin with a keyframe, so its first frames are lost")


def _facts(container: InputContainer, stream: VideoStream, pts: list[int]) -> Facts:
    frame = next(container.decode(stream), None)
    if frame is None or stream.time_base is None:
        raise DamagedVideo("its first picture does not decode")
    span = (pts[-1] - pts[0]) * stream.time_base
    rate = Fraction(len(pts) - 1) / span if span else stream.average_rate or Fraction(25)
    matrix = cast("Buffer | None", frame.side_data.get("DISPLAYMATRIX"))
    return Facts(
        container=container.format.name,
        codec=stream.codec_context.name,
        width=frame.width,
        height=frame.height,
        pixel_format=frame.format.name,
        rotation=frame.rotation % 360,
        display_matrix=tuple(memoryview(matrix).cast("i")) if matrix else (),
        sample_aspect_ratio=stream.codec_context.sample_aspect_ratio or Fraction(1),
        color_range=frame.color_range,
        color_primaries=frame.color_primaries,
        color_transfer=frame.color_trc,
        color_space=frame.colorspace,
        time_base=stream.time_base,
        rate=rate,
        frames=len(pts),
        seconds=float(span + 1 / rate),
        audio=tuple(audio.codec_context.name for audio in container.streams.audio),
    )
