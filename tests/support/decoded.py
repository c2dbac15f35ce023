"""What is in a video file, as PyAV finds it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_ANY_TAGS = {"metadata_errors": "surrogateescape"}


def pictures(
    path: Path, pixel_format: str | None = None, stream: int = 0, **options: str
) -> list[NDArray[Any]]:
    """Return all frames, in a pixel format or in their own.

    Parameters
    ----------
    path
        Of the video.
    pixel_format
        For instance ``rgb24``: then the shape of each is (height, width, 3).
    stream
        Number of the video stream.
    options
        Of the demuxer.
    """
    with av.open(path, options=options, **_ANY_TAGS) as container:
        return [frame.to_ndarray(format=pixel_format) for frame in container.decode(video=stream)]


def frames(path: Path, stream: int = 0) -> list[VideoFrame]:
    """Return all decoded frames of a video stream, for several looks at them."""
    with av.open(path, **_ANY_TAGS) as container:
        return [*container.decode(video=stream)]


def time_of(frame: VideoFrame) -> Fraction:
    """Return the presentation time of a frame, seconds."""
    return frame.pts * frame.time_base


def times(path: Path, stream: int = 0) -> list[Fraction]:
    """Return the presentation time of every decoded frame, seconds."""
    with av.open(path, **_ANY_TAGS) as container:
        return [time_of(frame) for frame in container.decode(video=stream)]


def places(path: Path) -> list[tuple[int, int]]:
    """Return place in the file and size of each video packet, bytes."""
    with av.open(path, **_ANY_TAGS) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def audio(path: Path) -> list[list[bytes]]:
    """Return every packet of every audio track, without the ADTS headers of transport streams."""
    with av.open(path, **_ANY_TAGS) as container:
        streams = list(container.streams.audio)
        if not streams:
            return []
        packets = [packet for packet in container.demux(streams) if packet.size]
        adts = container.format.name == "mpegts" and streams[0].codec_context.name == "aac"
    skipped = 7 if adts else 0
    return [
        [bytes(packet)[skipped:] for packet in packets if packet.stream is stream]
        for stream in streams
    ]
