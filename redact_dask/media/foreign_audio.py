"""Adding audio that PyAV does not write into Matroska, with the ffmpeg program, which does."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from redact_dask.errors import UnsupportedVideo

WAY_OUT = "output.audio: drop publishes the video without audio"

OPTIONS = {"fflags": "+bitexact", "rf64": "auto"}
"""Options of the muxer of the WAV files that hold the audio until then."""


def add(
    path: Path,
    videos: int,
    tracks: Sequence[Path | None],
    start: Fraction,
    options: Mapping[str, str],
) -> None:
    """Rewrite a Matroska file with audio.

    Parameters
    ----------
    path
        A file with the video and some other streams, which is replaced.
    videos
        Number of its video streams, which come first.
    tracks
        For each stream after these, a WAV file; None: the stream is in ``path``.
    start
        When the audio begins in the video, seconds.
    options
        Options of the muxer.

    Raises
    ------
    UnsupportedVideo
        The program does not write it either.
    OSError
        The disk is full.
    """
    both = path.with_name(f"both{path.suffix}")
    files = [track for track in tracks if track]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-xerror", "-copyts"]
    command += ["-i", f"file:{path}"]
    for file in files:
        command += ["-itsoffset", f"{float(start):.6f}", "-i", f"file:{file}"]
    inside = iter(range(videos, videos + len(tracks)))
    maps = [f"0:{number}" for number in range(videos)]
    maps += [f"{files.index(t) + 1}:0" if t else f"0:{next(inside)}" for t in tracks]
    for stream in maps:
        command += ["-map", stream]
    for name, value in options.items():
        command += [f"-{name}", value]
    done = subprocess.run(
        [*command, "-c", "copy", "-bitexact", "-f", "matroska", f"file:{both}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[0]
        if "No space left" in done.stderr:
            raise OSError(f"the joined video: {reason}")
        raise UnsupportedVideo(f"its audio cannot be written: {reason}; {WAY_OUT}")
    both.replace(path)
