"""Opening a source video, and its packets from a keyframe on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask import storage
from redact_dask.errors import DamagedVideo, UnsupportedVideo
from redact_dask.model import Keyframe

# Play lists and the like could make a file pull in other files.
_OPTIONS = {
    "format_whitelist": "avi,h264,hevc,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,mxf",
    "protocol_whitelist": "file",
}


@contextmanager
def opened(url: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and choose its first video stream, with a decoder of one thread.

    Raises
    ------
    UnsupportedVideo
        It is no video, or has no video stream, or several.
    DamagedVideo
        FFmpeg gives up anywhere inside the ``with`` block.
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
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        try:
            yield container, stream
        except av.error.FFmpegError as error:
            raise DamagedVideo(f"FFmpeg gives up on it: {error.strerror}") from error


def packets(url: str, start: Keyframe) -> Iterator[Packet[VideoStream]]:
    """Yield the stream's packets from a keyframe on, in decoding order, and the final empty one.

    Not every container seeks exactly, so the packet that is reached is compared with the one
    that is sought; if a seek lands behind it, the file is read from its beginning.

    Raises
    ------
    DamagedVideo
        There is no such packet, or FFmpeg gives up.
    """
    for seek in (True, False):
        with opened(url) as (container, stream):
            if seek:
                container.seek(start.place, stream=stream)
            found = False
            for packet in container.demux(stream):
                found = found or (packet.pts, packet.size) == (start.pts, start.size)
                if found:
                    yield packet
                elif packet.is_keyframe and packet.pts is not None and packet.pts > start.pts:
                    break
            if found:
                return
    raise DamagedVideo(f"the keyframe at pts {start.pts} is not found again")


def _open(url: str, stack: ExitStack) -> InputContainer:
    path = storage.local_path(url)
    if path is not None:
        return av.open(f"file:{path}", options=_OPTIONS)
    return av.open(stack.enter_context(storage.open_read(url)), "r", options=_OPTIONS)


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)
