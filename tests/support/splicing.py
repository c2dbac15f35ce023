"""Videos of which some GOPs are copied, beside encoded ones."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
from decoded import pictures
from fixture_types import Ffmpeg
from plans import plan

from redact_dask import config
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Probed, Region, RegionOrigin, Rendered, Segment
from redact_dask.sources import listing

SCENE = "testsrc2=size=160x96:rate=30:duration=2,noise=c0s=6:c0f=t"
_MADE: dict[tuple[str, str, str], bytes] = {}
"""Content of the videos that were made, by suffix, options and encoder."""


@dataclass(frozen=True)
class Spliced:
    """A video before and after, and what was done."""

    source: Path
    result: Path
    probed: Probed
    rendered: list[Rendered]
    hidden: frozenset[int]
    why_encoded: str
    """Why what was copied was encoded after all."""

    @property
    def segments(self) -> list[Segment]:
        """What the result was joined from."""
        return [segment for made in self.rendered for segment in made.segments]

    @property
    def copied(self) -> list[int]:
        """Numbers of the frames that were copied."""
        numbers: list[int] = []
        first = 0
        for segment in self.segments:
            if segment.url is None:
                numbers += range(first, first + segment.frames)
            first += segment.frames
        return numbers


def make(folder: Path, ffmpeg: Ffmpeg, name: str, options: str, encoder: str = "libx264") -> Path:
    """Make 48 frames of 160x96 that move, with sound; what was made before is written again."""
    path = folder / name
    kind = (path.suffix, options, encoder)
    if kind in _MADE:
        path.write_bytes(_MADE[kind])
        return path
    coder = ["-c:v", encoder, "-pix_fmt", "yuv420p", "-preset", "veryfast"]
    inputs = ["-f", "lavfi", "-i", SCENE, "-f", "lavfi", "-i", "sine", "-t", "1.6"]
    ffmpeg(*inputs, *coder, "-c:a", "aac", *shlex.split(options), path)
    _MADE[kind] = path.read_bytes()
    return path


def splice(
    source: Path,
    folder: Path,
    hidden: Collection[int],
    seconds: float = 0.5,
    encode: Mapping[str, Any] | None = None,
    keep: Collection[str] = (),
) -> Spliced:
    """Run the stages of a video with a region on some of its frames."""
    (video,) = listing.list_videos(str(source), str(folder / "out"))
    sections: dict[str, Any] = {"chunk": {"seconds": seconds}, "redact": {"style": "solid"}}
    sections |= {"encode": dict(encode or {}), "output": {"keep": list(keep)}}
    settings = config.validate(sections)
    job = Job(video, str(folder / "out"), str(folder / "work"), settings)
    probed = stages.probe(job)
    tracked = plan(
        job,
        probed,
        (
            Region(n, 0, 32.0, 32.0, 96.0, 64.0, RegionOrigin.DETECTED, "face", "told")
            for n in sorted(hidden)
        ),
    )
    rendered = [stages.render(job, probed.info, chunk, tracked) for chunk in probed.chunks]
    joined = stages.join(job, probed, [tracked], rendered)
    return Spliced(
        source,
        Path(joined.output),
        probed,
        rendered,
        frozenset(hidden),
        joined.why_encoded,
    )


def assert_right(spliced: Spliced) -> None:
    """Copied frames are the source's, hidden ones are hidden, the others look like the source's."""
    before, after = pictures(spliced.source), pictures(spliced.result)
    assert len(after) == len(before) == spliced.probed.info.frames
    assert not spliced.hidden & set(spliced.copied)
    level = 4 if before[0].dtype == np.uint16 else 1
    for number, (was, now) in enumerate(zip(before, after, strict=True)):
        if number in spliced.copied:
            assert np.array_equal(was, now), number
        elif number in spliced.hidden:
            assert now[34:62, 34:94].std() < 4 * level, number
            assert was[34:62, 34:94].std() > 40 * level, number
        away = np.s_[:28]
        error = np.mean((was[away].astype(float) - now[away]) ** 2) / level**2
        assert 10 * np.log10(255**2 / max(error, 1e-9)) > 30, number


def remuxed(
    path: Path, target: Path, change: Callable[[int, bytes], bytes], extradata: bytes = b""
) -> Path:
    """Write a video again with changed video packets, whose number and bytes are given."""
    options = {"movie_timescale": "90000", "avoid_negative_ts": "disabled"}
    with av.open(path) as container, av.open(target, "w", options=options) as output:
        streams = {s: output.add_stream_from_template(s) for s in container.streams}
        video = container.streams.video[0]
        if extradata:
            streams[video].codec_context.extradata = extradata
        streams[video].time_base = video.time_base
        number = 0
        for packet in container.demux():
            if not packet.size:
                continue
            copy = packet
            if packet.stream is video:
                copy = av.Packet(change(number, bytes(packet)))
                copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
                copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
                number += 1
            copy.stream = streams[packet.stream]
            output.mux(copy)
    return target


def decoded_by(decoder: str, path: Path) -> list[Fraction]:
    """Return the times, seconds, of all frames that one of the ffmpeg program's decoders gives."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "fatal", "-copyts", "-c:v", decoder]
    command += ["-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "demux", "-f", "framecrc", "-"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")
    base = [Fraction(line.split(": ")[1]) for line in lines if line.startswith("#tb 0")]
    rows = [line.split(",") for line in lines if line and not line.startswith("#")]
    return [int(row[2]) * base[0] for row in rows]


def bare_frames(video: Path, folder: Path, codec: str = "h264") -> int:
    """Return how many frames a video has without its container."""
    bare = folder / f"bare.{codec}"
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-y", "-i", str(video)]
    subprocess.run([*program, "-map", "0:v", "-c", "copy", str(bare)], check=True)
    with av.open(bare) as container:
        return sum(1 for _ in container.decode(video=0))
