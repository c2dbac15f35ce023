"""What the driver and the scheduler take for very many videos: memory, time, and time to resume.

Real driver, graph, scheduler and workers, but stages that only make up their results, so that what
is left is the cost of listing the videos and of going through them::

    python benchmarks/driver.py --videos 100000

With ``--source`` and ``--destination`` in S3, the source is listed there, and the stages save
checkpoints there, too, which the driver removes; ``benchmarks/delay.py`` gives a store on this
machine the latency of one that is not. With ``--shards 2``, two drivers share the source, and each
video must be published exactly once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest.mock import patch

import click
import cloudpickle
import driver_stages
import psutil
from distributed import Client
from driver_source import check, fill

from redact_dask import Status, Summary, redact, storage
from redact_dask.records import Video
from redact_dask.sources import listing

MIB = 2**20

cloudpickle.register_pickle_by_value(driver_stages)  # Workers do not find it by its name.


@click.command()
@click.option("--videos", default=100_000)
@click.option("--chunks", default=1, help="Of each video: it has 3 tasks, and 2 for each chunk.")
@click.option("--workers", default=2, help="Processes of each driver, with two threads each.")
@click.option("--source", help="A prefix in S3, which is filled if it is empty; else a folder.")
@click.option("--destination", help="An empty prefix in S3; else a local folder.")
@click.option("--shards", default=1, help="Drivers at once, each with a cluster of its own.")
@click.option(
    "--shard", help="I/N: be the driver of this shard alone; the source is filled already."
)
def main(
    videos: int,
    chunks: int,
    workers: int,
    source: str | None,
    destination: str | None,
    shards: int,
    shard: str | None,
) -> None:
    """Print Markdown tables: memory while the run goes on, and what it took."""
    with tempfile.TemporaryDirectory() as folder:
        source = source or str(Path(folder, "source"))
        destination = destination or str(Path(folder, "redacted"))
        if shard is not None:
            measure(source, destination, videos, chunks, workers, shard)
            return
        fill(source, videos)
        if shards == 1:
            measure(source, destination, videos, chunks, workers, shard)
        else:
            given = [f"--videos={videos}", f"--chunks={chunks}", f"--workers={workers}"]
            run_shards(shards, [*given, f"--source={source}", f"--destination={destination}"])
        print(f"\nEach of {check(source, destination):,} videos was published exactly once.")


def run_shards(shards: int, options: list[str]) -> None:
    """Run the drivers of all shards at once, and print what each prints."""

    def run(number: int) -> str:
        command = [sys.executable, __file__, *options, f"--shard={number}/{shards}"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    with ThreadPoolExecutor(shards) as pool:
        for number, printed in enumerate(pool.map(run, range(1, shards + 1)), 1):
            print(f"\nShard {number} of {shards}:\n\n{printed}", end="")


def measure(
    source: str, destination: str, videos: int, chunks: int, workers: int, shard: str | None
) -> None:
    """Run and resume, and print what it took."""
    settings = {"select": {"shard": shard}}
    with cluster(workers) as (client, scheduler):
        saves = storage.local_path(destination) is None
        client.register_plugin(driver_stages.MadeUp(chunks, saves=saves))
        watch = Watch(videos, scheduler)
        with patch.object(listing, "list_selected", partial(watch.list, listing.list_selected)):
            run = Took(lambda: redact(source, destination, settings, client, watch), scheduler)
        resume = Took(lambda: redact(source, destination, settings, client), scheduler)
    print("| videos done | driver | scheduler |")
    print("| ---: | ---: | ---: |")
    for done, driver, other in watch.memory:
        print(f"| {done:,} | {driver / MIB:.0f} MiB | {other / MIB:.0f} MiB |")
    done = run.summary.published
    listed = f"{watch.listed_s:.1f}"
    rates = f"{done / run.seconds:,.1f} | {done * (3 + 2 * chunks) / run.seconds:,.0f}"
    print("\n| | videos | seconds | listed after | videos/s | tasks/s | CPU of the driver", end="")
    print(" | CPU of the scheduler |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, took, columns in ("run", run, f"{listed} s | {rates}"), ("resume", resume, "| |"):
        cpu = f"{took.driver_s:.1f} s | {took.scheduler_s:.1f} s"
        print(f"| {name} | {done:,} | {took.seconds:.1f} | {columns} | {cpu} |")


class Watch:
    """Notes when the source is listed, and the memory each time that another tenth is done."""

    def __init__(self, videos: int, scheduler: psutil.Process) -> None:
        self.memory: list[tuple[int, int, int]] = []
        self.listed_s = 0.0
        """Seconds from the start until the source was listed to its end."""
        self._start = time.perf_counter()
        self._step = max(1, videos // 10)
        self._scheduler = scheduler
        self._driver = psutil.Process()

    def list(self, listed: Callable[..., Iterator[Video]], *arguments: object) -> Iterator[Video]:
        """Hand on what is listed, and note when it ends."""
        yield from listed(*arguments)
        self.listed_s = time.perf_counter() - self._start

    def __call__(self, status: Status) -> None:
        """Observe a status."""
        if status.published >= self._step * (len(self.memory) + 1):
            processes = (self._driver, self._scheduler)
            sizes = [process.memory_info().rss for process in processes]
            self.memory.append((status.published, *sizes))
            print(status.published, *sizes, file=sys.stderr, flush=True)


class Took:
    """Makes a run; has its summary, its wall seconds, and the CPU seconds of two processes."""

    def __init__(self, call: Callable[[], Summary], scheduler: psutil.Process) -> None:
        processes = (psutil.Process(), scheduler)
        start, before = time.perf_counter(), [sum(each.cpu_times()[:2]) for each in processes]
        self.summary = call()
        self.seconds = time.perf_counter() - start
        after = [sum(process.cpu_times()[:2]) for process in processes]
        self.driver_s, self.scheduler_s = after[0] - before[0], after[1] - before[1]


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


if __name__ == "__main__":
    main()
