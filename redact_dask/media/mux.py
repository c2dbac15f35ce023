"""Segments and the source's audio become one container, built new."""

from __future__ import annotations

import heapq
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask.errors import CheckFailed
from redact_dask.media.source import opened
from redact_dask.model import Facts

_KEPT_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


def target_path(path: str, facts: Facts) -> str:
    """Return the path that the redacted copy of a video gets below the destination.

    It is the source's own, unless its container is one that cannot hold exact timestamps of H.264
    pictures: then ``.mp4`` is appended, or ``.mov`` if there is PCM audio.
    """
    if PurePosixPath(path).suffix.lower() in _KEPT_CONTAINERS:
        return path
    return path + (".mov" if any(codec.startswith("pcm_") for codec in facts.audio) else ".mp4")


def write(
    path: Path,
    segments: Iterable[bytes],
    reorder_depth: int,
    pts: Sequence[int],
    facts: Facts,
    audio_url: str,
) -> None:
    """Write the joined video.

    Parameters
    ----------
    path
        File to write; its suffix chooses the container.
    segments
        Contents of the encoded segments, in order.
    reorder_depth
        The greatest of the segments' reorder depths.
    pts
        The pts of every frame of the video, ascending, in ``facts.time_base``.
    facts
        Of the source: time base, display matrix, whether there is audio.
    audio_url
        The source, whose audio packets are copied.

    Raises
    ------
    CheckFailed
        The segments do not hold exactly one picture for each pts, or do not fit together.
    """
    contents = iter(segments)
    head = next(contents)
    with ExitStack() as stack:
        output = stack.enter_context(_create(path, facts))
        video = _add_video(output, head, facts)
        pictures = _pictures(chain([head], contents), video.codec_context.extradata)
        tracks = [_timed(pictures, video, reorder_depth, pts, facts)]
        if facts.audio:
            source, _ = stack.enter_context(opened(audio_url))
            copies = {audio.index: _add_audio(output, audio) for audio in source.streams.audio}
            tracks.append(_copied(source, copies))
        # The two are merged by time, so that the muxer need not hold one back for the other.
        for packet in heapq.merge(*tracks, key=_decode_time):
            output.mux_one(packet)


def _create(path: Path, facts: Facts) -> OutputContainer:
    name = _KEPT_CONTAINERS[path.suffix.lower()]
    options = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
    if name != "matroska":
        options |= {
            "movflags": "+faststart",
            "movie_timescale": "90000",
            "video_track_timescale": str(facts.time_base.denominator),
        }
    return av.open(str(path), "w", format=name, options=options)


def _add_video(output: OutputContainer, segment: bytes, facts: Facts) -> VideoStream:
    with _segment(segment) as (_, stream):
        video = output.add_stream_from_template(stream)
    video.metadata.clear()
    video.time_base = facts.time_base
    video.set_display_matrix(facts.display_matrix or None)
    return video


def _add_audio(output: OutputContainer, source: AudioStream) -> AudioStream:
    audio = output.add_stream_from_template(source)
    audio.metadata.clear()
    return audio


@contextmanager
def _segment(content: bytes) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        with av.open(io.BytesIO(content), "r", format="matroska") as container:
            yield container, container.streams.video[0]
    except av.error.FFmpegError as error:
        raise CheckFailed(f"a segment cannot be read: {error.strerror}") from error


def _pictures(
    segments: Iterable[bytes], parameters: bytes | None
) -> Iterator[tuple[int, Packet[VideoStream]]]:
    """Yield the number of the frame and its packet, in decoding order over all segments."""
    first = 0
    for content in segments:
        with _segment(content) as (container, stream):
            if stream.codec_context.extradata != parameters:
                raise CheckFailed("the segments were encoded with different parameters")
            packets = [packet for packet in container.demux(stream) if packet.size]
        ranks = {pts: rank for rank, pts in enumerate(sorted(_pts(packet) for packet in packets))}
        for packet in packets:
            yield first + ranks[_pts(packet)], packet
        first += len(packets)


def _timed(
    pictures: Iterable[tuple[int, Packet[VideoStream]]],
    video: VideoStream,
    reorder_depth: int,
    pts: Sequence[int],
    facts: Facts,
) -> Iterator[Packet[Any]]:
    """Give each packet the pts of its frame, and a dts that is that of an earlier frame.

    The n-th packet in decoding order gets the pts of frame n minus the reorder depth as its dts:
    strictly rising, and never above its own pts since no picture moves forward by more.
    """
    frame_ticks = max(1, round(1 / (facts.rate * facts.time_base)))
    early = range(pts[0] - reorder_depth * frame_ticks, pts[0], frame_ticks)
    ends = [*pts[1:], pts[-1] + frame_ticks]
    place = 0
    for frame, packet in pictures:
        if frame >= len(pts):
            raise CheckFailed(f"the segments hold more pictures than the source's {len(pts)}")
        packet.time_base = facts.time_base
        packet.pts = pts[frame]
        packet.dts = early[place] if place < reorder_depth else pts[place - reorder_depth]
        packet.duration = ends[frame] - pts[frame]
        packet.stream = video
        place += 1
        yield packet
    if place < len(pts):
        raise CheckFailed(f"the segments hold {place} pictures, the source {len(pts)}")


def _copied(source: InputContainer, copies: Mapping[int, AudioStream]) -> Iterator[Packet[Any]]:
    for packet in source.demux(list(source.streams.audio)):
        if packet.size and packet.dts is not None:
            packet.stream = copies[packet.stream.index]
            yield packet


def _pts(packet: Packet[Any]) -> int:
    if packet.pts is None:
        raise CheckFailed("a segment holds a picture with no time")
    return packet.pts


def _decode_time(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * packet.time_base
