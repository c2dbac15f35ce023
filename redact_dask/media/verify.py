"""Checking with an independent decoder that the file of a joined video is what was planned."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from av.container import InputContainer
from av.stream import Stream

from redact_dask.config import OutputSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import appearance, ffmpeg, metadata
from redact_dask.media.decode import frames
from redact_dask.media.demux import open_video
from redact_dask.media.h264 import bitstream
from redact_dask.media.h264.slices import PictureCounter
from redact_dask.records import Chunk, Segment, StreamInfo

_SAMPLES = 3
"""Number of copied segments that are compared bit by bit with the source."""
_SAMPLE_FRAMES = 30
"""Number of frames at the start of each such segment that are compared."""
_LONG = 6000
"""Least number of frames of a video whose halves are decoded side by side.

Its other tasks are done by then, so a run of one long video waits for this check alone.
"""


def verify(
    path: Path,
    segments: Sequence[Segment],
    pts: Sequence[int],
    info: StreamInfo,
    source: str,
    settings: OutputSettings,
) -> None:
    """Decode the whole video with the ffmpeg program, and compare it with its source.

    Parameters
    ----------
    path
        The joined video.
    segments
        Segments that were joined. Some frames of copied segments are compared bit by bit.
    pts
        The pts of every frame of the source, ascending, in ticks of ``info.time_base``.
    info
        What the source's stream is.
    source
        URL of the source.
    settings
        Which other streams of the source are copied.

    Raises
    ------
    CheckFailed
        A frame does not decode, is missing or unexpected, has another timestamp than in the source,
        or differs from the frame it was copied from; or the other streams are not exact copies of
        those that the settings name; or the packets hold pictures that a decoder does not show.
    """
    middle = _middle(segments, len(pts))
    try:
        _check_pictures(path, segments, pts, info, source, middle)
    except CheckFailed:
        if middle is None:
            raise
        # Not every container lets decoding start in the middle: decode it in one piece.
        _check_pictures(path, segments, pts, info, source, None)
    if any(segment.url is None for segment in segments):
        _check_samples(path, len(pts))
    _check_appearance(path, info)
    with open_video(str(path)) as (result, video), open_video(source) as (container, _):
        beside = [stream for stream in result.streams if stream is not video]
        copied = metadata.streams(container, settings, info)
        if digests(result, beside) != digests(container, copied):
            raise CheckFailed("the packets beside the pictures are not those of the source")


def _middle(segments: Sequence[Segment], frames: int) -> int | None:
    """Return the first frame of the second half, which begins a segment; None: do not halve."""
    firsts = [
        first for first in accumulate(segment.frames for segment in segments) if first < frames
    ]
    if frames < _LONG or not firsts:
        return None
    return min(firsts, key=lambda first: abs(first - frames // 2))


def _check_pictures(
    path: Path,
    segments: Sequence[Segment],
    pts: Sequence[int],
    info: StreamInfo,
    source: str,
    middle: int | None,
) -> None:
    """Check the number of frames, their times, and the sampled frames of copied segments."""
    samples = list(_samples(segments, pts))
    summed = [frame for sample in samples for frame in sample.frames]
    times = [(ticks + info.shift) * info.time_base for ticks in pts]
    if middle is None:
        decoded = ffmpeg.decoded(path, summed)
    else:
        decoded = ffmpeg.decoded_in_halves(path, summed, middle, times)
    if len(decoded.times) != len(pts):
        raise CheckFailed(
            f"the result decodes to {len(decoded.times)} frames, the source has {len(pts)}"
        )
    for frame, (time, expected) in enumerate(zip(decoded.times, times, strict=True)):
        if time != expected:
            raise CheckFailed(
                f"frame {frame} is shown at {float(time)} s instead of {float(expected)} s"
            )
    for sample in samples:
        for frame, original in enumerate(frames(source, info, sample), sample.first_frame):
            if zlib.adler32(original.to_ndarray().tobytes(), 0) != decoded.checksums.get(frame):
                raise CheckFailed(f"frame {frame} was copied, but is not the source's")


def _check_appearance(path: Path, info: StreamInfo) -> None:
    """Check that the pictures will be shown as the source's: cut, turned, projected, coloured."""
    with open_video(str(path)) as (container, video):
        frame = next(container.decode(video))
        found = appearance.read(container, video, frame)
    # What the source's container crops away is no longer there.
    wanted = replace(info.appearance, crop=(0, 0, 0, 0))
    if names := appearance.differences(wanted, found):
        sentence = f"the result shows its pictures otherwise than the source: {', '.join(names)}"
        raise CheckFailed(sentence)


def _check_samples(path: Path, frames: int) -> None:
    """Check that the packets, some of them copied, hold no picture that a decoder leaves out."""
    pictures = 0
    with open_video(str(path)) as (container, video):
        extradata = video.codec_context.extradata or b""
        length_size = bitstream.length_size(extradata)
        try:
            counter = PictureCounter(extradata)
            for packet in container.demux(video):
                if packet.size:
                    pictures += counter.count(bitstream.units(bytes(packet), length_size))
        except ValueError as error:
            raise CheckFailed(f"a packet of the result cannot be read: {error}") from None
    if pictures != frames:
        raise CheckFailed(f"the packets of the result hold {pictures} pictures for {frames} frames")


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


def digests(container: InputContainer, streams: Sequence[Stream]) -> list[str]:
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
