"""Consecutive frames become a segment: H.264 in a small Matroska file of its own.

A segment keeps the order of its pictures, not their times: joining gives each its source's pts. So
any encoder's reordering fits any source's timestamps.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from redact_dask.config import EncodeSettings
from redact_dask.errors import UnsupportedVideo
from redact_dask.media.h264.smart_copy import SmartCopy
from redact_dask.records import Fields, StreamInfo

PIXEL_FORMATS = frozenset(
    f"{family}{depth}" for family in ("yuv420p", "yuv422p", "yuv444p") for depth in ("", "10le")
) | {"yuvj420p", "yuvj422p", "yuvj444p"}
"""What libx264 takes as it is, so that no picture is converted."""


@dataclass(frozen=True, slots=True)
class EncodedSegment:
    """Encoded pictures of consecutive frames."""

    content: bytes
    """A Matroska file with one video stream."""
    frames: int
    reorder_depth: int
    """Most pictures that come before another in decoding order and after it on the screen."""


class Encoder:
    """Encodes frames in presentation order, with one thread, keeping pixel format and colour.

    Parameters
    ----------
    info
        Of the source.
    settings
        Quality and speed.
    user_data
        Whether captions and other messages, which a frame of the source brings along, are kept.

    Raises
    ------
    UnsupportedVideo
        libx264 does not take the pixel format, or not in this size.
    """

    def __init__(
        self, info: StreamInfo, settings: EncodeSettings, *, user_data: bool = False
    ) -> None:
        if info.pixel_format not in PIXEL_FORMATS:
            raise UnsupportedVideo(f"its pixel format {info.pixel_format} cannot be encoded")
        if not _has_whole_chroma(info):
            size = f"{info.width}x{info.height}"
            raise UnsupportedVideo(f"H.264 knows no size {size} in {info.pixel_format}")
        self._rate = info.rate.limit_denominator(1_000_000)
        self._buffer = io.BytesIO()
        options = {"fflags": "+bitexact"}
        self._container = av.open(self._buffer, "w", format="matroska", options=options)
        self._stream = self._container.add_stream("libx264", rate=self._rate)
        _configure(self._stream, info, settings, user_data)
        self._frames = self._packets = self._depth = 0

    @property
    def parameter_sets(self) -> bytes:
        """The extradata of what will be encoded."""
        context = self._stream.codec_context
        if not context.is_open:
            context.open()
        return context.extradata or b""

    def add(self, frame: VideoFrame) -> None:
        """Encode the next frame."""
        frame.pts = self._frames
        frame.time_base = 1 / self._rate
        frame.pict_type = PictureType.NONE  # The source's choice is not the encoder's.
        self._frames += 1
        self._mux(self._stream.encode(frame))

    def finish(self) -> EncodedSegment:
        """Encode what is delayed, and return the whole segment."""
        self._mux(self._stream.encode(None))
        self._container.close()
        return EncodedSegment(self._buffer.getvalue(), self._frames, self._depth)

    def _mux(self, packets: Iterable[Packet[VideoStream]]) -> None:
        for packet in packets:
            self._depth = max(self._depth, self._packets - (packet.pts or 0))
            self._packets += 1
            self._container.mux(packet)


def _has_whole_chroma(info: StreamInfo) -> bool:
    layout = VideoFormat(info.pixel_format, info.width, info.height)
    across = 2 if layout.chroma_width() < info.width else 1
    down = 2 if layout.chroma_height() < info.height else 1
    return info.width % across == 0 and info.height % down == 0


def _configure(
    stream: VideoStream, info: StreamInfo, settings: EncodeSettings, user_data: bool
) -> None:
    stream.width = info.width
    stream.height = info.height
    stream.pix_fmt = info.pixel_format
    context = stream.codec_context
    context.sample_aspect_ratio = info.sample_aspect_ratio
    context.color_range = info.color_range
    context.color_primaries = info.color_primaries
    context.color_trc = info.color_transfer
    context.colorspace = info.color_space
    # PyAV's own default cuts each picture into slices for several threads.
    context.thread_type = "NONE"
    context.thread_count = 1
    options: dict[str, str] = {"preset": settings.preset}
    if not info.why_encoded:
        options = SmartCopy.of(info).encoder_options(settings.preset)
    elif info.fields != Fields.PROGRESSIVE:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        order = "tff" if info.fields == Fields.TOP_FIRST else "bff"
        options["x264-params"] = f"{order}=1"
    options |= {"a53cc": str(int(user_data)), "udu_sei": str(int(user_data))}
    stream.options = {**options, "crf": str(settings.crf)}


def why_not_copied(info: StreamInfo, settings: EncodeSettings) -> str:
    """Return why no gop may be copied beside gops of this encoder; empty if they may.

    Raises
    ------
    UnsupportedVideo
        The encoder does not take the video at all.
    """
    encoder = Encoder(info, settings)
    if info.why_encoded:
        return info.why_encoded
    if settings.copy_spans == "never":
        return "the configuration says never"
    try:
        SmartCopy.of(info).merged(encoder.parameter_sets)
    except (ValueError, av.error.FFmpegError) as error:
        return str(error)
    return ""
