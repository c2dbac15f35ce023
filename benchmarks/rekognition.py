"""What a paid service costs in time, calls and memory, beside the method this project started from.

A stand-in answers in the place of Amazon Rekognition, each call after 0.8 s::

    python benchmarks/rekognition.py speed
    python benchmarks/rekognition.py quota [--kill]
    python benchmarks/rekognition.py memory
"""

from __future__ import annotations

import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
import imageio_ffmpeg
from clips import fetch_clips
from distributed import Client
from standin import Standin

from redact_dask import Summary, manifest, redact
from redact_dask.cluster import connect
from redact_dask.config import ClusterSettings
from redact_dask.storage import layout

LATENCY_S = 0.8


@click.group()
def main() -> None:
    """Print Markdown tables."""


@main.command()
@click.option("--rounds", default=3)
@click.option("--workers", "number", default=2)
@click.option("--gop", default=30, help="Frames from one keyframe to the next.")
def speed(rounds: int, number: int, gop: int) -> None:
    """Redact 6.5 s of video beside the original method, with a cluster that runs already."""
    ours, theirs, busy = [], [], []
    with folder() as place, service() as standin, workers(number) as client:
        video = make_video(place, seconds=6.5, height=720, gop=gop)
        run(make_video(place, seconds=2, height=720, name="warm"), place / "warm", client, tps=1000)
        for turn in range(rounds):
            standin.reset()
            output = place / f"ours-{turn}"
            summary = run(video, output, client, tps=1000)
            ours.append(summary.wall_s)
            busy.append(detecting(output))
            assert standin.stats()["calls"] == summary.usage.calls == summary.frames == 195
            seconds, lost = original(video, place / "theirs.mp4", "--processes=16")
            theirs.append(seconds)
        first, _ = original(video, place / "alone.mp4", "--processes=1", "--frames=20")
    mine = statistics.median(ours)
    print("| method | seconds | frames out of 195 | ratio |")
    print("|---|---|---|---|")
    for name, took, frames in (
        (f"redact_dask, {number} workers", mine, "195"),
        ("original, 16 processes", statistics.median(theirs), f"{195 - lost:.0f}"),
        ("original, one process, from 20 frames", first / 20 * 195, ""),
    ):
        print(f"| {name} | {took:.1f} | {frames} | {took / mine:.1f} |")
    print("rounds:", " ".join(f"{a:.1f}/{b:.1f}" for a, b in zip(ours, theirs, strict=True)))
    print(f"workers that looked at frames: {statistics.median(busy):.0f} of {number}")


def detecting(output: Path) -> int:
    """Return how many workers ran a task of detection."""
    rows = manifest.read(layout.manifest(output.as_uri()), "chunks").to_pylist()
    return len({row["worker"] for row in rows if row["stage"] == "detect"})


@main.command()
@click.option("--kill", is_flag=True, help="Kill a worker half way.")
@click.option("--tps", default=25)
@click.option("--frames", default=1000)
def quota(kill: bool, tps: int, frames: int) -> None:
    """Use a quota that the service enforces, with four workers."""
    with folder() as place, service(f"--tps={tps}") as standin, workers(4) as client:
        video = make_video(place, seconds=frames / 30, height=180)
        run(make_video(place, seconds=2, height=180, name="warm"), place / "warm", client, tps=tps)
        standin.reset()
        if kill:
            (victim, *_) = client.run(os.getpid).values()
            timer = threading.Timer(frames / tps / 2, os.kill, (victim, signal.SIGKILL))
            timer.start()
        summary = run(video, place / "out", client, tps=tps, chunk_s=1)
        told = standin.stats()
    assert summary.published == 1
    elapsed = told["last"] - told["first"]
    calls, throttled = told["calls"], told["throttled"]
    print("| workers | frames | calls | seconds of calls | of the quota | throttled |")
    print("|---|---|---|---|---|---|")
    print(
        f"| 4{', one killed' if kill else ''} | {frames} | {calls} | {elapsed:.1f} "
        f"| {calls / elapsed / tps:.1%} | {throttled / (calls + throttled):.2%} |"
    )


@main.command()
def memory() -> None:
    """Print the highest resident memory of a worker with 64 calls in flight at 1080p."""
    with folder() as place, service("--latency=5") as standin, workers(1) as client:
        video = make_video(place, seconds=20, height=1080)
        summary = run(video, place / "out", client, tps=1000, chunk_s=10)
        (peak,) = client.run(peak_mib).values()
        told = standin.stats()
    assert summary.published == 1
    print(f"{summary.frames} frames, {told['in_flight_max']} calls in flight, {peak:.0f} MiB")


def original(video: Path, output: Path, *options: str) -> tuple[float, float]:
    """Let the original method redact a video; return seconds and lost frames."""
    program = Path(__file__).with_name("original.py")
    command = [sys.executable, str(program), str(video), str(output), *options]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, *_, lost = map(float, re.findall(r"[\d.]+", told))
    return seconds, lost


def run(
    video: Path, destination: Path, client: Client, tps: float, chunk_s: float | None = None
) -> Summary:
    """Redact one video, every frame looked at."""
    detect = {
        "detectors": ["rekognition"],
        "every": 1,
        "options": {"rekognition": {"tps": tps}},
    }
    summary = redact(video, destination, {"detect": detect, "chunk": {"seconds": chunk_s}}, client)
    if summary.quarantined:
        raise click.ClickException(summary.failures[0].reason)
    return summary


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def service(*options: object) -> Iterator[Standin]:
    """Run the stand-in, named by the environment."""
    with Standin(f"--latency={LATENCY_S}", *options) as standin:
        os.environ.update(standin.environment)
        yield standin


def workers(number: int) -> AbstractContextManager[Client]:
    """Start workers as a run does."""
    return connect.ready_client(ClusterSettings(workers=number, dashboard="127.0.0.1:0"))


def make_video(
    place: Path, seconds: float, height: int, name: str = "video", gop: int = 30
) -> Path:
    """Put five talking men beside one another at 30 frames a second."""
    man, *_ = fetch_clips(place / "clips")
    path = place / f"{name}.mp4"
    width = height * 16 // 9
    man_scaled = f"[0:v]scale={width // 5 // 2 * 2}:-2,fps=30,split=5[a][b][c][d][e]"
    picture = f"{man_scaled};[a][b][c][d][e]hstack=5,pad={width}:{height}:0:(oh-ih)/2[v]"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", "-1", "-i", str(man)]
    command += ["-filter_complex", picture, "-map", "[v]", "-frames:v", str(round(seconds * 30))]
    command += ["-c:v", "libx264", "-g", str(gop), "-sc_threshold", "0", str(path)]
    subprocess.run(command, check=True)
    return path


def peak_mib() -> float:
    """Return the highest resident memory that this process ever had, MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
