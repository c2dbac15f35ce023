"""Summing up where the time of the runs went: by stage and step, by host, and over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redact_dask import manifest
from redact_dask.records import STAGES
from redact_dask.report.arrow import Floats, epoch, numbers
from redact_dask.report.time_bins import Periods

_COLUMNS = ("video", "stage", "frames", "started", "ended", "seconds", "worker", "host")
_STEPS = pa.list_(pa.struct([("key", pa.string()), ("value", pa.float64())]))


@dataclass(slots=True)
class Stage:
    """All tasks of one stage."""

    name: str
    tasks: int = 0
    frames: int = 0
    seconds: float = 0.0
    """Sum of the wall seconds from start to end of each task."""
    steps: dict[str, float] = field(default_factory=dict)
    """Wall seconds of each step, the longest first; the rest of ``seconds`` lies between steps."""


@dataclass(slots=True)
class Host:
    """All tasks of one machine."""

    name: str
    workers: int = 0
    """Number of Dask workers that ran a task on the machine."""
    tasks: int = 0
    seconds: float = 0.0
    """Sum of the wall seconds of its tasks."""


@dataclass(frozen=True, slots=True)
class Share:
    """The tasks of one video."""

    seconds: float
    """Sum of their wall seconds."""
    stage: str
    """Name of the stage that took longest."""
    share: float
    """Share of the seconds that this stage took, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """What all tasks of some runs did."""

    stages: tuple[Stage, ...]
    """Stages that have tasks, in the order of the pipeline."""
    hosts: tuple[Host, ...]
    """Machines, the busiest first."""
    analysed: Floats
    """Frames analysed in each period."""
    rendered: Floats
    """Frames rendered in each period."""
    busy: dict[str, Floats]
    """Seconds of tasks in each period, by stage."""
    shares: dict[str, Share]
    """Tasks of the videos that were asked for, by the video's id."""


def read(root: str, runs: Collection[str], periods: Periods, videos: Collection[str] = ()) -> Tasks:
    """Sum up the tasks of some runs, one file of them at a time.

    Parameters
    ----------
    root
        URL of the manifest.
    runs
        Names of the runs.
    periods
        Periods that cover the runs.
    videos
        Ids of the videos whose tasks are summed up one by one.
    """
    stages = {name: Stage(name) for name in STAGES}
    frames = {name: np.zeros(periods.count) for name in STAGES}
    busy = {name: np.zeros(periods.count) for name in STAGES}
    places: list[pa.Table] = []
    of_videos: list[pa.Table] = []
    ids = pa.array([*videos], pa.string())
    for table in manifest.tables(root, "chunks", _COLUMNS, runs):
        took = epoch(table["ended"]) - epoch(table["started"])
        timed = table.append_column("took", pa.array(took))
        for name, stage in stages.items():
            _add(stage, tasks := timed.filter(pc.equal(timed["stage"], name)))
            began, ended = (epoch(tasks[column]) for column in ("started", "ended"))
            frames[name] += periods.spread(began, ended, numbers(tasks["frames"]))
            busy[name] += periods.spread(began, ended, numbers(tasks["took"]))
        places.append(_summed(timed, ["host", "worker"]))
        of_videos.append(_summed(timed.filter(pc.is_in(timed["video"], ids)), ["video", "stage"]))
    return Tasks(
        stages=tuple(stage for stage in stages.values() if stage.tasks),
        hosts=_hosts(places),
        analysed=frames["detect"],
        rendered=frames["render"],
        busy=busy,
        shares=_shares(of_videos),
    )


def _add(stage: Stage, tasks: pa.Table) -> None:
    """Add tasks to the sums of their stage."""
    stage.tasks += tasks.num_rows
    stage.frames += pc.sum(tasks["frames"]).as_py() or 0
    stage.seconds += pc.sum(tasks["took"]).as_py() or 0.0
    for steps in tasks["seconds"].cast(_STEPS).chunks:
        flat = pa.Table.from_struct_array(steps.flatten())
        for row in flat.group_by("key").aggregate([("value", "sum")]).to_pylist():
            stage.steps[row["key"]] = stage.steps.get(row["key"], 0.0) + row["value_sum"]
    stage.steps = dict(sorted(stage.steps.items(), key=lambda step: -step[1]))


def _summed(tasks: pa.Table, keys: list[str]) -> pa.Table:
    return tasks.group_by(keys).aggregate([("took", "sum"), ("took", "count")])


def _hosts(places: list[pa.Table]) -> tuple[Host, ...]:
    hosts: dict[str, Host] = {}
    workers: set[tuple[str, str]] = set()
    for row in _rows(places):
        host = hosts.setdefault(row["host"], Host(row["host"]))
        host.workers += (row["host"], row["worker"]) not in workers
        workers.add((row["host"], row["worker"]))
        host.tasks += row["took_count"]
        host.seconds += row["took_sum"]
    return tuple(sorted(hosts.values(), key=lambda host: -host.seconds))


def _shares(of_videos: list[pa.Table]) -> dict[str, Share]:
    by_video: dict[str, Counter[str]] = {}
    for row in _rows(of_videos):
        by_video.setdefault(row["video"], Counter())[row["stage"]] += row["took_sum"]
    shares = {}
    for video, stages in by_video.items():
        total = float(stages.total())
        stage, most = stages.most_common(1)[0]
        shares[video] = Share(total, stage, most / total if total else 1.0)
    return shares


def _rows(tables: list[pa.Table]) -> list[dict[str, Any]]:
    return [row for table in tables for row in table.to_pylist()]
