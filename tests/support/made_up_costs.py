"""Tasks, costs and machines that nobody has measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from redact_dask.bench.sizing.costs import Cost, Costs, Line
from redact_dask.bench.sizing.measure import Run, Shape
from redact_dask.bench.sizing.predict import (
    Clip,
    Machine,
    Workload,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def row(stage: str, start: float, end: float, frames: int = 100, **other: Any) -> dict[str, Any]:
    times = {"started": START + timedelta(seconds=start), "ended": START + timedelta(seconds=end)}
    return {"stage": stage, "frames": frames, "seconds": {}, "calls": None} | times | other


def rows() -> list[dict[str, Any]]:
    """A video of 100 frames in two chunks of 50, with one slot and half a second between tasks."""
    return [
        row("probe", 1, 2),
        row("detect", 2.5, 4.5, 50),
        row("detect", 5, 7, 50),
        row("track", 7.5, 8),
        row("render", 8.5, 9.5, 50),
        row("render", 10, 11, 50),
        row("join", 11.5, 15.5),
    ]


def cost(fixed_s: float, per_frame_s: float = 0.0, wait_s: float = 0.0) -> Cost:
    return Cost(Line(fixed_s, per_frame_s), Line(wait_s, 0))


COSTS = Costs(
    {
        "probe": cost(1),
        "detect": cost(0, 0.1),
        "track": cost(2),
        "render": cost(0, 0.2),
        "join": cost(3),
    }
)


CLIP = Clip(frames=120, chunks=4)
"""Detect takes 3 s a chunk, render 6 s: 1 + 4 * 3 + 2 + 4 * 6 + 3 = 42 s of work."""


def free(slots: int, **more: float) -> Machine:
    """Return a machine on which Dask takes no time."""
    return Machine(slots, slots, scheduler_s=0, driver_s=0, **more)


def of(clip: Clip, times: int) -> Workload:
    return Workload("", ((clip, times),))


ONE = Shape(1, 1, 10.0, "centerface")


def run(shape: Shape = ONE, twin: str = "A", repeat: int = 0, wall_s: float = 18.0) -> Run:
    tasks: tuple[Mapping[str, Any], ...] = tuple({**one, "video": "v"} for one in rows())
    return Run(shape, twin, repeat, 1, 100, 4.0, wall_s, 14.5, 12.0, 1.0, 0.5, tasks)
