"""What the driver and the scheduler take for very many videos: memory, time, and time to resume.

Real driver, graph, scheduler and workers, but stages that only make up their results, so that what
is left is the cost of going through the videos::

    python benchmarks/driver.py --videos 100000

With ``--destination s3://bucket/prefix``, the stages save checkpoints there, too, which the driver
removes; ``benchmarks/delay.py`` gives a store on this machine the latency of one that is not.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial, update_wrapper
from pathlib import Path

import click
import psutil
from distributed import Client, Worker, WorkerPlugin

from redact_dask import Status, redact, storage
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import (
    Chunk,
    Detected,
    Detection,
    Detections,
    Fields,
    Gop,
    Joined,
    Keyframe,
    Probed,
    Region,
    RegionOrigin,
    Regions,
    Rendered,
    Segment,
    StreamInfo,
    TaskTiming,
    Tracked,
)

MIB = 2**20
FRAMES = 150
"""Frames of a chunk, and of a GOP: few, as the records' size is not what is measured."""


@click.command()
@click.option("--videos", default=100_000)
@click.option("--chunks", default=1, help="Of each video: it has 3 tasks, and 2 for each chunk.")
@click.option("--workers", default=2, help="Processes, with two threads each.")
@click.option("--destination", help="An empty prefix of an object store; else a local folder.")
def main(videos: int, chunks: int, workers: int, destination: str | None) -> None:
    """Print Markdown tables: memory while the run goes on, and what it took."""
    with tempfile.TemporaryDirectory() as folder, cluster(workers) as (client, scheduler):
        client.register_plugin(MadeUp(chunks, saves=destination is not None))
        source, destination = Path(folder, "source"), destination or str(Path(folder, "redacted"))
        make_source(source, videos)
        watch = Watch(videos, scheduler)
        took = timed(lambda: redact(source, destination, None, client, watch), scheduler)
        again = timed(lambda: redact(source, destination, None, client), scheduler)
    print("| videos done | driver | scheduler |")
    print("| ---: | ---: | ---: |")
    for done, driver, other in watch.memory:
        print(f"| {done:,} | {driver / MIB:.0f} MiB | {other / MIB:.0f} MiB |")
    tasks = videos * (3 + 2 * chunks)
    print("\n| | seconds | videos/s | tasks/s | CPU of the driver | CPU of the scheduler |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, (seconds, driver_s, scheduler_s), rates in (
        ("run", took, f"{videos / took[0]:,.1f} | {tasks / took[0]:,.0f}"),
        ("resume", again, "|"),
    ):
        print(f"| {name} | {seconds:.1f} | {rates} | {driver_s:.1f} s | {scheduler_s:.1f} s |")


class Watch:
    """Notes the memory of driver and scheduler each time that another tenth is done."""

    def __init__(self, videos: int, scheduler: psutil.Process) -> None:
        self.memory: list[tuple[int, int, int]] = []
        self._step = max(1, videos // 10)
        self._scheduler = scheduler
        self._driver = psutil.Process()

    def __call__(self, status: Status) -> None:
        """Observe a status."""
        if status.published >= self._step * (len(self.memory) + 1):
            processes = (self._driver, self._scheduler)
            sizes = [process.memory_info().rss for process in processes]
            self.memory.append((status.published, *sizes))
            print(status.published, *sizes, file=sys.stderr, flush=True)


def timed(call: Callable[[], object], scheduler: psutil.Process) -> tuple[float, float, float]:
    """Return the wall seconds of a call, and the CPU seconds of this process and the scheduler."""
    processes = (psutil.Process(), scheduler)
    start, before = time.perf_counter(), [sum(process.cpu_times()[:2]) for process in processes]
    call()
    seconds = time.perf_counter() - start
    after = [sum(process.cpu_times()[:2]) for process in processes]
    return seconds, after[0] - before[0], after[1] - before[1]


def make_source(folder: Path, videos: int) -> None:
    """Make files of one byte, a thousand to a folder."""
    for number in range(videos):
        path = folder / f"vehicle-{number // 1000:04}" / f"{number % 1000:03}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"v")


@contextmanager
def cluster(workers: int) -> Iterator[tuple[Client, psutil.Process]]:
    """Run scheduler and workers in processes of their own; give a client and the scheduler."""
    dask = [sys.executable, "-m", "dask"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "scheduler.json")
        options = ["--host=127.0.0.1", "--port=0", "--dashboard-address=127.0.0.1:0"]
        command = [*dask, "scheduler", *options, f"--scheduler-file={file}"]
        scheduler = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        options = [f"--nworkers={workers}", "--nthreads=2", "--no-dashboard", "--host=127.0.0.1"]
        command = [*dask, "worker", f"--scheduler-file={file}", *options]
        worker = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            with Client(scheduler_file=str(file), timeout=60) as client:
                client.wait_for_workers(workers)
                yield client, psutil.Process(scheduler.pid)
        finally:
            worker.terminate()
            worker.wait()
            scheduler.terminate()
            scheduler.wait()


class MadeUp(WorkerPlugin):
    """Puts stages in place of the real ones that make up their results."""

    name = "made-up"

    def __init__(self, chunks: int, *, saves: bool) -> None:
        self._chunks = chunks
        self._saves = saves

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts."""
        # Tasks tell their stage's name.
        stages.probe = update_wrapper(partial(probe, self._chunks), probe)
        stages.detect = update_wrapper(partial(detect, self._saves), detect)
        stages.render = update_wrapper(partial(render, self._saves), render)
        stages.track, stages.join = track, join


def probe(chunks: int, job: Job) -> Probed:
    start = Keyframe(0, 1000, 0)
    gop = Gop(start, FRAMES, copyable=True)
    cut = tuple(
        Chunk(n, start, n * FRAMES, tuple(range(n * FRAMES, (n + 1) * FRAMES)), (gop,))
        for n in range(chunks)
    )
    target = storage.join(job.destination, job.video.path)
    return Probed(info(chunks * FRAMES), cut, target, False, None, work(), cut)


def detect(saves: bool, job: Job, _info: StreamInfo, chunk: Chunk) -> Detected:
    if saves:
        storage.write(storage.join(job.work, f"detected-{chunk.index}.json"), b"{}")
    seen = Detection(chunk.first_frame, 10, 10, 20, 20, 0.9, "face", "centerface")
    return Detected(chunk.index, FRAMES, 50, Detections.of([seen]), ("made-up",), (), (), work())


def track(_job: Job, probed: Probed, _detected: list[Detected]) -> Tracked:
    return Tracked((None,) * len(probed.chunks), (("face", 1),), (), work())


def render(saves: bool, job: Job, _info: StreamInfo, chunk: Chunk, _tracked: Tracked) -> Rendered:
    if saves:
        for name in ("mkv", "json"):
            storage.write(storage.join(job.work, f"rendered-{chunk.index}.{name}"), b"{}")
    return Rendered(chunk.index, FRAMES, (Segment(FRAMES, chunk.start, None, 0),), work())


def join(_job: Job, probed: Probed, _tracked: list[Tracked], _rendered: list[Rendered]) -> Joined:
    storage.write(probed.target, b"r")
    hidden = Regions.of([Region(0, 0, 10, 10, 20, 20, RegionOrigin.DETECTED, "face", "told")])
    return Joined(probed.target, 1, "0" * 64, "", hidden, work())


def info(frames: int) -> StreamInfo:
    """Describe a video that is not there."""
    return StreamInfo(
        codec="h264",
        width=960,
        height=540,
        pixel_format="yuv420p",
        quarter_turns=0,
        display_matrix=(),
        fields=Fields.PROGRESSIVE,
        sample_aspect_ratio=Fraction(1),
        color_range=1,
        color_primaries=1,
        color_transfer=1,
        color_space=1,
        time_base=Fraction(1, 30),
        rate=Fraction(30),
        frames=frames,
        seconds=frames / 30,
        audio=("aac",),
        audio_streams=(1,),
        audio_start=Fraction(0),
        parameter_sets=b"0" * 40,
        reorder_depth=2,
        why_encoded="",
    )


def work() -> TaskTiming:
    """Account for a stage that takes no time."""
    now = time.time()
    return TaskTiming(now, now, (("made up", 0.0),), "host")


if __name__ == "__main__":
    main()
