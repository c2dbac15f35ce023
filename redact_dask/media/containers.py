"""Choosing a container that holds a copy exactly: its times and the packets of its audio."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import lcm
from pathlib import PurePosixPath

import av
from av.codec.context import CodecContext
from av.stream import Stream

from redact_dask.records import StreamInfo

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""FFmpeg's name of each container that can hold exact timestamps of H.264 pictures, by suffix."""
_SHARED_TICKS = 90000  # Each second: enough for the rates of nearly all videos.
_MOST_TICKS = 2**31 - 1
_COMMON = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}


def target_path(path: str, *infos: StreamInfo) -> str:
    """Return the path that the redacted copy of a video gets below the destination.

    The copy keeps the path of its source, unless that container cannot hold exact timestamps of
    H.264 pictures, or not the audio: then the suffix of one that can is appended.

    Parameters
    ----------
    path
        Path of the source below its root.
    infos
        What each of the source's video streams is.
    """
    own = FORMATS.get(PurePosixPath(path).suffix.lower(), "")
    if _holds(own, infos):
        return path
    # Few players take PCM from an MP4 file.
    pcm = any(codec.startswith("pcm_") for info in infos for codec in info.audio)
    for suffix in (".mov", ".mkv") if pcm else (".mp4", ".mov", ".mkv"):
        if _holds(FORMATS[suffix], infos):
            return path + suffix
    return path if _holds(own, [replace(info, audio=()) for info in infos]) else path + ".mp4"


def is_native(container: str, stream: Stream) -> bool:
    """Tell whether PyAV writes a stream into a container; it writes all but some audio."""
    context: CodecContext | None = stream.codec_context
    return stream.type != "audio" or context is None or context.name in codecs(container)


def options(
    name: str, infos: Sequence[StreamInfo], begins: Iterable[Fraction] = ()
) -> dict[str, str]:
    """Return options of the muxer of a container.

    Parameters
    ----------
    name
        Name of the muxer.
    infos
        What the video streams are.
    begins
        When each of them begins, seconds.
    """
    # FFmpeg writes a projection into MP4 only if it need not keep strictly to the standard.
    found = _COMMON | {"strict": "unofficial"}
    if name == "matroska":
        return found
    found |= {
        "write_tmcd": "0",  # FFmpeg would make a time code stream of a tag that is kept
        "movflags": "+faststart",
        "movie_timescale": str(_ticks_for([begin.denominator for begin in begins])),
    }
    ticks = {info.time_base.denominator for info in infos}
    if len(ticks) == 1:  # Else FFmpeg takes a multiple of that of each stream.
        found["video_track_timescale"] = str(*ticks)
    return found


def _ticks_for(begins: Sequence[int]) -> int:
    """Return the ticks of the clock that the streams share, which tells when each begins."""
    wanted = lcm(_SHARED_TICKS, *begins), lcm(*begins)
    return next((ticks for ticks in wanted if ticks <= _MOST_TICKS), _SHARED_TICKS)


def _holds(container: str, infos: Sequence[StreamInfo]) -> bool:
    """Tell whether a container holds the times and the audio of a video.

    Matroska counts milliseconds. The ffmpeg program writes more audio into it than PyAV does: all
    of Microsoft's list, which is that of WAV.
    """
    uneven = any((info.time_base * 1000).denominator != 1 for info in infos)
    if not container or (container == "matroska" and uneven):
        return False
    known = codecs(container)
    if container == "matroska":
        known |= codecs("wav")
    return all(known.issuperset(info.audio) for info in infos)


@cache
def codecs(container: str) -> frozenset[str]:
    """Return the names of the codecs that PyAV writes into a container."""
    with av.open(io.BytesIO(), "w", format=container) as empty:
        return frozenset(empty.supported_codecs)
