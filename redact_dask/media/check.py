"""Is a joined video what was planned? Asked of the file alone, with an independent decoder."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import imageio_ffmpeg
from av.container import InputContainer
from av.stream import Stream

from redact_dask.config import OutputSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import kept
from redact_dask.media.decode import frames
from redact_dask.media.source import opened
from redact_dask.model import Chunk, Facts, Part

_SAMPLES = 3
"""Copied parts that are compared bit by bit."""
_SAMPLE_FRAMES = 30
"""Frames of each that are compared."""


def check(
    path: Path,
    parts: Sequence[Part],
    pts: Sequence[int],
    facts: Facts,
    source: str,
    settings: OutputSettings,
) -> None:
    """Decode the whole video with the ffmpeg program, and compare it with its source.

    Parameters
    ----------
    path
        The joined video.
    parts
        What it was joined from: of copied ones, some frames are compared bit by bit.
    pts
        The pts of every frame of the source, ascending, in ``facts.time_base``.
    facts
        Of the source.
    source
        URL of the source.
    settings
        What else of the source was to be copied.

    Raises
    ------
    CheckFailed
        A frame does not decode, is missing or too many, has another timestamp than in the source,
        or is not what was copied; or the other streams are not those that were to be copied.
    """
    samples = list(_samples(parts, pts))
    shown, checksums = _decoded(path, samples)
    if len(shown) != len(pts):
        raise CheckFailed(f"the result decodes to {len(shown)} frames, the source has {len(pts)}")
    for frame, (time, ticks) in enumerate(zip(shown, pts, strict=True)):
        if time != ticks * facts.time_base:
            expected = float(ticks * facts.time_base)
            raise CheckFailed(f"frame {frame} is shown at {float(time)} s instead of {expected} s")
    for sample in samples:
        for frame, original in enumerate(frames(source, facts, sample), sample.first_frame):
            if zlib.adler32(original.to_ndarray().tobytes(), 0) != checksums.get(frame):
                raise CheckFailed(f"frame {frame} was copied, but is not the source's")
    with opened(str(path)) as (result, video), opened(source) as (container, _):
        beside = [stream for stream in result.streams if stream is not video]
        if digests(result, beside) != digests(container, kept.streams(container, settings)):
            raise CheckFailed("the packets beside the pictures are not those of the source")


def _samples(parts: Sequence[Part], pts: Sequence[int]) -> Iterator[Chunk]:
    """Yield the first frames of some copied parts, spread over the video."""
    firsts = accumulate((part.frames for part in parts), initial=0)
    copied = [
        (first, part) for first, part in zip(firsts, parts, strict=False) if part.segment is None
    ]
    for first, part in copied[:: max(1, len(copied) // _SAMPLES)][:_SAMPLES]:
        owned = tuple(pts[first : first + min(part.frames, _SAMPLE_FRAMES)])
        yield Chunk(0, part.start, first, owned, ())


def digests(container: InputContainer, streams: Sequence[Stream]) -> list[str]:
    """Return the SHA-256 of each stream: of all its packets' bytes, in order.

    ADTS headers, which a transport stream has before each AAC packet and MP4 has not, do not count.
    """
    found = {stream.index: hashlib.sha256() for stream in streams}
    # Asked for no stream, PyAV would give the packets of all.
    for packet in container.demux(streams) if streams else ():
        found[packet.stream.index].update(_without_adts(bytes(packet)))
    return [digest.hexdigest() for digest in found.values()]


def _without_adts(packet: bytes) -> bytes:
    # ISO/IEC 13818-7, 6.2: 12 bits set, and 7 bytes, or 9 if bit 16 says that there is a checksum.
    if packet[:1] != b"\xff" or packet[1] & 0xF6 != 0xF0:
        return packet
    return packet[7 if packet[1] & 1 else 9 :]


def _decoded(path: Path, samples: Sequence[Chunk]) -> tuple[list[Fraction], dict[int, int]]:
    """Decode every frame.

    Returns
    -------
    times
        Of every frame, seconds.
    checksums
        Of the frames of the samples, by number: Adler-32 of the planes, without padding, begun
        with 0. Some are missing if the video has fewer frames.
    """
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-threads", "1"]
    command += ["-copyts", "-noautorotate", "-i", f"file:{path}", "-filter_complex_threads", "1"]
    # A checksum of all pixels costs a tenth of decoding them: of most frames, a corner will do.
    # Nothing is written, and all is held, until both outputs have begun: with frame 0.
    summed = sorted({0, *(frame for sample in samples for frame in sample.frames)})
    chosen = "+".join(["eq(n,0)", *(f"between(n,{s.first_frame},{s.last_frame})" for s in samples)])
    graph = f"[0:v:0]split[a][b];[a]crop=2:2:0:0:exact=1[corner];[b]select='{chosen}'[sample]"
    command += ["-filter_complex", graph, "-map", "[corner]", "-map", "[sample]"]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "demux", "-f", "framecrc", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        reason = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise CheckFailed(f"the result does not decode cleanly: {reason}")
    lines = done.stdout.splitlines()
    time_base = next(
        Fraction(line.removeprefix("#tb 0: ")) for line in lines if line.startswith("#tb 0: ")
    )
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    times = [int(row[2]) * time_base for row in rows if int(row[0]) == 0]
    sums = [int(row[5], 16) for row in rows if int(row[0]) == 1]
    return times, dict(zip(summed, sums, strict=False))
