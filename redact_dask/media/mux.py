"""Joining segments, and what is copied from the source, into one new container."""

from __future__ import annotations

import errno
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
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from redact_dask.config import OutputSettings
from redact_dask.errors import CheckFailed, UnsupportedVideo
from redact_dask.media import (
    appearance,
    containers,
    copying,
    digests,
    foreign_audio,
    metadata,
    packets,
)
from redact_dask.media.demux import TAG_ERRORS, open_file
from redact_dask.media.foreign_audio import WAY_OUT
from redact_dask.records import Footage, StreamInfo


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
    path: Path, videos: Sequence[Footage], source: str, settings: OutputSettings
) -> tuple[Written, ...]:
    """Write the joined video; return what was written into each of its video streams.

    Parameters
    ----------
    path
        File to write; its suffix selects the container.
    videos
        What each video stream shows, in the source's order. A segment was encoded into a file, or
        is copied from the source; time base, display matrix and parameter sets are the source's.
    source
        URL of the source.
    settings
        Which other streams, tags and messages of the source are copied.

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
    name = containers.FORMATS[path.suffix.lower()]
    info = videos[0].info
    infos = [footage.info for footage in videos]
    begins = [(own.pts[0] + own.info.shift) * own.info.time_base for own in videos]
    options = containers.options(name, infos, begins)
    foreign: list[Path | None] = []
    with ExitStack() as stack:
        container, originals = stack.enter_context(open_file(source, beside=True))
        output = stack.enter_context(_created(path, name, options))
        copies: dict[Stream, Stream] = {}
        tracks = []
        written: dict[Stream, bytearray] = {}
        for footage in videos:
            original = originals[footage.info.number or 0]
            video = _add_video(output, footage, original)
            if len(videos) > 1:
                video.disposition = original.disposition & Disposition.default
            copies[original], written[video] = video, bytearray()
            shown = packets.joined_packets(
                footage,
                source,
                video.codec_context.extradata or b"",
                user_data="user_data" in settings.keep,
            )
            tracks.append(_with_times(shown, video, footage))
        others = metadata.streams(container, settings, info)
        with _explained(others):
            for stream in others:
                file, outside = output, None
                if name == "matroska" and not containers.is_native(name, stream):
                    outside = path.with_name(f"{stream.index}.wav")
                    file = stack.enter_context(_created(outside, "wav", foreign_audio.OPTIONS))
                foreign.append(outside)
                copies[stream] = file.add_stream_from_template(stream)
                metadata.clean(copies[stream])
        if others:
            tracks.append(_copied(container, copies, others, info, name))
        _copy_tags(container, output, copies, settings)
        with writing(), _explained(others):
            for copy in copies.values():
                _file(copy).start_encoding()
        # Merge all by time, so that the muxer need not hold packets of one back for another.
        for packet in heapq.merge(*tracks, key=_decode_time):
            if packet.stream in written:
                written[packet.stream] += digests.of(packet)
            with writing(packet.stream):
                _file(packet.stream).mux_one(packet)
        extradata = [cast("VideoStream", video).codec_context.extradata or b"" for video in written]
    if any(foreign):
        start = info.audio_start + info.shift * info.time_base
        foreign_audio.add(path, len(videos), foreign, start, options)
    made = zip(extradata, written.values(), videos, strict=True)
    return tuple(Written(sets, bytes(found), packets.are_known(own)) for sets, found, own in made)


def _copy_tags(
    source: InputContainer,
    output: OutputContainer,
    copies: Mapping[Stream, Stream],
    settings: OutputSettings,
) -> None:
    """Give the file and its streams those tags of the source that are to be kept."""
    output.metadata.update(metadata.tags(source.metadata, settings.keep))
    for stream, copy in copies.items():
        copy.metadata.clear()
        copy.metadata.update(metadata.tags(stream.metadata, settings.keep))


def _file(stream: Stream) -> OutputContainer:
    """Return the file that a stream is written to."""
    return cast("OutputContainer", stream.container)


def created(path: Path, info: StreamInfo) -> AbstractContextManager[OutputContainer]:
    """Create the file of a video that begins at 0; complete it after the block."""
    name = containers.FORMATS[path.suffix.lower()]
    return _created(path, name, containers.options(name, [info]))


@contextmanager
def _created(path: Path, name: str, options: dict[str, str]) -> Iterator[OutputContainer]:
    """Create a file, and complete it after the block."""
    with writing():
        output = av.open(str(path), "w", format=name, options=options, metadata_errors=TAG_ERRORS)
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
        # A muxer returns -1, the number of EPERM, for a packet of AMR that it cannot take apart.
        is_refused = error.errno == errno.EPERM
        if isinstance(error, OSError) and not is_refused:
            raise OSError(error.errno, f"the joined video: {error.strerror}") from None
        reason = "FFmpeg refuses a packet" if is_refused else error.strerror
        if is_refused or (written is not None and written.type == "audio"):
            raise UnsupportedVideo(f"its audio cannot be written: {reason}; {WAY_OUT}") from None
        perhaps = f"if its audio is damaged, {WAY_OUT}"
        raise CheckFailed(f"the joined video cannot be written: {reason}; {perhaps}") from None


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
            f"its container cannot hold all of {held} beside its pictures; see output.audio, "
            f"output.keep"
        ) from error


def _add_video(output: OutputContainer, footage: Footage, original: VideoStream) -> VideoStream:
    """Add the video stream: like the source's if its codec stays, else like a segment's."""
    info = footage.info
    made = (segment for segment in footage.segments if segment.url)
    segment = min(made, key=lambda segment: segment.is_taken, default=None)
    codec, encoded = info.codec, None
    # Only a template passes on what a container tells of its pictures, such as a projection.
    if segment is None:
        video = output.add_stream_from_template(original)
    else:
        with packets.open_segment(segment) as (_, template):
            codec, encoded = template.codec_context.name, template.codec_context.extradata
            alike = info.codec == codec and appearance.is_told_alike(info.appearance)
            video = output.add_stream_from_template(original if alike else template)
    # What is taken from a copy has the source's parameter sets already.
    lacks_copied = footage.has_copies and not (segment and segment.is_taken)
    extradata = copying.track_extradata(info, codec, encoded, has_copies=lacks_copied)
    video.codec_context.extradata = extradata
    if codec == "hevc" and output.format.name != "matroska":
        video.codec_context.codec_tag = "hvc1"  # Players of Apple take no other.
    video.time_base = info.time_base
    video.codec_context.sample_aspect_ratio = info.sample_aspect_ratio
    video.set_display_matrix(info.display_matrix or None)
    return video


def _with_times(
    shown: Iterable[tuple[int, Packet[Any]]], video: VideoStream, footage: Footage
) -> Iterator[Packet[Any]]:
    """Give each packet the pts of its frame, and the pts of an earlier frame as its dts.

    The dts of packet n in decoding order is the pts of frame n - ``reorder_depth``. So dts rise
    strictly, and none is above the packet's own pts, since no picture is decoded more than
    ``reorder_depth`` places after its place in presentation order. Frames before the first are
    imagined at the average frame rate, or closer together.
    """
    pts, info = footage.pts, footage.info
    reorder_depth = max(segment.reorder_depth for segment in footage.segments)
    frame_ticks = max(1, round(1 / (info.rate * info.time_base)))
    # MP4 cannot tell that the first frame is shown after 0 if its decoding begins before 0.
    room = (pts[0] + info.shift) // max(1, reorder_depth)
    step = min(frame_ticks, room) if room > 0 else frame_ticks
    early = range(pts[0] - reorder_depth * step, pts[0], step)
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
            back = f"{stream.type} runs back to {float(ticks * packet.time_base):.3f} s"
            raise UnsupportedVideo(f"the clock of its {back}; {WAY_OUT}")
        least[stream] = ticks + late + step
        shift = round(info.shift * info.time_base / packet.time_base)
        packet.dts = ticks + late + shift
        packet.pts = max(packet.dts, (ticks if packet.pts is None else packet.pts) + shift)
        packet.stream = copies[stream]
        yield packet


def _decode_time(packet: Packet[Any]) -> Fraction:
    """Return the decoding time of a packet, seconds."""
    return (packet.dts or 0) * packet.time_base
