"""Fitting the cost of each stage to a run's manifest, as a line over the number of frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean
from typing import Any

from redact_dask.media import verify
from redact_dask.records import STAGES

CHUNKED = frozenset({"detect", "render"})
"""Stages that have a task for each chunk; the others have one for the video."""


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds of a task, as a linear function of its number of frames."""

    fixed_s: float
    """Seconds of a task without frames."""
    per_frame_s: float
    """Seconds for each frame."""

    def at(self, frames: float) -> float:
        """Return the seconds of a task with this number of frames."""
        return self.fixed_s + self.per_frame_s * frames


NOTHING = Line(0.0, 0.0)
"""Line of something that takes no time."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Time that a task of one stage takes."""

    cpu: Line
    """Seconds of computing on one core of the machine that was measured."""
    wait: Line = NOTHING
    """Seconds of waiting for a service, which no faster core makes shorter."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured costs on which a prediction rests."""

    stages: Mapping[str, Cost]
    """Cost of a task of each stage, by its name in `STAGES`."""
    gap_s: float = 0.0
    """Time that a slot is idle between two tasks, seconds, until Dask brings it the next one."""
    start_s: float = 0.0
    """Time of a run before its first task and after its last one, together, seconds."""
    calls_per_frame: float = 0.0
    """Calls of a paid service for each frame of the detect stage."""
    check: Line = NOTHING
    """Part of the computing of ``join`` that two cores share in a long video: decoding all of it.
    """


def fit(points: Iterable[tuple[float, float]]) -> Line:
    """Return the least-squares line through (frames, seconds), without a negative coefficient.

    If all tasks have the same number of frames, the fixed part is unknown, so the line goes through
    the origin.

    >>> fit([(100, 3.0), (200, 5.0), (300, 7.0)])
    Line(fixed_s=1.0, per_frame_s=0.02)
    """
    frames, seconds = zip(*points, strict=True)
    mean_x, mean_y = fmean(frames), fmean(seconds)
    spread = sum((x - mean_x) ** 2 for x in frames)
    through_origin = Line(0.0, mean_y / mean_x)
    if not spread:
        return through_origin
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(frames, seconds, strict=True)) / spread
    if slope < 0:
        return Line(mean_y, 0.0)
    fixed = mean_y - slope * mean_x
    return Line(fixed, slope) if fixed >= 0 else through_origin


def of_rows(
    rows: Sequence[Mapping[str, Any]], wall_s: float, slots: int, *, checks_all: bool = False
) -> Costs:
    """Return the costs that a run shows.

    Parameters
    ----------
    rows
        All rows of one run in the manifest's ``chunks``, with ``seconds`` as a mapping.
    wall_s
        Wall seconds of the run.
    slots
        Tasks that the run could execute at once. With one slot, no time between tasks is hidden.
    checks_all
        Whether ``join`` decoded all frames of the results, which it does in halves for long videos.
    """
    spent = [(row["ended"] - row["started"]).total_seconds() for row in rows]
    waited = [row["seconds"].get("detect", 0.0) if row["calls"] else 0.0 for row in rows]
    checks = [row["seconds"].get("check", 0.0) if checks_all else 0.0 for row in rows]
    beside = [
        check if row["frames"] >= verify.LONG else 0.0
        for row, check in zip(rows, checks, strict=True)
    ]
    stages = {}
    for stage in STAGES:
        mine = [
            (row["frames"], busy + more, waiting)
            for row, busy, more, waiting in zip(rows, spent, beside, waited, strict=True)
            if row["stage"] == stage
        ]
        stages[stage] = Cost(
            fit((frames, busy - waiting) for frames, busy, waiting in mine),
            fit((frames, waiting) for frames, _, waiting in mine),
        )
    makespan_s = makespan(rows)
    idle_s = makespan_s * slots - sum(spent)
    joined = [
        (row["frames"], check + more)
        for row, check, more in zip(rows, checks, beside, strict=True)
        if row["stage"] == "join"
    ]
    return Costs(
        stages,
        gap_s=max(0.0, idle_s) / len(rows),
        start_s=max(0.0, wall_s - makespan_s),
        calls_per_frame=_calls_per_frame(rows),
        check=fit(joined),
    )


def makespan(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds from the start of the first task to the end of the last."""
    ended: list[datetime] = [row["ended"] for row in rows]
    started: list[datetime] = [row["started"] for row in rows]
    return (max(ended) - min(started)).total_seconds()


def mean(costs: Sequence[Costs]) -> Costs:
    """Return the mean costs of several runs."""

    def line(lines: Iterable[Line]) -> Line:
        lines = list(lines)
        return Line(fmean(x.fixed_s for x in lines), fmean(x.per_frame_s for x in lines))

    stages = {
        stage: Cost(
            line(one.stages[stage].cpu for one in costs),
            line(one.stages[stage].wait for one in costs),
        )
        for stage in STAGES
    }
    return replace(
        costs[0],
        stages=stages,
        check=line(one.check for one in costs),
        gap_s=fmean(one.gap_s for one in costs),
        start_s=fmean(one.start_s for one in costs),
    )


def scaled(costs: Costs, factor: float) -> Costs:
    """Return the costs with all computing, but no waiting, multiplied by a factor."""

    def line(one: Line) -> Line:
        return Line(factor * one.fixed_s, factor * one.per_frame_s)

    stages = {name: replace(one, cpu=line(one.cpu)) for name, one in costs.stages.items()}
    return replace(costs, stages=stages, check=line(costs.check))


def _calls_per_frame(rows: Sequence[Mapping[str, Any]]) -> float:
    detected = [row for row in rows if row["stage"] == "detect"]
    calls: int = sum(row["calls"] or 0 for row in detected)
    frames: int = sum(row["frames"] for row in detected)
    return calls / frames
