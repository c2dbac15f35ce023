"""Checking with an independent decoder that the file of a joined video is what was planned."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from av.container import InputContainer
from av.stream import Stream

from redact_dask.config import OutputSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import (
    appearance,
    containers,
    copying,
    digests,
    excerpt,
    ffmpeg,
    foreign_audio,
    metadata,
)
from redact_dask.media.cameras import named
from redact_dask.media.decode import frames
from redact_dask.media.demux import open_file, open_result, open_result_file
from redact_dask.media.mux import Written
from redact_dask.records import Chunk, Footage, Segment, StreamInfo

_SAMPLES = 3
"""Number of copied segments that are compared bit by bit with the source."""
_SAMPLE_FRAMES = 12
"""Number of frames at the start of each such segment that are compared: hardly more than a GOP has
to be decoded for them."""
MOSTLY = 0.8
"""Share of encoded frames from which on the whole video is decoded: little would be left out."""
LONG = 6000
"""Least number of frames of a video whose halves are decoded side by side.

Its other tasks are done by then, so a run of one long video waits for this check alone.
"""


def verify(
    path: Path,
    videos: Sequence[Footage],
    source: str,
    settings: OutputSettings,
    written: Sequence[Written | None] = (),
) -> None:
    """Decode a joined video with the ffmpeg program, and compare it with its source.

    Parameters
    ----------
    path
        The joined video.
    videos
        What each of its video streams shows. Some frames of copied segments are compared bit by
        bit.
    source
        URL of the source.
    settings
        Which other streams of the source are copied.
    written
        What was written into each video stream, if all that was copied is known to decode: then not
        all of it is decoded again. None, or nothing at all: the whole stream is decoded.

    Raises
    ------
    CheckFailed
        A frame does not decode, is missing or unexpected, has another timestamp than in the source,
        or differs from the frame it was copied from; or the other streams are not exact copies of
        those that the settings name; or the packets are not those that were written, or hold
        pictures that a decoder does not show.
    """
    for number, footage in enumerate(videos):
        place = number if len(videos) > 1 else None
        with named(footage.info.number):
            _check_video(path, place, footage, source, written[number] if written else None)
    with open_result_file(str(path)) as (result, shown):
        if len(shown) != len(videos):
            raise CheckFailed(f"the result has {len(shown)} video streams, not {len(videos)}")
        beside = digests_of(result, [stream for stream in result.streams if stream not in shown])
    with open_file(source) as (container, _):
        copied = digests_of(container, metadata.streams(container, settings, videos[0].info))
    if beside != copied:
        raise CheckFailed(
            f"the packets beside the pictures are not those of the source; {foreign_audio.WAY_OUT}"
        )


def _check_video(
    path: Path, place: int | None, footage: Footage, source: str, written: Written | None
) -> None:
    """Check one video stream, given its number in the joined video; None: it is the only one."""
    pts, info = footage.pts, footage.info
    shown = array("q", (ticks + info.shift for ticks in pts))
    firsts = _check_packets(path, place, shown, info, written) if footage.has_copies else []
    encoded = sum(segment.frames for segment in footage.segments if segment.url)
    try:
        if written and footage.has_copies and encoded < MOSTLY * len(pts):
            _check_excerpt(path, place, footage, shown, firsts, source)
        else:
            _check_whole(path, place, footage, shown, source)
    except CheckFailed as error:
        # The ffmpeg program looks at the first packets of the audio, too.
        if any(f"[{codec}]" in str(error) for codec in info.audio):
            raise CheckFailed(f"{error}; {foreign_audio.WAY_OUT}") from error
        raise
    _check_appearance(path, place, info)


def _middle(segments: Sequence[Segment], frames: int) -> int | None:
    """Return the first frame of the second half, which begins a segment; None: do not halve."""
    firsts = [
        first for first in accumulate(segment.frames for segment in segments) if first < frames
    ]
    if frames < LONG or not firsts:
        return None
    return min(firsts, key=lambda first: abs(first - frames // 2))


def _check_whole(
    path: Path, place: int | None, footage: Footage, shown: Sequence[int], source: str
) -> None:
    """Decode all frames, and check their number, their times, and what was copied."""
    info = footage.info
    samples = list(_samples(footage.segments, footage.pts))
    summed = [frame for sample in samples for frame in sample.frames]
    numbers = range(len(shown))
    middle = _middle(footage.segments, len(shown))
    if middle is not None:
        # Not every container lets decoding start in the middle: then decode it in one piece.
        with suppress(CheckFailed):
            halves = ffmpeg.decoded_in_halves(path, summed, middle, shown, info.time_base, place)
            _compare(halves, numbers, shown, samples, info, source)
            return
    _compare(ffmpeg.decoded(path, summed, place), numbers, shown, samples, info, source)


def _check_excerpt(
    path: Path,
    place: int | None,
    footage: Footage,
    shown: Sequence[int],
    firsts: Sequence[int],
    source: str,
) -> None:
    """Decode all encoded GOPs with the copied ones beside them, and check these frames alike."""
    info = footage.info
    samples = list(_samples(footage.segments, footage.pts))
    summed = [frame for sample in samples for frame in sample.frames]
    gops = excerpt.telling(firsts, footage.segments, summed)
    numbers = excerpt.frames_of(gops, firsts, len(shown))
    base = shown[numbers[0]]
    part = path.with_stem("excerpt")
    excerpt.write(path, part, {*gops}, base, info, place)
    at = {frame: number for number, frame in enumerate(numbers)}
    found = ffmpeg.decoded(part, [at[frame] for frame in summed])
    part.unlink()
    times = array("q", (ticks - base for ticks in shown))
    _compare(found, numbers, times, samples, info, source)


def _compare(
    decoded: ffmpeg.Decoded,
    numbers: Sequence[int],
    shown: Sequence[int],
    samples: Sequence[Chunk],
    info: StreamInfo,
    source: str,
) -> None:
    """Compare decoded frames, given their numbers, with their times and those of the source."""
    if len(decoded.pts) != len(numbers):
        raise CheckFailed(
            f"the result decodes to {len(decoded.pts)} frames, the source has {len(numbers)}"
        )
    for frame, is_at in zip(numbers, decoded.pts, strict=True):
        time, expected = is_at * decoded.time_base, shown[frame] * info.time_base
        if time != expected:
            raise CheckFailed(
                f"frame {frame} is shown at {float(time)} s instead of {float(expected)} s"
            )
    sums = {numbers[place]: found for place, found in decoded.checksums.items()}
    for sample in samples:
        for frame, original in enumerate(frames(source, info, sample), sample.first_frame):
            if zlib.adler32(original.to_ndarray().tobytes(), 0) != sums.get(frame):
                raise CheckFailed(f"frame {frame} was copied, but is not the source's")


def _check_appearance(path: Path, place: int | None, info: StreamInfo) -> None:
    """Check that the pictures will be shown as the source's: cut, turned, projected, coloured."""
    with open_result(str(path), place) as (container, video):
        frame = next(container.decode(video))
        found = appearance.read(container, video, frame)
    # What the source's container crops away is no longer there.
    wanted = replace(info.appearance, crop=(0, 0, 0, 0))
    if names := appearance.differences(wanted, found):
        sentence = f"the result shows its pictures otherwise than the source: {', '.join(names)}"
        raise CheckFailed(sentence)


def _check_packets(
    path: Path,
    place: int | None,
    shown: Sequence[int],
    info: StreamInfo,
    written: Written | None,
) -> list[int]:
    """Check that each packet holds one picture, at its time, and is the one that was written.

    Return the number of each GOP's first frame.
    """
    pictures = 0
    firsts, times, found = [], array("q"), bytearray()
    with open_result(str(path), place) as (container, video):
        extradata = video.codec_context.extradata or b""
        try:
            pictures_in = copying.picture_counter(info.codec, extradata)
            for packet in container.demux(video):
                if packet.size and packet.pts is not None:
                    pictures += pictures_in(bytes(packet))
                    if packet.is_keyframe:
                        firsts.append(len(times))
                    times.append(packet.pts)
                    found += digests.of(packet)
        except ValueError as error:
            raise CheckFailed(f"a packet of the result cannot be read: {error}") from None
        ticks = (video.time_base or Fraction(1)) / info.time_base
    if pictures != len(shown):
        raise CheckFailed(
            f"the packets of the result hold {pictures} pictures for {len(shown)} frames"
        )
    name = containers.FORMATS[path.suffix.lower()]
    if written and (extradata, bytes(found)) != (
        copying.as_muxed(info.codec, written.extradata, name),
        written.packets,
    ):
        raise CheckFailed("the packets of the result are not those that were written")
    if any(time * ticks != wanted for time, wanted in zip(sorted(times), shown, strict=True)):
        raise CheckFailed("the packets of the result have other times than the source's frames")
    return firsts


def _samples(segments: Sequence[Segment], pts: Sequence[int]) -> Iterator[Chunk]:
    """Yield the first frames of some copied segments, spread over the video."""
    firsts = accumulate((segment.frames for segment in segments), initial=0)
    copied = [
        (first, segment)
        for first, segment in zip(firsts, segments, strict=False)
        if segment.url is None
    ]
    for first, segment in copied[:: max(1, len(copied) // _SAMPLES)][:_SAMPLES]:
        owned = tuple(pts[first : first + min(segment.frames, _SAMPLE_FRAMES)])
        yield Chunk(0, segment.start, first, owned, ())


def digests_of(container: InputContainer, streams: Sequence[Stream]) -> list[str]:
    """Return the SHA-256 of each stream, over the bytes of all its packets, in order.

    ADTS headers are left out: a transport stream has one before each AAC packet, MP4 has none.
    """
    found = {stream.index: hashlib.sha256() for stream in streams}
    # If no stream is named, PyAV yields the packets of all streams.
    for packet in container.demux(streams) if streams else ():
        found[packet.stream.index].update(_without_adts(bytes(packet)))
    return [digest.hexdigest() for digest in found.values()]


def _without_adts(packet: bytes) -> bytes:
    # ISO/IEC 13818-7, 6.2: 12 bits set; 7 bytes, or 9 if bit 16 tells that there is a checksum.
    if packet[:1] != b"\xff" or packet[1] & 0xF6 != 0xF0:
        return packet
    return packet[7 if packet[1] & 1 else 9 :]
