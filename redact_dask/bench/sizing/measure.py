"""Measuring worker shapes: the real pipeline on given clips, with workers on this machine."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import psutil
from distributed import Client

from redact_dask import api, config, manifest
from redact_dask.bench.sizing import costs
from redact_dask.bench.sizing.predict import Clip, Workload
from redact_dask.cluster import connect
from redact_dask.config import Config, loading
from redact_dask.errors import CheckFailed
from redact_dask.media import verify
from redact_dask.storage import layout


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """How the workers of a machine are set up, and what they work on."""

    processes: int
    """Number of worker processes."""
    threads: int
    """Number of threads of each process."""
    chunk_s: float
    """Setting ``chunk.seconds``, seconds."""
    detector: str
    """Registered name of the detector."""

    @property
    def slots(self) -> int:
        """Number of tasks that run at once."""
        return self.processes * self.threads

    def settings(self, base: Mapping[str, Any]) -> Config:
        """Return all settings of a run of this shape; ``base`` has those that all shapes share."""
        kwargs = {
            "n_workers": self.processes,
            "threads_per_worker": self.threads,
            "host": "127.0.0.1",
            "dashboard_address": "127.0.0.1:0",
            "silence_logs": 50,
        }
        own = {
            "chunk": {"seconds": self.chunk_s},
            "detect": {"detectors": [self.detector]},
            "cluster": {"class": "distributed.LocalCluster", "kwargs": kwargs},
        }
        return config.validate(loading.merged(base, own))


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run over all clips."""

    shape: Shape
    twin: str
    """``A``, or ``B`` for the second of two series of one shape, whose difference is noise."""
    repeat: int
    """Number of the round, from 0."""
    videos: int
    """Number of videos."""
    frames: int
    """Number of frames of all videos."""
    seconds: float
    """Length of all videos, seconds."""
    wall_s: float
    """Wall seconds of the run."""
    makespan_s: float
    """Time from the start of the first task to the end of the last, seconds."""
    worker_cpu_s: float
    """CPU seconds of the worker processes, and of the programs that they ran."""
    driver_cpu_s: float
    """CPU seconds of this process, in which the scheduler runs too."""
    others: float
    """Cores that foreign processes kept busy during the run, on average."""
    tasks: tuple[Mapping[str, Any], ...]
    """Rows of the run in the manifest's ``chunks``."""
    checks_all: bool = False
    """Whether all frames of the copies were decoded to check them."""

    @property
    def frames_per_s(self) -> float:
        """Speed of the whole run, frames a second."""
        return self.frames / self.wall_s

    @property
    def workload(self) -> Workload:
        """The videos of the run, in the order in which they were begun."""
        chunks: dict[str, int] = {}
        for row in self.tasks:
            if row["stage"] == "detect":
                chunks[row["video"]] = chunks.get(row["video"], 0) + 1
        probes = sorted((r for r in self.tasks if r["stage"] == "probe"), key=_started)
        groups = tuple((Clip(row["frames"], chunks[row["video"]]), 1) for row in probes)
        return Workload("the clips", groups)

    def costs(self) -> costs.Costs:
        """Return the costs that the run shows."""
        return costs.of_rows(self.tasks, self.wall_s, self.shape.slots, checks_all=self.checks_all)


def matrix(
    processes: Sequence[int], threads: Sequence[int], chunks: Sequence[float], names: Sequence[str]
) -> list[Shape]:
    """Return all shapes, beginning with a one-slot shape for each detector.

    The model is made from the runs of those.
    """
    chunks, names = [*dict.fromkeys(chunks)], [*dict.fromkeys(names)]
    shapes = [Shape(1, 1, chunks[0], name) for name in names]
    shapes += [Shape(*values) for values in product(processes, threads, chunks, names)]
    return [*dict.fromkeys(shapes)]


def measure(
    shapes: Sequence[Shape],
    clips: Sequence[Path],
    base: Mapping[str, Any],
    repeats: int,
    folder: Path,
) -> Iterator[Run]:
    """Measure the shapes, and yield the runs.

    A round has one run of every shape, and then another run of the first shape. Each run has its
    own cluster, which is warmed up with one copy of the shortest clip for each slot.

    Parameters
    ----------
    shapes
        Shapes to compare.
    clips
        Paths of the videos.
    base
        Nested settings that all shapes share.
    repeats
        Number of rounds.
    folder
        Empty folder for temporary files.

    Raises
    ------
    CheckFailed
        A clip was quarantined.
    """
    source = folder / "clips"
    source.mkdir()
    for number, clip in enumerate(clips):
        (source / f"{number:03}{clip.suffix}").symlink_to(clip.resolve())
    shortest = min(clips, key=lambda clip: clip.stat().st_size)
    series = [(shape, "A") for shape in shapes] + [(shapes[0], "B")]
    for repeat, (shape, twin) in product(range(repeats), series):
        settings = shape.settings(base)
        with connect.ready_client(settings.cluster) as client:
            with _copies(shortest, shape.slots, folder) as warm:
                _redact(warm, folder / "output", settings, client)
            cpu, own, everybody = worker_cpu_s(client), cpu_s(), busy_s()
            rows, wall_s = _redact(source, folder / "output", settings, client)
            everybody = busy_s() - everybody
            cpu, own = worker_cpu_s(client) - cpu, cpu_s() - own
        videos, tasks = rows
        frames = sum(row["frames"] for row in videos)
        encoded = 1 - sum(row["frames_copied"] for row in videos) / frames
        yield Run(
            shape=shape,
            twin=twin,
            repeat=repeat,
            videos=len(videos),
            frames=frames,
            seconds=sum(row["duration_s"] for row in videos),
            wall_s=wall_s,
            makespan_s=costs.makespan(tasks),
            worker_cpu_s=cpu,
            driver_cpu_s=own,
            others=max(0.0, everybody - cpu - own) / wall_s,
            tasks=tuple(tasks),
            checks_all=settings.check == "full" or encoded >= verify.MOSTLY,
        )


Rows = list[dict[str, Any]]
"""Rows of a dataset of the manifest."""


def _redact(
    source: Path, destination: Path, settings: Config, client: Client
) -> tuple[tuple[Rows, Rows], float]:
    """Redact a folder; return the rows of its videos and tasks, and the wall seconds."""
    start = time.perf_counter()
    summary = api.redact(source, destination, settings, client)
    wall_s = time.perf_counter() - start
    for failure in summary.failures:
        raise CheckFailed(f"{failure.path} is quarantined in {failure.stage}: {failure.reason}")
    root = layout.manifest(str(destination))
    videos, tasks = (
        manifest.read(root, name).to_pylist(maps_as_pydicts="strict")
        for name in ("videos", "chunks")
    )
    shutil.rmtree(destination)
    return (videos, tasks), wall_s


@contextmanager
def _copies(clip: Path, number: int, folder: Path) -> Iterator[Path]:
    """Yield a folder with a number of links to a clip, which is removed after the block."""
    place = folder / "warm"
    place.mkdir()
    for copy in range(number):
        (place / f"{copy}{clip.suffix}").symlink_to(clip.resolve())
    yield place
    shutil.rmtree(place)


def worker_cpu_s(client: Client) -> float:
    """Return the CPU seconds of all workers of a cluster so far."""
    return sum(dict[str, float](client.run(cpu_s)).values())


def cpu_s() -> float:
    """Return the CPU seconds of this process so far, and of its children that have ended."""
    # The first four are user and system time of the process, then those of its children.
    return float(sum(psutil.Process().cpu_times()[:4]))


def busy_s() -> float:
    """Return the seconds that all cores have been busy, or taken by other virtual machines."""
    times = psutil.cpu_times()
    return float(sum(times[:8]) - times.idle - getattr(times, "iowait", 0.0))


def _started(row: Mapping[str, Any]) -> Any:
    return row["started"]


def machine() -> dict[str, str]:
    """Describe the machine that measures: processor, cores, memory and system."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.1f}",
        "system": platform.platform(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.processor())
