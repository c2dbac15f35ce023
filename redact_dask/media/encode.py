"""Encoding consecutive frames into a segment: a small Matroska file with H.264 or HEVC pictures.

A segment keeps the order of its pictures, but not their times: when segments are joined, each
picture gets its pts from the source. So any reordering by the encoder fits any timestamps.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import IO, cast

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from redact_dask.config import EncodeSettings
from redact_dask.errors import UnsupportedVideo
from redact_dask.media import appearance, copying
from redact_dask.media.h264 import x264
from redact_dask.media.hevc import x265
from redact_dask.records import Fields, StreamInfo

PIXEL_FORMATS = frozenset(
    f"{family}{depth}" for family in ("yuv420p", "yuv422p", "yuv444p") for depth in ("", "10le")
) | {"yuvj420p", "yuvj422p", "yuvj444p"}
"""Pixel formats that libx264 and libx265 encode without a conversion."""

_ENCODERS = {"h264": "libx264", "hevc": "libx265"}
_SMALLEST = 64
"""Least width and height of a picture that libx265 is given, pixels: it writes beyond its memory at
widths of up to 48, as measured with x265 4.2, and ends the process.
"""
_SLOWEST, _FASTEST = Fraction(1, 1000), Fraction(1000)
"""Frames a second: Matroska counts milliseconds, and FFmpeg knows no rate of nearly 0."""


def codec_of(info: StreamInfo, settings: EncodeSettings) -> str:
    """Return the codec of a source's copy: ``h264`` or ``hevc``.

    libx265 takes whole frames only, and cannot tell which eye sees what: pictures of fields and
    stereo pictures become H.264.

    Parameters
    ----------
    info
        What the source's stream is.
    settings
        Which codec is wanted.
    """
    if (
        info.fields != Fields.PROGRESSIVE
        or any(info.appearance.stereo)
        or min(info.width, info.height) < _SMALLEST
    ):
        return "h264"
    if settings.codec != "auto":
        return settings.codec
    if info.codec in _ENCODERS:
        return info.codec
    # More hardware plays 10 bit as HEVC (Main 10) than as H.264 (High 10).
    return "hevc" if info.pixel_format == "yuv420p10le" else "h264"


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
        The encoder cannot encode the pixel format, or cannot encode it in this size; or what the
        container tells of the pictures cannot be kept.
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
            raise UnsupportedVideo(
                f"H.264 and HEVC know no size {size} in {info.pixel_format}; crop it to an even "
                "size first"
            )
        codec, look = codec_of(info, settings), info.appearance
        if look.projection and not (codec == info.codec and appearance.is_told_alike(look)):
            raise UnsupportedVideo(
                "its projection around the camera can be kept only in the codec of the source, "
                "H.264 or HEVC, without crop and stereo mode; convert it first"
            )
        self._rate = min(max(info.rate, _SLOWEST), _FASTEST).limit_denominator(1_000_000)
        options = {"fflags": "+bitexact"}
        self._container = av.open(file, "w", format="matroska", options=options)
        stream = self._container.add_stream(_ENCODERS[codec], rate=self._rate)
        self._stream = cast("VideoStream", stream)
        _configure(self._stream, codec, info, settings, user_data)
        self._frames = self._packets = self._depth = 0

    @property
    def parameter_sets(self) -> bytes:
        """Extradata of the encoded stream: its parameter sets."""
        context = self._stream.codec_context
        if not context.is_open:
            context.open()
        return context.extradata or b""

    def add(self, frame: VideoFrame, *, begins_piece: bool = False) -> None:
        """Encode the next frame; one that begins a piece becomes an IDR picture."""
        frame.pts = self._frames
        frame.time_base = 1 / self._rate
        # Else let the encoder choose, not the source.
        frame.pict_type = PictureType.I if begins_piece else PictureType.NONE
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
    stream: VideoStream, codec: str, info: StreamInfo, settings: EncodeSettings, user_data: bool
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
    if info.fields != Fields.PROGRESSIVE:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    options: dict[str, str] = {"preset": settings.preset, "forced-idr": "1"}
    if not info.why_encoded:
        options |= copying.smart_copy_of(info).encoder_options(settings.preset)
    if codec == "hevc":
        name, told = "x265-params", x265.parameters(info.appearance, settings.crf)
    else:
        name, told = "x264-params", x264.parameters(info)
        if settings.preset == "superfast":
            # x264 would choose B-frames in an eighth of its time, and save no bytes.
            options["b_strategy"] = "0"
    if parameters := ":".join(filter(None, [options.get(name), *told])):
        options[name] = parameters
    options |= {"a53cc": str(int(user_data)), "udu_sei": str(int(user_data))}
    stream.options = {**options, "crf": str(settings.crf)}


def why_not_copied(info: StreamInfo, settings: EncodeSettings) -> str:
    """Return why no GOP may be copied beside GOPs that this encoder makes; empty: they may be.

    Raises
    ------
    UnsupportedVideo
        The encoder cannot encode the video at all.
    """
    why = info.why_encoded or _why_encoded(info, settings)
    encoder = Encoder(replace(info, why_encoded=why), settings, io.BytesIO())
    if why:
        return why
    try:
        copying.smart_copy_of(info).merged(encoder.parameter_sets)
    except (ValueError, av.error.FFmpegError) as error:
        return str(error)
    return ""


def _why_encoded(info: StreamInfo, settings: EncodeSettings) -> str:
    """Return why the settings let no GOP be copied; empty: they do not."""
    if settings.copy_spans == "never":
        return "the configuration says never"
    codec = codec_of(info, settings)
    return "" if codec == info.codec else f"it is {info.codec}, and becomes {codec}"
