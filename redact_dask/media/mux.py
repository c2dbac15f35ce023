"""Joining segments, and what is copied from the source, into one new container."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from redact_dask.config import OutputSettings
from redact_dask.errors import CheckFailed, UnsupportedVideo
from redact_dask.media import containers, digests, foreign_audio, metadata, packets
from redact_dask.media.demux import open_video
from redact_dask.media.h264.smart_copy import SmartCopy
from redact_dask.records import Segment, StreamInfo


@dataclass(frozen=True, slots=True)
class Written:
    """What was written into the video stream of a joined video."""

    extradata: bytes
    """Its parameter sets."""
    packets: bytes
    """Digest of each packet, in decoding order."""
    copies_are_known: bool
    """Whether each copied packet is, byte by byte, one that was decoded when it was analysed."""


def write(
    path: Path,
    segments: Sequence[Segment],
    pts: Sequence[int],
    info: StreamInfo,
    source: str,
    settings: OutputSettings,
    decoded: bytes = b"",
) -> Written:
    """Write the joined video; return what was written.

    Parameters
    ----------
    path
        File to write; its suffix selects the container.
    segments
        Segments in presentation order, which together hold all frames. Each was encoded into a
        file, or is copied from the source.
    pts
        The pts of every frame of the video, ascending, in ticks of ``info.time_base``.
    info
        What the source's stream is: its time base, display matrix and parameter sets are kept.
    source
        URL of the source.
    settings
        Which other streams, tags and messages of the source are copied.
    decoded
        Digest of each frame's packet, as it was decoded when the frame was analysed: what is copied
        must be the same. Empty, or of fewer frames: they are unknown.

    Raises
    ------
    UnsupportedVideo
        The container cannot hold what is to be copied.
    CheckFailed
        The segments do not hold exactly one picture for each pts, or do not fit together, or are
        not what was encoded or analysed.
    OSError
        The file cannot be written, for example because the disk is full.
    """
    depth = max(segment.reorder_depth for segment in segments)
    is_known = len(decoded) == digests.SIZE * len(pts)
    written = bytearray()
    name = containers.FORMATS[path.suffix.lower()]
    foreign: list[Path | None] = []
    with ExitStack() as stack:
        container, original = stack.enter_context(open_video(source, beside=True))
        output = stack.enter_context(created(path, info))
        video = _add_video(output, segments, info, original)
        copies: dict[Stream, Stream] = {original: video}
        user_data = "user_data" in settings.keep
        shown = packets.joined_packets(
            segments, pts, info, source, user_data=user_data, decoded=decoded if is_known else b""
        )
        tracks = [_with_times(shown, video, depth, pts, info)]
        others = metadata.streams(container, settings, info)
        with _explained(others):
            for stream in others:
                outside = None
                if name == "matroska" and not containers.is_native(name, stream):
                    outside = path.with_name(f"{stream.index}.wav")
                foreign.append(outside)
                file = output
                if outside:
                    file = stack.enter_context(_created(outside, "wav", foreign_audio.OPTIONS))
                copies[stream] = file.add_stream_from_template(stream)
        if others:
            tracks.append(_copied(container, copies, others, info, name))
        output.metadata.update(metadata.tags(container.metadata, settings.keep))
        for stream, copy in copies.items():
            copy.metadata.clear()
            copy.metadata.update(metadata.tags(stream.metadata, settings.keep))
        with writing(), _explained(others):
            for copy in copies.values():
                _file(copy).start_encoding()
        # Merge both by time, so that the muxer need not hold packets of one back for the other.
        for packet in heapq.merge(*tracks, key=_decode_time):
            if packet.stream is video:
                written += digests.of(packet)
            with writing(packet.stream):
                _file(packet.stream).mux_one(packet)
        extradata = video.codec_context.extradata or b""
    if any(foreign):
        start = info.audio_start + info.shift * info.time_base
        foreign_audio.add(path, foreign, start, _options(name, info))
    return Written(extradata, bytes(written), is_known)


def _file(stream: Stream) -> OutputContainer:
    """Return the file that a stream is written to."""
    return cast("OutputContainer", stream.container)


_WAY_OUT = foreign_audio.WAY_OUT

_COMMON = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}


def _options(name: str, info: StreamInfo) -> dict[str, str]:
    """Return options of the muxer of a container."""
    # FFmpeg writes a projection into MP4 only if it need not keep strictly to the standard.
    options = _COMMON | {"strict": "unofficial"}
    if name == "matroska":
        return options
    return options | {
        "write_tmcd": "0",  # FFmpeg would make a time code stream of a tag that is kept
        "movflags": "+faststart",
        "movie_timescale": "90000",
        "video_track_timescale": str(info.time_base.denominator),
    }


def created(path: Path, info: StreamInfo) -> AbstractContextManager[OutputContainer]:
    """Create the file of a joined video; complete it after the block."""
    name = containers.FORMATS[path.suffix.lower()]
    return _created(path, name, _options(name, info))


@contextmanager
def _created(path: Path, name: str, options: dict[str, str]) -> Iterator[OutputContainer]:
    """Create a file, and complete it after the block."""
    with writing():
        output = av.open(str(path), "w", format=name, options=options)
    try:
        yield output
    finally:
        with writing():
            output.close()


@contextmanager
def writing(written: Stream | None = None) -> Iterator[None]:
    """Raise an error of the output for FFmpeg's: the source, in whose block it writes, is whole."""
    try:
        yield
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise OSError(error.errno, f"the joined video: {error.strerror}") from None
        if written is not None and written.type == "audio":
            sentence = f"its audio cannot be written: {error.strerror}; {_WAY_OUT}"
            raise UnsupportedVideo(sentence) from None
        raise CheckFailed(f"the joined video cannot be written: {error.strerror}") from None


@contextmanager
def _explained(copied: Iterable[Stream]) -> Iterator[None]:
    """Raise `UnsupportedVideo` where a container refuses the streams to copy into it."""
    try:
        yield
    except (av.error.FFmpegError, ValueError, AttributeError) as error:
        if isinstance(error, OSError):
            raise
        held = ", ".join(getattr(stream, "name", None) or stream.type for stream in copied)
        raise UnsupportedVideo(
            f"its container cannot hold all of {held} beside H.264; see output.audio, output.keep"
        ) from error


def _add_video(
    output: OutputContainer, segments: Sequence[Segment], info: StreamInfo, original: VideoStream
) -> VideoStream:
    """Add the video stream: like the source's if that is H.264, else like an encoded segment's."""
    segment = next((segment for segment in segments if segment.url), None)
    encoded = None
    # Only a template passes on what a container tells of its pictures, such as a projection. But
    # what FFmpeg writes into MP4 of a stereo picture, nobody reads as it was.
    look = info.appearance
    alike = info.codec == "h264" and not any(look.crop) and not look.container_tells_stereo
    if segment is None:
        video = output.add_stream_from_template(original)
    else:
        with packets.open_segment(segment) as (_, template):
            video = output.add_stream_from_template(original if alike else template)
            encoded = template.codec_context.extradata
            video.codec_context.extradata = encoded
    if not info.why_encoded:
        video.codec_context.extradata = SmartCopy.of(info).merged(encoded)
    video.time_base = info.time_base
    video.codec_context.sample_aspect_ratio = info.sample_aspect_ratio
    video.set_display_matrix(info.display_matrix or None)
    return video


def _with_times(
    shown: Iterable[tuple[int, Packet[Any]]],
    video: VideoStream,
    reorder_depth: int,
    pts: Sequence[int],
    info: StreamInfo,
) -> Iterator[Packet[Any]]:
    """Give each packet the pts of its frame, and the pts of an earlier frame as its dts.

    The dts of packet n in decoding order is the pts of frame n - ``reorder_depth``. So dts rise
    strictly, and none is above the packet's own pts, since no picture is decoded more than
    ``reorder_depth`` places after its place in presentation order. Frames before the first are
    imagined at the average frame rate.
    """
    frame_ticks = max(1, round(1 / (info.rate * info.time_base)))
    early = range(pts[0] - reorder_depth * frame_ticks, pts[0], frame_ticks)
    ends = [*pts[1:], pts[-1] + frame_ticks]
    place = 0
    for frame, packet in shown:
        if frame >= len(pts):
            raise CheckFailed(f"the segments hold more pictures than the source's {len(pts)}")
        packet.time_base = info.time_base
        dts = early[place] if place < reorder_depth else pts[place - reorder_depth]
        packet.pts, packet.dts = pts[frame] + info.shift, dts + info.shift
        packet.duration = ends[frame] - pts[frame]
        packet.stream = video
        place += 1
        yield packet
    if place < len(pts):
        raise CheckFailed(f"the segments hold {place} pictures, the source has {len(pts)}")


def _copied(
    source: InputContainer,
    copies: Mapping[Stream, Stream],
    streams: Sequence[Stream],
    info: StreamInfo,
    output: str,
) -> Iterator[Packet[Any]]:
    """Yield the packets of the streams that are copied, each assigned to its copy.

    MP4 and MOV hold no two packets of a stream with one dts: the second is moved by one tick.
    """
    step = 0 if output == "matroska" else 1
    least: dict[Stream, int] = {}
    for packet in source.demux(*streams):
        if not packet.size or packet.dts is None:
            continue
        stream, ticks = packet.stream, packet.dts
        late = max(ticks, least.get(stream, ticks)) - ticks
        if late > max(1, packet.duration or 0):
            seconds = float(ticks * packet.time_base)
            sentence = f"the clock of its {stream.type} runs back to {seconds:.3f} s; {_WAY_OUT}"
            raise UnsupportedVideo(sentence)
        least[stream] = ticks + late + step
        shift = round(info.shift * info.time_base / packet.time_base)
        packet.dts = ticks + late + shift
        packet.pts = max(packet.dts, (ticks if packet.pts is None else packet.pts) + shift)
        packet.stream = copies[stream]
        yield packet


def _decode_time(packet: Packet[Any]) -> Fraction:
    """Return the decoding time of a packet, seconds."""
    return (packet.dts or 0) * packet.time_base
