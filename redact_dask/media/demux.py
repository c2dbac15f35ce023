"""Opening a source video, and reading its packets from a keyframe on."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from typing import IO

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask import storage
from redact_dask.errors import DamagedVideo, UnreadableVideo, UnsupportedVideo
from redact_dask.records import Keyframe

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


@contextmanager
def open_video(url: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and yield its container and its only video stream, with a one-thread decoder.

    Cover pictures do not count as video streams.

    Raises
    ------
    UnreadableVideo
        The file cannot be opened, or a read of its bytes fails anywhere inside the ``with`` block.
    UnsupportedVideo
        The file is not a video, has no video stream or several, or FFmpeg has no decoder for it;
        its pictures have more than `MOST_PIXELS`; or a stream of an MPEG transport or program
        stream begins in its middle.
    DamagedVideo
        FFmpeg raises an error anywhere inside the ``with`` block.
    """
    with ExitStack() as stack:
        try:
            container = stack.enter_context(_open(url, stack))
        except av.error.FFmpegError as error:
            raise UnsupportedVideo(f"it cannot be opened as a video: {error.strerror}") from error
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not streams:
            raise UnsupportedVideo("it has no video stream")
        if len(streams) > 1:
            raise UnsupportedVideo(f"it has {len(streams)} video streams; split it into one each")
        stream = streams[0]
        if stream.codec_context is None:
            raise UnsupportedVideo("FFmpeg knows no decoder for its pictures")
        if stream.width * stream.height > MOST_PIXELS:
            raise UnsupportedVideo(
                f"its pictures of {stream.width}x{stream.height} pixels are larger than H.264's "
                f"highest level allows, {MOST_PIXELS:,} pixels; make them smaller first"
            )
        stream.codec_context.options = _LIMIT
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        try:
            yield container, stream
        except av.error.FFmpegError as error:
            raise DamagedVideo(f"FFmpeg gives up on it: {error.strerror}") from error
        except IndexError as error:
            # PyAV finds no stream that was not there yet when the container was opened.
            if container.format.name not in ("mpegts", "mpeg"):
                raise
            raise UnsupportedVideo("a stream begins in its middle; remux it") from error


def timed(
    container: InputContainer, stream: VideoStream, raw_pts: Sequence[int]
) -> Iterator[Packet[VideoStream]]:
    """Yield all packets in decoding order, then the final empty one.

    The packets of a raw stream are given their pts.

    Parameters
    ----------
    container, stream
        An open video whose packets have not been read yet.
    raw_pts
        Pts for each packet of a raw stream, as in `StreamInfo`; empty: the packets have their own.
    """
    for number, packet in enumerate(container.demux(stream)):
        if raw_pts and packet.size:
            packet.pts = raw_pts[number]
        yield packet


def is_raw(container: InputContainer) -> bool:
    """Tell whether a file is a raw H.264 or HEVC stream: pictures without timestamps."""
    return container.format.name in ("h264", "hevc")


def raw_pts(url: str) -> tuple[int, ...]:
    """Return the pts for each packet of a raw stream, in file order.

    Only the decoder knows the order in which a raw stream's pictures are shown, so the whole stream
    is decoded. Its frame rate is the one in its parameter sets, or else 25 frames a second, which
    is FFmpeg's default.

    Raises
    ------
    DamagedVideo
        The packets do not decode to exactly one picture each.
    """
    with open_video(url) as (container, stream):
        shown: list[int | None] = []
        count = 0
        for packet in container.demux(stream):
            if packet.size:
                packet.pts = packet.dts = count
                count += 1
            shown += [frame.pts for frame in packet.decode()]
        ticks = round(1 / ((stream.guessed_rate or 25) * (stream.time_base or Fraction(1))))
    ranks = {number: rank for rank, number in enumerate(shown)}
    if len(shown) != count or ranks.keys() != set(range(count)):
        raise DamagedVideo(f"of its {count} pictures {len(shown)} decode, and none has a timestamp")
    return tuple(ranks[number] * ticks for number in range(count))


def packets(
    url: str, start: Keyframe, raw_pts: Sequence[int] = ()
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
    raw_pts
        Pts for each packet of a raw stream, as in `StreamInfo`; empty: the packets have their own.

    Raises
    ------
    DamagedVideo
        The keyframe is not found, or FFmpeg raises an error.
    """
    for seek in (False,) if raw_pts else (True, False):
        with open_video(url) as (container, stream):
            if seek:
                container.seek(start.place, stream=stream)
            found = False
            for packet in timed(container, stream, raw_pts):
                found = found or (packet.pts, packet.size) == (start.pts, start.size)
                if found:
                    yield packet
                elif packet.is_keyframe and packet.pts is not None and packet.pts > start.pts:
                    break
            if found:
                return
    raise DamagedVideo(f"the keyframe at pts {start.pts} is not found again")


def _open(url: str, stack: ExitStack) -> InputContainer:
    with _reading():
        file = stack.enter_context(storage.open_read(url))
    return av.open(_Source(file), "r", options=_OPTIONS)


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
