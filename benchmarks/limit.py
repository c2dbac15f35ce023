"""How near a run comes to what it cannot do without: decoding a video once, and looking at it.

The clip shows no face, as most of what a camera sees: 1080p at 25 frames a second, 8 Mb/s, a
keyframe a second. Prints what each part takes of a frame, and the whole command beside a plain
transcode on the same cores, in interleaved rounds::

    python benchmarks/limit.py
    python benchmarks/limit.py --seconds 600 --rounds 1

The parts are wall seconds of the tasks' steps, added over all workers.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click
from media import ffmpeg, timed

from redact_dask import manifest
from redact_dask.storage import layout

RATE = 25
LONGEST_MADE = 40
"""Seconds of pictures that are made; a longer clip repeats them."""

PARTS = {
    "start-up, until the first task": (),
    "probe": ("probe scan",),
    "decode": ("detect decode",),
    "motion": ("detect motion",),
    "scale": ("detect scale",),
    "look": ("detect detect",),
    "track": ("track track",),
    "render: decode": ("render decode",),
    "render: hide": ("render redact",),
    "render: encode": ("render encode",),
    "join": ("join mux", "join publish"),
    "check": ("join check",),
    "proof": ("join prove",),
}
"""Stages and steps of each part of a run."""

BLIND = """
from pydantic import BaseModel

class Options(BaseModel):
    pass

class Blind:
    Options = Options
    identity = "blind"

    def __init__(self, options):
        pass

    def input_size(self, width, height):
        return width // 16, height // 16

    def detect(self, images):
        return [[] for _ in images]
"""
"""A detector that finds nothing, for what a run takes besides."""


@click.command()
@click.option("--seconds", default=40, help="Length of the clip.")
@click.option("--rounds", default=3)
def main(seconds: int, rounds: int) -> None:
    """Print two Markdown tables: the parts of a run, and whole commands."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = make_clip(folder, seconds)
        install_blind(folder)
        frames = seconds * RATE
        parts: list[Counter[str]] = []
        rows: dict[str, Callable[[], object]] = {
            "ffmpeg, libx264 veryfast crf 20": lambda: transcode(clip, folder),
            "redact_dask, one look in 4": lambda: parts.append(redact(clip, folder)),
            "redact_dask, a detector that does nothing": lambda: redact(clip, folder, "blind"),
            "decode once": lambda: ffmpeg("-i", clip, "-f", "null", "-"),
        }
        found: dict[str, list[float]] = {row: [] for row in rows}
        alone: list[float] = []
        for _ in range(rounds):
            for row, work in rows.items():
                found[row].append(timed(work)[1])
            alone.append(timed(lambda: ffmpeg("-threads", "1", "-i", clip, "-f", "null", "-"))[1])
    print_parts(parts, statistics.median(alone), frames)
    print_commands({row: statistics.median(seconds) for row, seconds in found.items()}, parts)


def print_parts(parts: list[Counter[str]], decode_s: float, frames: int) -> None:
    """Print what each part of a run takes of a frame."""
    print(f"{frames} frames, {len(parts)} rounds, medians\n\n| part | ms a frame | by decoding |")
    print("|---|---:|---:|")
    for part in ("decoding once, one thread", *PARTS):
        taken = [taken[part] for taken in parts] if part in PARTS else [decode_s]
        median = statistics.median(taken)
        print(f"| {part} | {1e3 * median / frames:.2f} | {median / decode_s:.2f} |")


def print_commands(seconds: dict[str, float], parts: list[Counter[str]]) -> None:
    """Print whole commands beside the transcode, and a run beside what it cannot do without."""
    transcoded = next(iter(seconds.values()))
    print("\n| command | seconds | faster than ffmpeg |\n|---|---:|---:|")
    for row, took in seconds.items():
        print(f"| {row} | {took:.2f} | {transcoded / took:.2f} |")
    looks = statistics.median(taken["look"] + taken["scale"] for taken in parts)
    least = seconds["decode once"] + looks / (os.cpu_count() or 1)
    by_least = seconds["redact_dask, one look in 4"] / least
    print(
        f"\ndecoding once and looking, on all cores: {least:.2f} s; the run by it: {by_least:.2f}"
    )


def make_clip(folder: Path, seconds: int) -> Path:
    """Make pictures that pan, with the noise of a camera, and repeat them up to a length."""
    made, clip = folder / "made.mp4", folder / "clip.mp4"
    pan, noise = "scroll=horizontal=0.003:vertical=0.001", "noise=alls=8:allf=t"
    pictures = f"testsrc=size=1920x1080:rate={RATE},{pan},{noise},format=yuv420p"
    length = ["-t", str(min(seconds, LONGEST_MADE))]
    rate = ["-b:v", "8M", "-maxrate", "8M", "-bufsize", "8M"]
    encoder = ["-c:v", "libx264", "-preset", "veryfast", *rate]
    gops = ["-g", str(RATE), "-sc_threshold", "0"]
    ffmpeg("-f", "lavfi", "-i", pictures, *length, *encoder, *gops, made)
    ffmpeg("-stream_loop", "-1", "-i", made, "-t", str(seconds), "-c", "copy", clip)
    return clip


def install_blind(folder: Path) -> None:
    """Install the detector that finds nothing where `redact` lets Python look for packages."""
    (folder / "blind.py").write_text(BLIND)
    metadata = folder / "blind-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: blind\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[redact_dask.detectors]\nblind = blind:Blind\n")


def transcode(clip: Path, folder: Path) -> None:
    """Encode the clip as it is."""
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]
    ffmpeg("-i", clip, *encoder, folder / "transcoded.mp4")


def redact(clip: Path, folder: Path, detector: str = "faces") -> Counter[str]:
    """Run the command; return the seconds of each part."""
    output = folder / "redacted"
    shutil.rmtree(output, ignore_errors=True)
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "redact_dask", "run", clip, output, "--detector", detector]
    settings = ["--set", "cluster.dashboard=127.0.0.1:0", "--json"]
    began = time.time()
    done = subprocess.run(
        [*command, *settings],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the run ended with {done.returncode}: {done.stdout[-1000:]}")
    summary = json.loads(done.stdout.splitlines()[-1])
    if summary["faces"]:
        print(f"{detector} found {summary['faces']} faces where there are none")
    rows = manifest.read(layout.manifest(output.as_uri()), "chunks").to_pylist()
    steps: Counter[str] = Counter()
    for row in rows:
        for step, seconds in row["seconds"]:
            steps[f"{row['stage']} {step}"] += seconds
    parts = Counter({part: sum(steps[step] for step in names) for part, names in PARTS.items()})
    parts["start-up, until the first task"] = min(r["started"].timestamp() for r in rows) - began
    return parts


if __name__ == "__main__":
    main()
