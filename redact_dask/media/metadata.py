"""Choosing which streams and tags of a source are copied beside its pictures.

Cameras write places, serial numbers and owners into tags, streams and messages of their own. So
only what the configuration names is copied.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Stream

from redact_dask.config import Kept, OutputSettings
from redact_dask.records import StreamInfo

_WHOLE_IN_PACKETS = ("pcm_", "mp2", "mp3", "ac3", "eac3", "amr_")
"""How the names of audio codecs begin whose packets tell all that a decoder needs."""


def streams(container: InputContainer, settings: OutputSettings, info: StreamInfo) -> list[Stream]:
    """Return the streams to copy, in the order of the source; never a video stream."""
    audio = info.audio_streams if settings.audio == "keep" else ()
    others = {"subtitle", "data", "attachment", "unknown"}
    kinds = others if "other_streams" in settings.keep else ()
    return [stream for stream in container.streams if stream.index in audio or stream.type in kinds]


def clean(copy: Stream) -> None:
    """Take from a stream to be written what its codec does not need, before anything is written.

    Cameras put their notes where AVI holds data for the decoder (``strd``), and Vorbis has tags
    there.
    """
    context: CodecContext | None = copy.codec_context
    if context is not None and context.name.startswith(_WHOLE_IN_PACKETS):
        context.extradata = None
    elif context is not None and context.name == "vorbis" and context.extradata:
        context.extradata = without_comments(context.extradata)


def without_comments(headers: bytes) -> bytes:
    """Return the three headers of Vorbis with an empty list of tags (Vorbis I, 4.2.1 and 5.2.1).

    Parameters
    ----------
    headers
        As Matroska holds them (RFC 9559, 27.2): the number of headers less one; the sizes of all
        but the last, each a sum of bytes up to the first below 255; the headers.

    Raises
    ------
    ValueError
        These are not three headers.
    """
    sizes, at = [0], 1
    while headers[:1] == b"\2" and at < len(headers) and len(sizes) < 3:
        sizes[-1] += headers[at]
        if headers[at] < 255:
            sizes.append(0)
        at += 1
    first, last = headers[at : at + sizes[0]], headers[at + sum(sizes) :]
    if len(sizes) < 3 or (first[:7], last[:7]) != (b"\1vorbis", b"\5vorbis"):
        raise ValueError("the headers of Vorbis cannot be read")
    empty = b"\3vorbis" + bytes(8) + b"\1"
    return bytes([2, len(first), len(empty)]) + first + empty + last


def tags(found: Mapping[str, str], keep: Collection[Kept]) -> dict[str, str]:
    """Return those tags of a container or a stream whose kind is to be kept.

    >>> tags({"title": "Tour", "com.apple.quicktime.location.ISO6709": "+48.2"}, ["title"])
    {'title': 'Tour'}
    """
    return {name: value for name, value in found.items() if _kind(name.lower()) in keep}


def _kind(name: str) -> Kept:
    """Return the kind of a tag, by FFmpeg's name for it, such as ``com.apple.quicktime.title``."""
    last = name.rpartition(".")[2]
    if last in ("title", "displayname"):
        return "title"
    if "location" in name or "gps" in name or last == "xyz":
        return "location"
    if last in ("creation_time", "creationdate", "date"):
        return "creation_time"
    if last in ("handler_name", "vendor_id"):
        return "handler_names"
    return "other_tags"
