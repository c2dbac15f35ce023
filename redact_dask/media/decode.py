"""Exactly the frames of a chunk, or an error."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.video.frame import VideoFrame

from redact_dask.errors import DamagedVideo
from redact_dask.media.source import packets
from redact_dask.model import Chunk, Facts, Keyframe


def frames(url: str, facts: Facts, chunk: Chunk) -> Iterator[VideoFrame]:
    """Decode every frame that a chunk owns, in presentation order.

    The frames are the decoder's own: call ``make_writable`` before changing one.

    Raises
    ------
    DamagedVideo
        A frame is missing, too many, concealed or undecodable, or changes its size or pixel format.
    """
    wanted = iter(chunk.pts)
    expected = next(wanted, None)
    shape = (facts.width, facts.height, facts.pixel_format)
    for frame in _decoded_from(url, chunk.start):
        if expected is None:
            return
        if frame.pts is None or frame.pts < chunk.pts[0]:
            continue
        if frame.pts != expected:
            raise DamagedVideo(f"frame with pts {expected} is missing: pts {frame.pts} comes next")
        if frame.is_corrupt:
            raise DamagedVideo(f"the frame at pts {frame.pts} is damaged")
        now = (frame.width, frame.height, frame.format.name)
        if now != shape:
            raise DamagedVideo(f"at pts {frame.pts} the picture changes from {shape} to {now}")
        yield frame
        expected = next(wanted, None)
    if expected is not None:
        raise DamagedVideo(f"the video ends before its frame at pts {expected}")


def _decoded_from(url: str, start: Keyframe) -> Iterator[VideoFrame]:
    for packet in packets(url, start):
        if packet.is_corrupt:
            raise DamagedVideo(f"the packet at pts {packet.pts} is corrupt")
        try:
            pictures = packet.decode()
        except av.error.FFmpegError as error:
            reason = f"the packet at pts {packet.pts} does not decode: {error.strerror}"
            raise DamagedVideo(reason) from error
        yield from pictures
