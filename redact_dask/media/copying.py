"""Choosing how packets are examined, copied and joined, by the codec of their pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask.media import nal
from redact_dask.media.h264 import bitstream as h264_bitstream
from redact_dask.media.h264 import slices as h264_slices
from redact_dask.media.h264 import smart_copy as h264
from redact_dask.media.hevc import bitstream as hevc_bitstream
from redact_dask.media.hevc import slices as hevc_slices
from redact_dask.media.hevc import smart_copy as hevc
from redact_dask.media.survey import Survey
from redact_dask.records import StreamInfo

SmartCopy = h264.SmartCopy | hevc.SmartCopy


def survey_of(stream: VideoStream) -> Survey:
    """Return a survey of a stream; one that lets nothing be copied if its codec rules it out."""
    surveys = {"h264": h264.Survey, "hevc": hevc.Survey}
    return surveys.get(stream.codec_context.name, Survey)(stream)


def smart_copy_of(info: StreamInfo) -> SmartCopy:
    """Return what it takes to copy GOPs of a source that may be copied."""
    return (hevc.SmartCopy if info.codec == "hevc" else h264.SmartCopy).of(info)


def picture_counter(codec: str, extradata: bytes) -> Callable[[bytes], int]:
    """Return what tells how many pictures begin in a packet; it may raise `ValueError`.

    Parameters
    ----------
    codec
        ``h264`` or ``hevc``.
    extradata
        Parameter sets of the stream, as its container gives them.

    Raises
    ------
    ValueError
        The parameter sets cannot be read.
    """
    if codec == "hevc":
        size, count = hevc_bitstream.length_size(extradata), hevc_slices.PictureCounter(extradata)
        return lambda packet: count.count(nal.units(packet, size))
    size, counter = h264_bitstream.length_size(extradata), h264_slices.PictureCounter(extradata)
    return lambda packet: counter.count(nal.units(packet, size))


def parameter_sets(codec: str, extradata: bytes) -> list[bytes]:
    """Return the parameter sets in extradata: what else is in it, muxers write as they like.

    Parameters
    ----------
    codec
        ``h264`` or ``hevc``.
    extradata
        Parameter sets of a stream, as its container gives them.

    Raises
    ------
    ValueError
        The extradata cannot be read.
    """
    if codec == "hevc":
        return hevc_bitstream.parameter_sets(extradata)
    return h264_bitstream.parameter_sets(extradata)


def as_muxed(codec: str, extradata: bytes, container: str) -> bytes:
    """Return extradata as the muxer of a container writes it.

    Parameters
    ----------
    codec
        ``h264`` or ``hevc``.
    extradata
        Parameter sets of a stream, as its container gives them.
    container
        FFmpeg's name of the container.
    """
    is_record = codec == "hevc" and hevc_bitstream.length_size(extradata)
    return (
        hevc_bitstream.incomplete(extradata) if is_record and container == "matroska" else extradata
    )


def track_extradata(
    info: StreamInfo, codec: str, encoded: bytes | None, *, has_copies: bool
) -> bytes:
    """Return the parameter sets of the joined track.

    Parameters
    ----------
    info
        What the source's stream is.
    codec
        Codec of the track.
    encoded
        Extradata of the encoded segments; None: every GOP is copied.
    has_copies
        Whether a GOP is copied: else the source's parameter sets, of which a decoder may complain,
        are left out.
    """
    if has_copies:
        return smart_copy_of(info).merged(encoded)
    return hevc.whole(encoded or b"") if codec == "hevc" else encoded or b""


def encoded_packet(
    packet: Packet[Any],
    info: StreamInfo,
    codec: str,
    extradata: bytes,
    *,
    has_copies: bool,
    user_data: bool,
) -> bytes:
    """Return what the joined track holds of a packet of an encoded segment.

    Parameters
    ----------
    packet
        The packet.
    info
        What the source's stream is.
    codec
        Codec of the segment.
    extradata
        Its parameter sets.
    has_copies
        Whether a GOP of the track is copied, as `track_extradata` was told.
    user_data
        Whether to keep messages that can hold user data.

    Raises
    ------
    ValueError
        The packet cannot be joined.
    """
    if has_copies:
        return smart_copy_of(info).encoded(packet, extradata, user_data=user_data)
    if codec == "hevc":
        return hevc.cleaned(packet, extradata, user_data=user_data)
    return bytes(packet)
