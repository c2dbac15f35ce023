"""Encoding consecutive frames into a segment: a small Matroska file with H.264 pictures.

A segment keeps the order of its pictures, but not their times: when segments are joined, each
picture gets its pts from the source. So any reordering by the encoder fits any timestamps.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from redact_dask.config import EncodeSettings
from redact_dask.errors import UnsupportedVideo
from redact_dask.media.h264.smart_copy import SmartCopy
from redact_dask.records import Appearance, Fields, StreamInfo

PIXEL_FORMATS = frozenset(
    f"{family}{depth}" for family in ("yuv420p", "yuv422p", "yuv444p") for depth in ("", "10le")
) | {"yuvj420p", "yuvj422p", "yuvj444p"}
"""Pixel formats that libx264 encodes without a conversion."""


@dataclass(frozen=True, slots=True)
class EncodedSegment:
    """What it takes to join a segment with others."""

    frames: int
    """Number of frames."""
    reorder_depth: int
    """Most frames that come before any one frame in decoding order, but are shown after it."""


class Encoder:
    """Encodes frames in presentation order, with one thread, keeping pixel format and colours.

    Parameters
    ----------
    info
        What the source's stream is.
    settings
        Quality and speed.
    file
        Receives the segment, a Matroska file with one video stream; it can be sought in.
    user_data
        Whether to keep captions and other messages that come with a frame of the source.

    Raises
    ------
    UnsupportedVideo
        libx264 cannot encode the pixel format, or cannot encode it in this size.
    """

    def __init__(
        self,
        info: StreamInfo,
        settings: EncodeSettings,
        file: IO[bytes],
        *,
        user_data: bool = False,
    ) -> None:
        if info.pixel_format not in PIXEL_FORMATS:
            raise UnsupportedVideo(f"its pixel format {info.pixel_format} cannot be encoded")
        if not _has_whole_chroma(info):
            size = f"{info.width}x{info.height}"
            raise UnsupportedVideo(f"H.264 knows no size {size} in {info.pixel_format}")
        self._rate = info.rate.limit_denominator(1_000_000)
        options = {"fflags": "+bitexact"}
        self._container = av.open(file, "w", format="matroska", options=options)
        self._stream = self._container.add_stream("libx264", rate=self._rate)
        _configure(self._stream, info, settings, user_data)
        self._frames = self._packets = self._depth = 0

    @property
    def parameter_sets(self) -> bytes:
        """Extradata of the encoded stream: its parameter sets."""
        context = self._stream.codec_context
        if not context.is_open:
            context.open()
        return context.extradata or b""

    def add(self, frame: VideoFrame) -> None:
        """Encode the next frame."""
        frame.pts = self._frames
        frame.time_base = 1 / self._rate
        frame.pict_type = PictureType.NONE  # Let the encoder choose, not the source.
        self._frames += 1
        self._mux(self._stream.encode(frame))

    def finish(self) -> EncodedSegment:
        """Encode the frames that the encoder still holds, and complete the file."""
        self._mux(self._stream.encode(None))
        self._container.close()
        return EncodedSegment(self._frames, self._depth)

    def _mux(self, packets: Iterable[Packet[VideoStream]]) -> None:
        """Write packets to the segment, and measure how far they are reordered."""
        for packet in packets:
            self._depth = max(self._depth, self._packets - (packet.pts or 0))
            self._packets += 1
            self._container.mux(packet)


def _has_whole_chroma(info: StreamInfo) -> bool:
    """Tell whether width and height are multiples of the luma pixels that a chroma pixel spans."""
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
    # By default, PyAV cuts each picture into slices for several threads.
    context.thread_type = "NONE"
    context.thread_count = 1
    options: dict[str, str] = {"preset": settings.preset}
    if not info.why_encoded:
        options = SmartCopy.of(info).encoder_options(settings.preset)
    elif info.fields != Fields.PROGRESSIVE:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        order = "tff" if info.fields == Fields.TOP_FIRST else "bff"
        options["x264-params"] = f"{order}=1"
    told = ":".join(filter(None, [options.get("x264-params"), *_messages(info.appearance)]))
    if told:
        options["x264-params"] = told
    options |= {"a53cc": str(int(user_data)), "udu_sei": str(int(user_data))}
    stream.options = {**options, "crf": str(settings.crf)}


_PACKING = {1: 3, 2: 4, 3: 5, 4: 0, 6: 2, 7: 1}
"""Number of a stereo picture's layout in H.264 (Table D-8), by FFmpeg's ``AVStereo3DType``."""


def _messages(look: Appearance) -> Iterator[str]:
    """Yield options of x264 that tell with the pictures how they are to be shown."""
    if look.mastering_display:
        red_x, red_y, green_x, green_y, blue_x, blue_y, x, y, least, most = look.mastering_display
        primaries = f"G({green_x},{green_y})B({blue_x},{blue_y})R({red_x},{red_y})"
        yield f"mastering-display={primaries}WP({x},{y})L({most},{least})"
    if look.light_level:
        yield f"cll={look.light_level[0]},{look.light_level[1]}"
    if look.stereo and look.stereo[0] in _PACKING:
        yield f"frame-packing={_PACKING[look.stereo[0]]}"


def why_not_copied(info: StreamInfo, settings: EncodeSettings) -> str:
    """Return why no GOP may be copied beside GOPs that this encoder makes; empty: they may be.

    Raises
    ------
    UnsupportedVideo
        The encoder cannot encode the video at all.
    """
    encoder = Encoder(info, settings, io.BytesIO())
    if info.why_encoded:
        return info.why_encoded
    if settings.copy_spans == "never":
        return "the configuration says never"
    try:
        SmartCopy.of(info).merged(encoder.parameter_sets)
    except (ValueError, av.error.FFmpegError) as error:
        return str(error)
    return ""
