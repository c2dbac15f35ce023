"""Decoding a chunk: exactly the frames that it owns, or an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from typing import cast

import av
from av.filter.graph import Graph
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from redact_dask.errors import CheckFailed, DamagedVideo, UnsupportedVideo
from redact_dask.media import digests
from redact_dask.media.demux import open_result, packets
from redact_dask.records import Chunk, StreamInfo


def frames(
    url: str, info: StreamInfo, chunk: Chunk, packets_seen: dict[int, bytes] | None = None
) -> Iterator[VideoFrame]:
    """Decode every frame that a chunk owns, in presentation order.

    The decoder still owns the frames: call ``make_writable`` before changing one.

    Parameters
    ----------
    url
        URL of the video.
    info
        What its stream is.
    chunk
        Which frames to decode.
    packets_seen
        Is filled with the digest of each packet that the decoder gets, by its pts.

    Raises
    ------
    DamagedVideo
        A frame is missing, unexpected, concealed or undecodable.
    UnsupportedVideo
        A frame has another size or pixel format than ``info`` says.
    """
    wanted = iter(chunk.pts)
    expected = next(wanted, None)
    shape = (info.width, info.height, info.pixel_format)
    found = packets(url, chunk.start, info.clock, info.number)
    if packets_seen is not None:
        found = digests.noted(found, packets_seen)
    for frame in _cropped(_decoded(found), info):
        if frame.pts is None or frame.pts < chunk.pts[0]:
            continue
        if frame.pts != expected:
            raise DamagedVideo(f"frame with pts {expected} is missing: pts {frame.pts} comes next")
        if frame.is_corrupt:
            raise DamagedVideo(f"the frame at pts {frame.pts} is damaged")
        now = (frame.width, frame.height, frame.format.name)
        if now != shape:
            raise UnsupportedVideo(f"at pts {frame.pts} the picture changes from {shape} to {now}")
        yield frame
        expected = next(wanted, None)
        if expected is None:
            return  # What follows may be damaged, and belongs to another chunk.
    raise DamagedVideo(f"the video ends before its frame at pts {expected}")


def frames_and_next(
    url: str, info: StreamInfo, chunk: Chunk, packets_seen: dict[int, bytes]
) -> Iterator[VideoFrame]:
    """Decode every frame that a chunk owns, and the next one, if there is one that decodes.

    Parameters as those of `frames`.

    Raises
    ------
    VideoError
        As `frames`, for the frames that the chunk owns.
    """
    after = () if chunk.next_pts is None else (chunk.next_pts,)
    count = 0
    try:
        for frame in frames(url, info, replace(chunk, pts=chunk.pts + after), packets_seen):
            yield frame
            count += 1
    except (DamagedVideo, UnsupportedVideo):
        if count < len(chunk.pts):
            raise


def frames_at(
    url: str, times: Iterable[Fraction], number: int | None = None
) -> Iterator[VideoFrame]:
    """Decode the frames of a finished file that are shown at some times, in presentation order.

    All packets are read, but only the GOPs that hold such a frame are decoded.

    Parameters
    ----------
    url
        URL of a file in which each GOP of a wanted frame can be decoded alone.
    times
        Presentation times, seconds.
    number
        Number of the video stream in the file; None: it is the only one.

    Raises
    ------
    CheckFailed
        No frame is shown at one of the times.
    """
    with open_result(url, number) as (container, stream):
        tick = stream.time_base or Fraction(1)
        missing = {round(time / tick) for time in times}
        for gop in gops(container.demux(stream)):
            here = missing.intersection(packet.pts for packet in gop if packet.pts is not None)
            if not here:
                continue
            stream.codec_context.flush_buffers()
            # The last, empty packet makes the decoder give all frames that it still holds.
            for frame in chain.from_iterable(map(stream.codec_context.decode, [*gop, None])):
                if frame.pts in here:
                    here.remove(frame.pts)
                    missing.remove(frame.pts)
                    yield frame
                if not here:
                    break
        if missing:
            raise CheckFailed(f"the result has no frame at {float(min(missing) * tick)} s")


def gops(found: Iterable[Packet[VideoStream]]) -> Iterator[list[Packet[VideoStream]]]:
    """Group packets, each group from one keyframe up to the next."""
    gop: list[Packet[VideoStream]] = []
    for packet in found:
        if packet.is_keyframe and gop:
            yield gop
            gop = []
        if packet.size:
            gop.append(packet)
    if gop:
        yield gop


def _decoded(found: Iterable[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """Decode packets in order, up to the first that is damaged."""
    for packet in found:
        damage = f"the packet at pts {packet.pts} is corrupt" if packet.is_corrupt else ""
        if not damage:
            try:
                yield from packet.decode()
            except av.error.FFmpegError as error:
                damage = f"the packet at pts {packet.pts} does not decode: {error.strerror}"
        if damage:
            # The decoder still holds intact pictures from before the damage: yield them first.
            yield from packet.stream.decode(None)
            raise DamagedVideo(damage)


def _cropped(decoded: Iterable[VideoFrame], info: StreamInfo) -> Iterator[VideoFrame]:
    """Cut off what the container crops, so that nothing of it is looked at, or comes back."""
    left, right, top, bottom = info.appearance.crop
    if not any(info.appearance.crop):
        yield from decoded
        return
    graph = None
    for frame in decoded:
        if graph is None:
            graph = Graph()
            source = graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=frame.time_base,
            )
            width, height = frame.width - left - right, frame.height - top - bottom
            crop = graph.add("crop", f"{width}:{height}:{left}:{top}:exact=1")
            source.link_to(crop)
            crop.link_to(graph.add("buffersink"))
            graph.configure()
        graph.push(frame)
        yield cast("VideoFrame", graph.pull())
