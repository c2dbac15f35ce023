"""Decoding a video with the ffmpeg program, to check a result from outside the pipeline."""

from __future__ import annotations

import re
import subprocess
import tempfile
from array import array
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

    pts: array[int]
    """Presentation time of every frame, ticks: eight bytes each, since there may be millions."""
    time_base: Fraction
    """Length of a tick, seconds."""
    checksums: Mapping[int, int]
    """Checksums of some frames, by number: Adler-32 of the planes without padding, begun with 0."""


def decoded(path: Path, summed: Sequence[int], number: int | None = None) -> Decoded:
    """Decode every frame of a video.

    Parameters
    ----------
    path
        The video.
    summed
        Numbers of the frames whose checksums are wanted. Numbers beyond the video's last frame get
        no checksum.
    number
        Number of the video stream; None: it is the only one.

    Raises
    ------
    CheckFailed
        The video does not decode cleanly.
    """
    return _decoded(path, summed, (), "", number)


def decoded_in_halves(
    path: Path,
    summed: Sequence[int],
    middle: int,
    pts: Sequence[int],
    time_base: Fraction,
    number: int | None = None,
) -> Decoded:
    """Decode every frame of a video as `decoded` does, but in half the time, on two cores.

    Parameters
    ----------
    path, summed, number
        As in `decoded`.
    middle
        Number of the first frame of the second half.
    pts, time_base
        Expected presentation time of each frame, ticks, and the length of a tick, seconds.

    Raises
    ------
    CheckFailed
        The video does not decode cleanly, or decoding cannot start in its middle.
    """
    # The filter rounds these to a tick of the time base.
    border = f"{float(pts[middle] * time_base):.6f}"
    entry = f"{float(pts[max(0, middle - _OVERLAP)] * time_base):.6f}"
    seek = ("-noaccurate_seek", "-seek_timestamp", "1", "-ss", entry)
    before = [frame for frame in summed if frame < middle]
    after = [frame - middle for frame in summed if frame >= middle]
    with ThreadPoolExecutor(2) as both:
        halves = [
            both.submit(_decoded, path, before, (), f"trim=end={border},", number),
            both.submit(_decoded, path, after, seek, f"trim=start={border},", number),
        ]
    first, second = (half.result() for half in halves)
    if len(first.pts) != middle:
        raise CheckFailed(f"the first half has {len(first.pts)} frames instead of {middle}")
    if first.time_base != second.time_base:
        raise CheckFailed("its halves have different time bases")
    checksums = {middle + frame: found for frame, found in second.checksums.items()}
    both_sums = {**first.checksums, **checksums}
    return Decoded(first.pts + second.pts, first.time_base, both_sums)


def _decoded(
    path: Path, summed: Sequence[int], seek: Sequence[str], trim: str, number: int | None
) -> Decoded:
    """Decode the frames that the trim filter leaves; frame numbers start at 0 with the first."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-xerror"]
    command += ["-threads", "1", *seek]
    if not summed:
        # Damage is found all the same; only the pixels of frames that nobody compares differ.
        command += ["-skip_loop_filter", "all"]
    command += ["-copyts", "-noautorotate", "-i", f"file:{path}", "-filter_complex_threads", "1"]
    # A checksum of all pixels costs a tenth of decoding them, so most frames give only a corner.
    # ffmpeg holds all in memory until both outputs have begun, so frame 0 is always in both.
    numbers = sorted({0, *summed})
    chosen = "+".join(f"between(n,{first},{last})" for first, last in _ranges(numbers))
    graph = f"[0:v:{number or 0}]{trim}split[a][b];[a]crop=2:2:0:0:exact=1[corner];"
    graph += f"[b]select='{chosen}'[sample]"
    command += ["-filter_complex", graph, "-map", "[corner]", "-map", "[sample]"]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "demux", "-f", "framecrc", "-"]
    pts, sums, time_base = array("q"), [], None
    for line in _lines(command):
        if line.startswith("#tb 0: "):
            time_base = Fraction(line.removeprefix("#tb 0: "))
        elif not line.startswith("#"):
            row = line.split(",")
            if int(row[0]) == 0:
                pts.append(int(row[2]))
            else:
                sums.append(int(row[5], 16))
    if time_base is None:
        raise CheckFailed("no frame of the result decodes")
    found = zip(numbers, sums, strict=False)
    return Decoded(pts, time_base, {frame: own for frame, own in found if frame in summed})


def _lines(command: Sequence[str]) -> Iterator[str]:
    """Yield the lines that the program prints, and check in the end that it had no complaint."""
    # Keys are commands to ffmpeg: it would take what a terminal or a shell's loop holds for others.
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        with subprocess.Popen(command, stdin=null, stdout=pipe, stderr=said, text=True) as program:
            # A program that is killed may leave a part of a line.
            yield from (line for line in program.stdout or () if line.endswith("\n"))
        said.seek(0)
        complaints = said.read().strip().splitlines()
    if program.returncode or complaints:
        reason = re.sub(" @ 0x[0-9a-f]+", "", (complaints or ["no message"])[0])
        raise CheckFailed(f"the result does not decode cleanly: {reason}")


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last number of each range of consecutive numbers."""
    for _, group in groupby(enumerate(numbers), lambda item: item[1] - item[0]):
        found = [number for _, number in group]
        yield found[0], found[-1]
