"""Redacted pictures and the source's audio become one container, built new."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from redact_dask.config import OutputSettings
from redact_dask.errors import CheckFailed, UnsupportedVideo
from redact_dask.media import metadata, packets
from redact_dask.media.demux import open_video
from redact_dask.media.h264.smart_copy import SmartCopy
from redact_dask.records import Segment, StreamInfo

_KEPT_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


def target_path(path: str, info: StreamInfo) -> str:
    """Return the path that the redacted copy of a video gets below the destination.

    It is the source's own, unless its container is one that cannot hold exact timestamps of H.264
    pictures: then ``.mp4`` is appended, or ``.mov`` if there is PCM audio.
    """
    if PurePosixPath(path).suffix.lower() in _KEPT_CONTAINERS:
        return path
    return path + (".mov" if any(codec.startswith("pcm_") for codec in info.audio) else ".mp4")


def write(
    path: Path,
    segments: Sequence[Segment],
    pts: Sequence[int],
    info: StreamInfo,
    source: str,
    settings: OutputSettings,
) -> None:
    """Write the joined video.

    Parameters
    ----------
    path
        File to write; its suffix chooses the container.
    segments
        Where the frames come from, in order: a segment, or the source itself.
    pts
        The pts of every frame of the video, ascending, in ``info.time_base``.
    info
        Of the source: time base, display matrix, parameter sets.
    source
        URL of the source.
    settings
        What else of the source is copied.

    Raises
    ------
    UnsupportedVideo
        The container cannot hold what is to be copied.
    CheckFailed
        The segments do not hold exactly one picture for each pts, or do not fit together.
    """
    depth = max(segment.reorder_depth for segment in segments)
    with ExitStack() as stack:
        container, original = stack.enter_context(open_video(source))
        output = stack.enter_context(_create(path, info))
        video = _add_video(output, segments, info, original)
        copies: dict[Stream, Stream] = {original: video}
        user_data = "user_data" in settings.keep
        shown = packets.joined_packets(segments, pts, info, source, user_data=user_data)
        tracks = [_timed(shown, video, depth, pts, info)]
        others = metadata.streams(container, settings)
        with _holding(others):
            copies |= {stream: output.add_stream_from_template(stream) for stream in others}
        if others:
            tracks.append(_copied(container, copies, others))
        output.metadata.update(metadata.tags(container.metadata, settings.keep))
        for stream, copy in copies.items():
            copy.metadata.clear()
            copy.metadata.update(metadata.tags(stream.metadata, settings.keep))
        with _holding(others):
            output.start_encoding()
        # The two are merged by time, so that the muxer need not hold one back for the other.
        for packet in heapq.merge(*tracks, key=_decode_time):
            output.mux_one(packet)


def _create(path: Path, info: StreamInfo) -> OutputContainer:
    name = _KEPT_CONTAINERS[path.suffix.lower()]
    options = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
    if name != "matroska":
        options |= {
            "write_tmcd": "0",  # of a kept tag, a stream would be made that nobody asked for
            "movflags": "+faststart",
            "movie_timescale": "90000",
            "video_track_timescale": str(info.time_base.denominator),
        }
    return av.open(str(path), "w", format=name, options=options)


@contextmanager
def _holding(copied: Iterable[Stream]) -> Iterator[None]:
    """Tell of a container that refuses what should be copied into it."""
    try:
        yield
    except (av.error.FFmpegError, ValueError, AttributeError) as error:
        held = ", ".join(getattr(stream, "name", None) or stream.type for stream in copied)
        raise UnsupportedVideo(
            f"its container cannot hold all of {held} beside H.264; see output.audio, output.keep"
        ) from error


def _add_video(
    output: OutputContainer, segments: Sequence[Segment], info: StreamInfo, original: VideoStream
) -> VideoStream:
    segment = next((segment.url for segment in segments if segment.url), None)
    encoded = None
    if segment is None:
        video = output.add_stream_from_template(original)
    else:
        with packets.open_segment(segment) as (_, template):
            video = output.add_stream_from_template(template)
            encoded = template.codec_context.extradata
    if not info.why_encoded:
        video.codec_context.extradata = SmartCopy.of(info).merged(encoded)
    video.time_base = info.time_base
    video.codec_context.sample_aspect_ratio = info.sample_aspect_ratio
    video.set_display_matrix(info.display_matrix or None)
    return video


def _timed(
    shown: Iterable[tuple[int, Packet[Any]]],
    video: VideoStream,
    reorder_depth: int,
    pts: Sequence[int],
    info: StreamInfo,
) -> Iterator[Packet[Any]]:
    """Give each packet the pts of its frame, and a dts that is that of an earlier frame.

    The n-th packet in decoding order gets the pts of frame n minus the reorder depth as its dts:
    strictly rising, and never above its own pts since no picture moves forward by more.
    """
    frame_ticks = max(1, round(1 / (info.rate * info.time_base)))
    early = range(pts[0] - reorder_depth * frame_ticks, pts[0], frame_ticks)
    ends = [*pts[1:], pts[-1] + frame_ticks]
    place = 0
    for frame, packet in shown:
        if frame >= len(pts):
            raise CheckFailed(f"the segments hold more pictures than the source's {len(pts)}")
        packet.time_base = info.time_base
        packet.pts = pts[frame]
        packet.dts = early[place] if place < reorder_depth else pts[place - reorder_depth]
        packet.duration = ends[frame] - pts[frame]
        packet.stream = video
        place += 1
        yield packet
    if place < len(pts):
        raise CheckFailed(f"the segments hold {place} pictures, the source has {len(pts)}")


def _copied(
    source: InputContainer, copies: Mapping[Stream, Stream], streams: Sequence[Stream]
) -> Iterator[Packet[Any]]:
    for packet in source.demux(*streams):
        if packet.size and packet.dts is not None:
            packet.stream = copies[packet.stream]
            yield packet


def _decode_time(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * packet.time_base
