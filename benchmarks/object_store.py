"""What a run asks of an object store, and whether the simulation knows what that takes.

Real runs from and to SeaweedFS on this machine, with chunks of 10 s. One worker, whose requests are
counted, tells the costs of the stages and the requests of each task. Two workers are then simulated
and measured, also where each answer comes later. The driver's way of removing work is timed, too.

Requests depend on bytes and chunks, not on pixels. So the clips have as many bytes a second as the
demonstration's man at 960x540, but are small, with few frames: waiting decides, not the CPU::

    python benchmarks/object_store.py --milliseconds 100
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import click
import imageio_ffmpeg
import s3fs
from clips import fetch_clips
from counted_run import Measured, requests_of, table_of_costs, table_of_requests
from counts import Counts
from delay import serve
from distributed import Worker

from redact_dask import config, manifest, redact, storage
from redact_dask.bench.sizing.measure import busy_s, cpu_s, worker_cpu_s
from redact_dask.bench.sizing.object_store import Store
from redact_dask.bench.sizing.predict import Machine
from redact_dask.bench.sizing.simulate import Cluster, simulate
from redact_dask.cluster.connect import ready_client
from redact_dask.config import ClusterSettings
from redact_dask.driver.results import REMOVERS
from redact_dask.storage import layout

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from ports import free_port
from seaweedfs import BUCKET, Server, make_bucket

CHUNK_S = 10
SOURCE, DESTINATION = f"s3://{BUCKET}/source", f"s3://{BUCKET}/redacted"
BITRATE = "835k"
"""Of the man at 960x540 with 30 frames a second, encoded as benchmarks/scaling.py does."""
FOLDERS, KEYS = 200, 25
"""Folders of work whose removal is timed, and the keys of each."""


@click.command()
@click.option(
    "--seconds", default=20, help="Of the short clips; long ones are three times as long."
)
@click.option(
    "--milliseconds", default=100.0, help="By which answers come later, in two of the runs."
)
def main(seconds: int, milliseconds: float) -> None:
    """Print Markdown tables."""
    with tempfile.TemporaryDirectory() as name, store(Path(name)) as url:
        upload_clips(Path(name), seconds)
        one = run(1)
        requests = requests_of(one)
        print(table_of_requests(one, requests), flush=True)
        print(table_of_costs(one), flush=True)
        with later(url, milliseconds / 1000):
            cpu_s_each, far_s = removal()
        _, near_s = removal()
        print(
            f"\nremoving {FOLDERS} folders of {KEYS} keys, in {REMOVERS} threads: {near_s:.2f} s,"
        )
        print(
            f"{far_s:.2f} s with answers after {milliseconds:g} ms; "
            f"{1000 * cpu_s_each:.1f} ms of CPU a folder"
        )
        print("\n| answers come later by | measured | simulated | error | cores for others |")
        print("|---:|---:|---:|---:|---:|")
        for latency_s in (0.0, milliseconds / 1000):
            with later(url, latency_s):
                measured = run(2)
            answered_s = one.latency_s + latency_s
            of_store = Store(requests, one.removal, cpu_s_each, answered_s)
            predicted = simulated(one, measured, of_store)
            error = predicted / measured.wall_s - 1
            print(
                f"| {1000 * latency_s:g} ms | {measured.wall_s:.1f} s | {predicted:.1f} s "
                f"| {error:+.1%} | {measured.others:.2f} |",
                flush=True,
            )


def run(workers: int) -> Measured:
    """Redact all clips with workers that have loaded their models."""
    s3fs.S3FileSystem.clear_instance_cache()  # It knows the address of the store before.
    settings = config.validate({"chunk": {"seconds": CHUNK_S}})
    own = Counts()
    with ready_client(ClusterSettings(workers=workers, dashboard="127.0.0.1:0")) as client:
        redact(f"s3://{BUCKET}/warm", f"s3://{BUCKET}/warmed", settings, client)
        if workers == 1:
            client.register_plugin(Counts())
            own.start()
        busy, cpu, start = busy_s(), cpu_s() + worker_cpu_s(client), time.perf_counter()
        redact(SOURCE, DESTINATION, settings, client)
        wall_s = time.perf_counter() - start
        busy, cpu = busy_s() - busy, cpu_s() + worker_cpu_s(client) - cpu
        (there,) = client.run(counts_there).values() if workers == 1 else (own,)
    rows = manifest.read(layout.manifest(DESTINATION), "chunks")
    for written in (DESTINATION, f"s3://{BUCKET}/warmed"):
        storage.remove(written)
    tasks = rows.to_pylist(maps_as_pydicts="strict")
    counts = own.requests + there.requests
    latency_s = there.waited_s / max(1, there.answers)
    others = max(0.0, busy - cpu) / wall_s
    return Measured(wall_s, tasks, counts, there.cpu_s, latency_s, others)


def counts_there(dask_worker: Worker) -> Counts:
    """Return what a worker has counted."""
    return dask_worker.plugins[Counts.name]


def simulated(one: Measured, measured: Measured, of_store: Store) -> float:
    """Return the wall seconds that the simulation tells for a run, given a run of one worker."""
    cores = os.cpu_count() or 1
    own = sum(
        number
        for (stage, _, kind), number in one.counts.items()
        if stage == "driver" and kind != "deleted"
    )
    # What the driver asks before the first task and after the last, one after the other.
    later_s = of_store.latency_s - one.latency_s
    known = replace(one.costs, start_s=one.costs.start_s + own * later_s)
    slots = len({row["worker"] for row in measured.tasks})
    machine = Machine(slots, max(0.1, cores - measured.others))
    cluster = Cluster(machine, store=of_store)
    return simulate(measured.workload, known, cluster).wall_s


def removal() -> tuple[float, float]:
    """Remove folders of work as the driver does; return CPU seconds for each, and wall seconds."""
    urls = [f"s3://{BUCKET}/removed/{number:04}" for number in range(FOLDERS)]
    with ThreadPoolExecutor(32) as pool:
        files = [f"{url}/{number}.json" for url in urls for number in range(KEYS)]
        list(pool.map(lambda file: storage.write(file, b"{}"), files))
    with ThreadPoolExecutor(REMOVERS) as pool:
        start, cpu = time.perf_counter(), time.process_time()
        list(pool.map(storage.remove, urls))
        return (time.process_time() - cpu) / FOLDERS, time.perf_counter() - start


def upload_clips(folder: Path, seconds: int) -> None:
    """Put clips into the bucket: two short ones, a long one between them, some to warm up with."""
    man, *_ = fetch_clips(folder / "clips")
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", "-1", "-i", man]
    codec = ["-vf", "scale=320:180,fps=10", "-c:v", "libx264", "-preset", "veryfast", "-g", "10"]
    codec += ["-b:v", BITRATE, "-maxrate", BITRATE, "-bufsize", BITRATE]
    s3 = boto3.client("s3")
    for length, keys in (
        (2, ("warm/0.mp4", "warm/1.mp4")),
        (seconds, ("source/0.mp4", "source/2.mp4")),
        (3 * seconds, ("source/1.mp4",)),
    ):
        path = folder / f"{length}.mp4"
        subprocess.run([*program, *codec, "-t", str(length), path], check=True)
        for key in keys:
            s3.upload_file(str(path), BUCKET, key)


@contextmanager
def store(folder: Path) -> Iterator[str]:
    """Run SeaweedFS with a bucket, which the environment names; yield its URL."""
    place = folder / "store"
    place.mkdir()
    server = Server(place)
    os.environ |= server.environment
    with subprocess.Popen(
        server.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            make_bucket()
            yield server.environment["AWS_ENDPOINT_URL"]
        finally:
            process.terminate()


@contextmanager
def later(url: str, seconds: float) -> Iterator[None]:
    """Let the environment name a store whose answers come so many seconds later."""
    port = free_port()
    if seconds:
        of_server = urlsplit(url).port
        serving = serve(port, of_server, seconds)
        threading.Thread(target=asyncio.run, args=(serving,), daemon=True).start()
        time.sleep(0.5)
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        yield
    finally:
        os.environ["AWS_ENDPOINT_URL"] = url
        s3fs.S3FileSystem.clear_instance_cache()


if __name__ == "__main__":
    main()
