"""Giving each frame a time, where the container gives none: the decoder tells the order."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask.errors import DamagedVideo, UnsupportedVideo
from redact_dask.media.demux import open_video, timed
from redact_dask.media.h264.slices import FieldPairs
from redact_dask.records import Clock

_PLACEHOLDER = 8
"""Least bytes of an MPEG-4 picture that is coded: a smaller one only holds the place of a B-frame
that was packed into the packet before."""


def is_coded(packet: Packet[Any]) -> bool:
    """Tell whether an MPEG-4 packet is more than a placeholder, which may be marked as keyframe."""
    return packet.size >= _PLACEHOLDER


def clock_of(
    url: str, container: InputContainer, stream: VideoStream, number: int | None = None
) -> Clock:
    """Return the clock of a video whose container does not tell when its frames are shown.

    A raw H.264 or HEVC stream has no times at all. AVI numbers packets in decoding order, which is
    not the order in which frames are shown if there are B-frames. The clock of any other video is
    empty.

    Only the decoder knows the order in which pictures are shown, so the whole stream is decoded.
    The frame rate of a raw stream is the one in its parameter sets, or else 25 frames a second,
    which is FFmpeg's default.

    Raises
    ------
    DamagedVideo
        The packets do not decode to exactly one frame each.
    UnsupportedVideo
        It is H.264 with B-frames in ASF, whose times FFmpeg guesses, other ones after each seek.
    """
    codec = stream.codec_context
    if container.format.name == "asf" and codec.name == "h264" and codec.has_b_frames:
        raise UnsupportedVideo(
            "ASF does not tell when H.264 pictures with B-frames are shown; ffmpeg -i FILE -c copy "
            "FILE.h264 makes a raw stream, which gets the times of its rate"
        )
    if container.format.name in ("h264", "hevc"):
        return _decoded(url, number, by_dts=False)
    if container.format.name == "avi" and codec.has_b_frames:
        return _decoded(url, number, by_dts=True)
    return Clock()


def one_after_the_other(url: str, clock: Clock, number: int | None = None) -> Clock:
    """Return a clock that moves each packet with the pts of an earlier one, by one tick.

    A player shows both frames, the second in place of the first.

    Raises
    ------
    DamagedVideo
        More than a tenth of the packets would be moved, or they cannot be told apart.
    """
    taken: set[int] = set()
    seen: set[tuple[int, int]] = set()
    moved = []
    with open_video(url, number) as (container, stream):
        for packet in timed(container, stream, clock):
            if packet.pts is None or not packet.size:
                continue
            now = packet.pts
            while now in taken:
                now += 1
            if now != packet.pts:
                if (packet.pts, packet.size) in seen:
                    raise DamagedVideo(
                        f"frames at pts {packet.pts} cannot be told apart: they have one size, too"
                    )
                moved.append((packet.pts, packet.size, now))
            taken.add(now)
            seen.add((packet.pts, packet.size))
    if 10 * len(moved) > len(taken):
        raise DamagedVideo(f"{len(moved)} of its {len(taken)} frames have the time of another")
    return replace(clock, moved=tuple(moved))


def _decoded(url: str, number: int | None, *, by_dts: bool) -> Clock:
    with open_video(url, number) as (container, stream):
        pairs = FieldPairs(stream.codec_context.extradata or b"")
        order: list[int | None] = []
        places: list[int] = []
        silent = set()
        for packet in container.demux(stream):
            if packet.size:
                number = len(places)
                places.append(packet.dts or 0 if by_dts else number)
                packet.pts = packet.dts = number
                if pairs.is_second(packet) or not is_coded(packet):
                    silent.add(number)
            order += [frame.pts for frame in packet.decode()]
        ticks = round(1 / ((stream.guessed_rate or 25) * (stream.time_base or Fraction(1))))
    shown = set(order)
    if len(shown) != len(order) or not {*range(len(places))} - silent <= shown:
        raise DamagedVideo(
            f"of its {len(places)} pictures {len(order)} decode, and none has a timestamp"
        )
    frames = [number for number in order if number is not None]
    times = (
        sorted(places[number] for number in frames)
        if by_dts
        else range(0, ticks * len(frames), ticks)
    )
    pts: list[int | None] = [None] * (max(places, default=-1) + 1)
    for number, time in zip(frames, times, strict=True):
        pts[places[number]] = time
    return Clock(tuple(pts), by_dts)
