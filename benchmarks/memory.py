"""The memory of a worker for videos of different lengths: it should not grow.

Redacts a short and a long video of the same kind, each with a fresh ``dask worker``, and prints the
highest resident memory of that process as a Markdown table::

    python benchmarks/memory.py --seconds 20 --seconds 200
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import imageio_ffmpeg
from clips import fetch_clips
from distributed import Client, LocalCluster

from redact_dask import Summary, redact

CHUNK = 300
"""Frames of a chunk: as many as 10 s have at 30 frames/s."""


@click.command()
@click.option("--seconds", multiple=True, type=int, default=(20, 200), help="Length; repeated.")
@click.option("--height", default=720, help="Of the picture, pixels; 16:9.")
@click.option("--rate", default=30, help="Frames a second: fewer make a long video affordable.")
def main(seconds: tuple[int, ...], height: int, rate: int) -> None:
    """Print the highest resident memory of a worker for videos of some lengths."""
    print("| length of the video | frames | wall time | worker before | worker at most |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for length in seconds:
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder, "source", "video.mp4")
            make_video(video, length, height, rate)
            before, peak, summary = measure(video, Path(folder, "redacted"), CHUNK / rate)
        print(
            f"| {length} s | {summary.frames} | {summary.wall_s:.0f} s "
            f"| {before:.0f} MiB | {peak:.0f} MiB |",
            flush=True,
        )


def make_video(path: Path, seconds: int, height: int, rate: int) -> None:
    """Repeat a talking man, with a keyframe every 30 frames and a tone."""
    path.parent.mkdir()
    man, *_ = fetch_clips(path.parent.parent / "clips")
    inputs = ["-stream_loop", "-1", "-i", man, "-f", "lavfi", "-i", "sine"]
    size = f"scale={height * 16 // 9}:{height},fps={rate}"
    codec = ["-vf", size, "-c:v", "libx264", "-preset", "ultrafast", "-g", "30"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs, *codec]
    subprocess.run([*command, "-map", "0:v", "-map", "1:a", "-t", str(seconds), path], check=True)


def measure(video: Path, destination: Path, chunk_s: float) -> tuple[float, float, Summary]:
    """Redact a video with one fresh worker; return its memory before and at most, MiB."""
    settings = {"chunk": {"seconds": chunk_s}}
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
        worker_of(cluster.scheduler_address),
    ):
        client.wait_for_workers(1)
        (before,) = client.run(peak_mib).values()
        summary = redact(video, destination, settings, client)
        (peak,) = client.run(peak_mib).values()
    if summary.quarantined:
        raise click.ClickException(summary.failures[0].reason)
    return before, peak, summary


@contextmanager
def worker_of(scheduler: str) -> Iterator[None]:
    """Run a worker as on a cluster: it imports neither this script nor the driver's libraries."""
    command = [sys.executable, "-m", "dask", "worker", scheduler, "--nthreads=1", "--no-dashboard"]
    worker = subprocess.Popen([*command, "--host=127.0.0.1"], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


def peak_mib() -> float:
    """Return the highest resident memory that this process ever had, MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
