"""Choosing which video streams of a file are published: several cameras, but no previews.

Most files have one video stream. Only a file with several is opened once more, to choose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, gcd, lcm

from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.stream import VideoStream

from redact_dask.config import EncodeSettings, OutputSettings, Streams
from redact_dask.errors import CheckFailed, DamagedVideo, UnsupportedVideo
from redact_dask.media import index
from redact_dask.media.demux import SeveralStreams, open_file

_STILLS = frozenset({"mjpeg", "png"})
"""Codecs of single pictures, in which previews are written."""
_FEW, _TIMES = 3, 10
"""Most pictures of a preview, and how many times as many another stream has at least. A camera that
writes JPEG has more, however small its pictures are."""


@dataclass(frozen=True, slots=True)
class Cameras:
    """The video streams of a file that are published."""

    streams: tuple[index.Index, ...]
    """Their packets, in the file's order."""
    dropped: tuple[str, ...] = ()
    """The streams that are not published, and why: one sentence for each."""


def scan(
    url: str, settings: EncodeSettings, output: OutputSettings, *, salvage: bool = False
) -> Cameras:
    """Scan each video stream of a file that is published, as `index.scan` does.

    Parameters
    ----------
    url, settings, salvage
        As those of `index.scan`.
    output
        Names the streams, and tells when the copy begins.

    Raises
    ------
    VideoError
        As `index.scan`; or the file has no stream of a number that the settings name.
    """
    from_zero = output.begin == "zero"
    try:
        only = index.scan(url, settings, salvage=salvage, from_zero=from_zero)
    except SeveralStreams:
        numbers, dropped = _choose(url, output.streams)
    else:
        _check_numbers(output.streams, 1)
        return Cameras((only,))
    found = []
    for number in numbers:
        with named(number):
            found.append(index.scan(url, settings, salvage=salvage, number=number))
    return Cameras(tuple(_moved(found, from_zero=from_zero)), dropped)


@contextmanager
def named(number: int | None) -> Iterator[None]:
    """Let an error of the block tell which of several video streams it is about.

    Parameters
    ----------
    number
        Number of the stream; None: the file has no other one.
    """
    try:
        yield
    except (CheckFailed, DamagedVideo, UnsupportedVideo) as error:
        if number is not None:
            error.args = (f"video stream {number}: {error}; output.streams can leave it out",)
        raise


def _choose(url: str, wanted: Streams) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the numbers of the streams that are published, and sentences about the others."""
    with open_file(url, beside=True) as (container, streams):
        _check_numbers(wanted, len(streams))
        titles = [_title(number, stream) for number, stream in enumerate(streams)]
        if not isinstance(wanted, str):
            others = [titles[number] for number in range(len(streams)) if number not in wanted]
            return wanted, tuple(f"{title}: output.streams does not name it" for title in others)
        previews = _previews(container, streams)
    dropped = [f"{titles[number]}: {why}" for number, why in previews.items()]
    cameras = [number for number in range(len(titles)) if number not in previews]
    if wanted == "first":
        dropped += [f"{titles[number]}: output.streams says first" for number in cameras[1:]]
        cameras = cameras[:1]
    return tuple(cameras), tuple(dropped)


def _check_numbers(wanted: Streams, count: int) -> None:
    """Raise `UnsupportedVideo` if a file has too few video streams."""
    last = 0 if isinstance(wanted, str) else wanted[-1]
    if last >= count:
        raise UnsupportedVideo(
            f"output.streams names video stream {last}, but it has {count}, counted from 0; name "
            "those that every video has, or all, or first"
        )


def _previews(container: InputContainer, streams: Sequence[VideoStream]) -> Mapping[int, str]:
    """Return the numbers of the streams that are previews of another one, and why each is."""
    is_still = [_codec(stream) in _STILLS for stream in streams]
    if all(is_still) or not any(is_still):
        return {}
    pictures = Counter(packet.stream.index for packet in container.demux(*streams) if packet.size)
    counts = [pictures[stream.index] for stream in streams]
    most = max(count for count, still in zip(counts, is_still, strict=True) if not still)
    return {
        number: f"it is a preview, {count} beside {most} pictures"
        for number, (count, still) in enumerate(zip(counts, is_still, strict=True))
        if still and count <= _FEW and most >= _TIMES * count
    }


def _title(number: int, stream: VideoStream) -> str:
    context: CodecContext | None = stream.codec_context
    size = f", {stream.width}x{stream.height}" if context else ""
    return f"video stream {number}, {_codec(stream)}{size}"


def _codec(stream: VideoStream) -> str:
    context: CodecContext | None = stream.codec_context
    return context.name if context else "unknown"


def _moved(found: Sequence[index.Index], *, from_zero: bool) -> Iterator[index.Index]:
    """Move all streams by one time, which is a whole number of ticks of each."""
    begins = [scanned.pts[0] * scanned.info.time_base for scanned in found]
    if not from_zero and min(begins) >= 0:
        yield from found
        return
    sound = [found[0].info.audio_start] if found[0].info.audio else []
    bases = [scanned.info.time_base for scanned in found]
    unit = Fraction(lcm(*(b.numerator for b in bases)), gcd(*(b.denominator for b in bases)))
    seconds = ceil(-min([*begins, *sound]) / unit) * unit
    for scanned in found:
        shift = int(seconds / scanned.info.time_base)
        yield replace(scanned, info=replace(scanned.info, shift=shift))
