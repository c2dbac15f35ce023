"""Opening a source video, and reading its packets from a keyframe on."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from redact_dask import storage
from redact_dask.errors import CheckFailed, DamagedVideo, UnreadableVideo, UnsupportedVideo
from redact_dask.records import Clock, Keyframe

MOST_PIXELS = 139_264 * 16 * 16
"""Largest picture of the highest level of H.264, 6.2, pixels (ITU-T H.264, table A-1): no copy
could be played if it had larger ones, and a file of some kilobytes can make a decoder fill them."""
_LIMIT = {"max_pixels": str(MOST_PIXELS + 2**20)}  # Decoders count with rounded-up widths.

# A playlist or a similar format could make FFmpeg read other files, so only these are allowed.
# FFmpeg decodes pictures already when it opens a file, so the limit holds there, too.
_OPTIONS = _LIMIT | {
    "format_whitelist": (
        "asf,avi,flv,h264,hevc,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,mxf,ogg"
    ),
    "protocol_whitelist": "file",
}

TAG_ERRORS = "surrogateescape"
"""How Python reads tags that are not UTF-8, as many cameras write them: each byte is kept."""

_FAR = {"probesize": str(64 * 2**20), "analyzeduration": str(3600 * 10**6)}
"""How far FFmpeg looks into a file for streams that begin late: 64 MiB, or an hour in microseconds.

It holds in memory what it has read.
"""


_STRICT = {codec: {"err_detect": "explode"} for codec in ("mjpeg", "ljpeg")}
"""Options of decoders that else say nothing of a damaged picture: the rest of it is what the memory
held before, for example a part of a picture in which nothing is hidden."""


class SeveralStreams(UnsupportedVideo):
    """The file has several video streams, and nobody told which is meant."""


@contextmanager
def open_file(
    url: str, *, beside: bool = False
) -> Iterator[tuple[InputContainer, list[VideoStream]]]:
    """Open a video and yield its container and its video streams, of which there is at least one.

    Cover pictures do not count as video streams.

    Parameters
    ----------
    url
        URL of the video.
    beside
        Whether the other streams are wanted: then FFmpeg looks further into a file whose audio
        begins late, until it knows what the audio is.

    Raises
    ------
    UnreadableVideo
        The file cannot be opened, or a read of its bytes fails anywhere inside the ``with`` block.
    UnsupportedVideo
        The file is not a video, or has no video stream; or a stream of a transport or program
        stream, of Flash or of Ogg begins in its middle.
    DamagedVideo
        FFmpeg raises an error anywhere inside the ``with`` block.
    """
    with ExitStack() as stack:
        try:
            container = stack.enter_context(_open(url, stack, _OPTIONS))
            if beside and any(map(_is_undescribed, container.streams.audio)):
                container = stack.enter_context(_open(url, stack, _OPTIONS | _FAR))
        except av.error.FFmpegError as error:
            raise UnsupportedVideo(f"it cannot be opened as a video: {error.strerror}") from error
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not streams:
            raise UnsupportedVideo("it has no video stream")
        try:
            yield container, streams
        except av.error.FFmpegError as error:
            raise DamagedVideo(f"FFmpeg gives up on it: {error.strerror}") from error
        except IndexError as error:
            # PyAV finds no stream that was not there yet when the container was opened.
            if container.format.name not in ("mpegts", "mpeg", "flv", "ogg"):
                raise
            raise UnsupportedVideo("a stream begins in its middle; remux it") from error


@contextmanager
def open_video(
    url: str, number: int | None = None, *, beside: bool = False
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and yield its container and one video stream, with a one-thread decoder.

    Parameters
    ----------
    url, beside
        As in `open_file`.
    number
        Number of the stream among the video streams, from 0; None: it is the only one.

    Raises
    ------
    VideoError
        As `open_file`.
    SeveralStreams
        No number tells which of several streams is meant.
    UnsupportedVideo
        There is no stream with this number, FFmpeg has no decoder for it, or its pictures have more
        than `MOST_PIXELS`.
    """
    # What lies far into a file has a number only if one looks as far as when they were given.
    with open_file(url, beside=beside or bool(number)) as (container, streams):
        if number is None and len(streams) > 1:
            raise SeveralStreams(f"it has {len(streams)} video streams")
        if (number or 0) >= len(streams):
            raise UnsupportedVideo(f"it has no video stream {number}, but only {len(streams)}")
        stream = streams[number or 0]
        if stream.codec_context is None:
            raise UnsupportedVideo("FFmpeg knows no decoder for its pictures")
        if stream.width * stream.height > MOST_PIXELS:
            raise UnsupportedVideo(
                f"its pictures of {stream.width}x{stream.height} pixels are larger than H.264's "
                f"highest level allows, {MOST_PIXELS:,} pixels; make them smaller first"
            )
        stream.codec_context.options = _LIMIT | _STRICT.get(stream.codec_context.name, {})
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        yield container, stream


@contextmanager
def open_result(
    url: str, number: int | None = None
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a finished file as `open_video` does; what is wrong with it is not the source's fault.

    Raises
    ------
    CheckFailed
        The file is not a video that can be read from end to end.
    UnreadableVideo
        Its disk fails.
    """
    with _reading_result(), open_video(url, number) as opened:
        yield opened


@contextmanager
def open_result_file(url: str) -> Iterator[tuple[InputContainer, list[VideoStream]]]:
    """Open a finished file as `open_file` does, and raise what `open_result` raises."""
    with _reading_result(), open_file(url) as opened:
        yield opened


@contextmanager
def _reading_result() -> Iterator[None]:
    try:
        yield
    except (DamagedVideo, UnsupportedVideo) as error:
        raise CheckFailed(f"the result cannot be read: {error}") from error


def timed(
    container: InputContainer, stream: VideoStream, clock: Clock, beside: Sequence[Stream] = ()
) -> Iterator[Packet[Any]]:
    """Yield all packets in decoding order, then an empty one.

    Parameters
    ----------
    container, stream
        An open video whose packets have not been read yet.
    clock
        As in `StreamInfo`: the pts that it has for the stream's packets.
    beside
        Other streams whose packets are yielded, too.
    """
    moved = {(pts, size): new for pts, size, new in clock.moved}
    number = 0
    for packet in container.demux(stream, *beside):
        if packet.stream is stream and packet.size:
            if clock.pts:
                place = packet.dts if clock.by_dts else number
                # After a seek, AVI may count from another packet: then no place is the right one.
                if place is None or not 0 <= place < len(clock.pts):
                    packet.pts = None
                else:
                    packet.pts = clock.pts[place]
            elif moved and packet.pts is not None:
                packet.pts = moved.get((packet.pts, packet.size), packet.pts)
            number += 1
        yield packet


def packets(
    url: str, start: Keyframe, clock: Clock, number: int | None = None
) -> Iterator[Packet[VideoStream]]:
    """Yield the stream's packets from a keyframe on, in decoding order, then the final empty one.

    Not every container seeks exactly, so the keyframe is recognised by its pts and size. If a seek
    lands after it, the file is read from its beginning; raw streams always are.

    Parameters
    ----------
    url
        URL of the video.
    start
        Keyframe to begin with.
    clock, number
        As in `StreamInfo`.

    Raises
    ------
    DamagedVideo
        The keyframe is not found, or FFmpeg raises an error.
    """
    for seek in (False,) if clock.counts else (True, False):
        with open_video(url, number) as (container, stream):
            if seek:
                with suppress(av.error.FFmpegError):  # The keyframe is looked for all the same.
                    container.seek(start.place, stream=stream)
            found = False
            for packet in timed(container, stream, clock):
                found = found or (packet.pts, packet.size) == (start.pts, start.size)
                if found:
                    yield packet
                elif packet.is_keyframe and packet.pts is not None and packet.pts > start.pts:
                    break
            if found:
                return
    raise DamagedVideo(f"the keyframe at pts {start.pts} is not found again")


def _open(url: str, stack: ExitStack, options: dict[str, str]) -> InputContainer:
    with _reading():
        file = stack.enter_context(storage.open_read(url))
    return av.open(_Source(file), "r", options=options, metadata_errors=TAG_ERRORS)


class _Source:
    """A source's file as PyAV reads it.

    Some demuxers take a failed read for the end of the file. What is raised here goes through PyAV
    unchanged and at once, so a disk that fails is never mistaken for a damaged video.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.name = getattr(file, "name", "")  # FFmpeg looks at its suffix.

    def read(self, size: int) -> bytes:
        with _reading():
            return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        with _reading():
            try:
                return self._file.seek(offset, whence)
            except (OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno != errno.EINVAL:
                    raise
                return -errno.EINVAL  # A damaged file names places before its beginning.

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def _reading() -> Iterator[None]:
    """Raise `UnreadableVideo` where the store fails."""
    try:
        yield
    except storage.FAILURES as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableVideo(f"it cannot be read: {reason}") from error


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _is_undescribed(stream: AudioStream) -> bool:
    """Tell whether no packet has told yet what the audio is."""
    context: AudioCodecContext | None = stream.codec_context
    return context is not None and not context.sample_rate
