"""Keeping measured runs in a Parquet dataset, to which each bench appends a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from redact_dask import versions
from redact_dask.bench.sizing import measure
from redact_dask.bench.sizing.measure import Run

_TEXTS = pa.map_(pa.string(), pa.string())

SCHEMA = pa.schema(
    [
        ("bench", pa.timestamp("us", tz="UTC")),  # when its runs were stored: it names the bench
        ("twin", pa.string()),
        ("repeat", pa.int32()),
        ("processes", pa.int32()),
        ("threads", pa.int32()),
        ("chunk_s", pa.float64()),
        ("detector", pa.string()),
        ("videos", pa.int32()),
        ("frames", pa.int64()),
        ("tasks", pa.int32()),
        ("calls", pa.int64()),
        ("wall_s", pa.float64()),
        ("makespan_s", pa.float64()),
        ("worker_cpu_s", pa.float64()),
        ("driver_cpu_s", pa.float64()),
        ("others", pa.float64()),
        ("seconds_by_stage", pa.map_(pa.string(), pa.float64())),
        ("versions", _TEXTS),
        ("machine", _TEXTS),
    ]
)
"""Columns, with a row for each run; most are named after the field of `Run` or `Shape`."""


def append(folder: Path, runs: Sequence[Run]) -> Path:
    """Append the runs of one bench to the dataset; return the path of the new file."""
    now = datetime.now(UTC)
    software, machine = [*versions.installed().items()], [*measure.machine().items()]
    rows = [
        {
            "bench": now,
            "twin": run.twin,
            "repeat": run.repeat,
            "processes": run.shape.processes,
            "threads": run.shape.threads,
            "chunk_s": run.shape.chunk_s,
            "detector": run.shape.detector,
            "videos": run.videos,
            "frames": run.frames,
            "tasks": len(run.tasks),
            "calls": sum(row["calls"] or 0 for row in run.tasks),
            "wall_s": run.wall_s,
            "makespan_s": run.makespan_s,
            "worker_cpu_s": run.worker_cpu_s,
            "driver_cpu_s": run.driver_cpu_s,
            "others": run.others,
            "seconds_by_stage": [*_seconds_by_stage(run).items()],
            "versions": software,
            "machine": machine,
        }
        for run in runs
    ]
    place = folder / "runs"
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{now:%Y%m%dT%H%M%S%f}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), file)
    return file


def _seconds_by_stage(run: Run) -> dict[str, float]:
    """Return the wall seconds of a run's tasks, summed up by stage."""
    seconds: dict[str, float] = {}
    for row in run.tasks:
        spent = (row["ended"] - row["started"]).total_seconds()
        seconds[row["stage"]] = seconds.get(row["stage"], 0.0) + spent
    return seconds
