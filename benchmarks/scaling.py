"""How much faster two workers are than one, and whether one long clip is as fast as ten short ones.

The demonstration's street at 960x540 with a face on every frame; rounds of the three runs side by
side, each with a cluster that runs already and has loaded its model::

    python benchmarks/scaling.py --seconds 20
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import imageio_ffmpeg
from clips import fetch_clips
from distributed import Client

from redact_dask import redact
from redact_dask.cluster.connect import ready_client
from redact_dask.config import ClusterSettings

CLIPS = 10


@click.command()
@click.option("--seconds", default=20, help="Of a short clip; the long one is ten times as long.")
@click.option("--rounds", default=3)
def main(seconds: int, rounds: int) -> None:
    """Print a Markdown table of frames a second."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short, long = make_clips(folder, seconds)
        for number in range(rounds):
            for row, workers, source in (
                ("ten short clips, 1 worker", 1, short),
                ("ten short clips, 2 workers", 2, short),
                ("one long clip, 2 workers", 2, long),
            ):
                with cluster(workers, folder) as client:
                    destination = folder / f"{row} {number}"
                    summary = redact(source, destination, None, client)
                    shutil.rmtree(destination)
                found.setdefault(row, []).append(summary.frames / summary.wall_s)
                print(row, round(found[row][-1], 1), flush=True)
    base = statistics.median(next(iter(found.values())))
    print("| | frames/s | ratio |\n|---|---:|---:|")
    for row, speeds in found.items():
        speed = statistics.median(speeds)
        print(f"| {row} | {speed:.1f} | {speed / base:.2f}x |")


def make_clips(folder: Path, seconds: int) -> tuple[Path, Path]:
    """Make a folder of ten short clips and one of a long clip, of the same pictures."""
    man, *_ = fetch_clips(folder / "clips")
    short, long = folder / "short", folder / "long"
    short.mkdir()
    long.mkdir()
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", "-1", "-i", man]
    codec = ["-vf", "scale=960:540,fps=30", "-c:v", "libx264", "-preset", "veryfast", "-g", "30"]
    first = short / "0.mp4"
    subprocess.run([*program, *codec, "-t", str(seconds), first], check=True)
    for number in range(1, CLIPS):
        shutil.copy(first, short / f"{number}.mp4")
    subprocess.run([*program, *codec, "-t", str(CLIPS * seconds), long / "long.mp4"], check=True)
    return short, long


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[Client]:
    """Run workers that have loaded the model."""
    settings = ClusterSettings(workers=workers, dashboard="127.0.0.1:0")
    with ready_client(settings) as client:
        man, *_ = fetch_clips(folder / "clips")
        warm = folder / "warm"
        warm.mkdir(exist_ok=True)
        for number in range(workers):
            shutil.copy(man, warm / f"{number}.mp4")
        redact(warm, folder / "warmed", None, client)
        shutil.rmtree(folder / "warmed")
        yield client


if __name__ == "__main__":
    main()
