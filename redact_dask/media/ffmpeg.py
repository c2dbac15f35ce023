"""Decoding a video with the ffmpeg program, to check a result from outside the pipeline."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import imageio_ffmpeg

from redact_dask.errors import CheckFailed

_OVERLAP = 30
"""Frames before the middle at which decoding of the second half starts.

So the frames after the border are decoded after those before it, as in a player. The overlap is
longer than any decoder's reordering.
"""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Times of all frames of a video, and checksums of some."""

    times: tuple[Fraction, ...]
    """Presentation time of every frame, seconds."""
    checksums: Mapping[int, int]
    """Checksums of some frames, by number: Adler-32 of the planes without padding, begun with 0."""


def decoded(path: Path, summed: Sequence[int]) -> Decoded:
    """Decode every frame of a video.

    Parameters
    ----------
    path
        The video.
    summed
        Numbers of the frames whose checksums are wanted. Numbers beyond the video's last frame get
        no checksum.

    Raises
    ------
    CheckFailed
        The video does not decode cleanly.
    """
    return _decoded(path, summed, (), "")


def decoded_in_halves(
    path: Path, summed: Sequence[int], middle: int, times: Sequence[Fraction]
) -> Decoded:
    """Decode every frame of a video as `decoded` does, but in half the time, on two cores.

    Parameters
    ----------
    path, summed
        As in `decoded`.
    middle
        Number of the first frame of the second half.
    times
        Expected presentation time of each frame, seconds.

    Raises
    ------
    CheckFailed
        The video does not decode cleanly, or decoding cannot start in its middle.
    """
    border = f"{float(times[middle]):.6f}"  # The filter rounds this to a tick of the time base.
    entry = f"{float(times[max(0, middle - _OVERLAP)]):.6f}"
    seek = ("-noaccurate_seek", "-seek_timestamp", "1", "-ss", entry)
    before = [frame for frame in summed if frame < middle]
    after = [frame - middle for frame in summed if frame >= middle]
    with ThreadPoolExecutor(2) as both:
        halves = [
            both.submit(_decoded, path, before, (), f"trim=end={border},"),
            both.submit(_decoded, path, after, seek, f"trim=start={border},"),
        ]
    first, second = (half.result() for half in halves)
    if len(first.times) != middle:
        raise CheckFailed(f"the first half has {len(first.times)} frames instead of {middle}")
    checksums = {middle + frame: found for frame, found in second.checksums.items()}
    return Decoded(first.times + second.times, {**first.checksums, **checksums})


def _decoded(path: Path, summed: Sequence[int], seek: Sequence[str], trim: str) -> Decoded:
    """Decode the frames that the trim filter leaves; frame numbers start at 0 with the first."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-xerror"]
    command += ["-threads", "1", *seek]
    command += ["-copyts", "-noautorotate", "-i", f"file:{path}", "-filter_complex_threads", "1"]
    # A checksum of all pixels costs a tenth of decoding them, so most frames give only a corner.
    # ffmpeg holds all in memory until both outputs have begun, so frame 0 is always in both.
    numbers = sorted({0, *summed})
    chosen = "+".join(f"between(n,{first},{last})" for first, last in _ranges(numbers))
    graph = f"[0:v:0]{trim}split[a][b];[a]crop=2:2:0:0:exact=1[corner];[b]select='{chosen}'[sample]"
    command += ["-filter_complex", graph, "-map", "[corner]", "-map", "[sample]"]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "demux", "-f", "framecrc", "-"]
    # Keys are commands to ffmpeg: it would take what a terminal or a shell's loop holds for others.
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode or done.stderr:
        reason = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise CheckFailed(f"the result does not decode cleanly: {reason}")
    lines = done.stdout.splitlines()
    time_bases = [line.removeprefix("#tb 0: ") for line in lines if line.startswith("#tb 0: ")]
    if not time_bases:
        raise CheckFailed("no frame of the result decodes")
    time_base = Fraction(time_bases[0])
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    times = tuple(int(row[2]) * time_base for row in rows if int(row[0]) == 0)
    sums = [int(row[5], 16) for row in rows if int(row[0]) == 1]
    return Decoded(times, dict(zip(numbers, sums, strict=False)))


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last number of each range of consecutive numbers."""
    for _, group in groupby(enumerate(numbers), lambda item: item[1] - item[0]):
        found = [number for _, number in group]
        yield found[0], found[-1]
