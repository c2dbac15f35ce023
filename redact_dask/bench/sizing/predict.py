"""Predicting how long a workload takes on a machine, in a closed form that can be checked by hand.

The time is that of the resource which limits the run, plus what the last video takes beyond its
share, since at the end there are fewer tasks than slots. `simulate` goes through the same graph
task by task, and is checked against this form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from redact_dask.bench.sizing.costs import CHUNKED, Costs
from redact_dask.media import verify
from redact_dask.records import STAGES

SCHEDULER_S = 0.0033
"""CPU seconds of Dask's scheduler for each task, measured (benchmarks/README.md, "The driver")."""
DRIVER_S = 0.0022
"""CPU seconds of the driver for each task, measured there too."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What decides the cost of a video."""

    frames: int
    """Number of frames."""
    chunks: int
    """Number of chunks."""

    @property
    def tasks(self) -> int:
        """Number of Dask tasks."""
        return 3 + 2 * self.chunks


@dataclass(frozen=True, slots=True)
class Workload:
    """Videos, in the order in which they are begun."""

    name: str
    """Name for tables and plots."""
    groups: tuple[tuple[Clip, int], ...]
    """Clips, each with the number of videos like it."""

    @property
    def videos(self) -> int:
        """Number of videos."""
        return sum(times for _, times in self.groups)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return sum(clip.frames * times for clip, times in self.groups)

    @property
    def tasks(self) -> int:
        """Number of Dask tasks."""
        return sum(clip.tasks * times for clip, times in self.groups)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, or the cluster, that does the work."""

    slots: int
    """Number of tasks that run at once: processes times threads."""
    cores: float
    """Number of cores."""
    speed: float = 1.0
    """Speed of a core, as a multiple of that of a core of the machine that was measured."""
    tps: float = math.inf
    """Calls a second that a paid service allows."""
    scheduler_s: float = SCHEDULER_S
    """CPU seconds of Dask's scheduler for each task."""
    driver_s: float = DRIVER_S
    """CPU seconds of the driver for each task."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """How long a workload will take, and why."""

    wall_s: float
    """Wall seconds."""
    bound: str
    """Name of the resource that limits the run."""

    def dollars(self, per_hour: float) -> float:
        """Return the price of the machine for that time, US dollars."""
        return self.wall_s / 3600 * per_hour


def task_s(clip: Clip, stage: str, costs: Costs, speed: float = 1.0) -> float:
    """Return the seconds that one task of a stage holds a slot, including the gap before it."""
    frames = clip.frames / clip.chunks if stage in CHUNKED else clip.frames
    cost = costs.stages[stage]
    return cost.cpu.at(frames) / speed + cost.wait.at(frames) + costs.gap_s


def spared_s(clip: Clip, costs: Costs, speed: float = 1.0) -> float:
    """Return the seconds that ``join`` takes less if a second core has nothing else to do.

    The halves of a long video are then checked side by side.
    """
    return costs.check.at(clip.frames) / 2 / speed if clip.frames >= verify.LONG else 0.0


def work_s(clip: Clip, costs: Costs, speed: float = 1.0) -> float:
    """Return the seconds that the tasks of a video hold slots, summed up."""
    return sum(_tasks(clip, stage) * task_s(clip, stage, costs, speed) for stage in STAGES)


def alone_s(clip: Clip, costs: Costs, slots: int, speed: float = 1.0) -> float:
    """Return the seconds of a video that has all slots to itself: its chunks run in waves."""
    waves_s = sum(
        math.ceil(_tasks(clip, stage) / slots) * task_s(clip, stage, costs, speed)
        for stage in STAGES
    )
    return waves_s - (spared_s(clip, costs, speed) if slots > 1 else 0.0)


def cpu_s(clip: Clip, costs: Costs) -> float:
    """Return the CPU seconds of a video on a core of the machine that was measured."""
    total = 0.0
    for stage in STAGES:
        frames = clip.frames / clip.chunks if stage in CHUNKED else clip.frames
        total += _tasks(clip, stage) * costs.stages[stage].cpu.at(frames)
    return total


def predict(workload: Workload, costs: Costs, machine: Machine) -> Prediction:
    """Return how long a workload takes.

    Parameters
    ----------
    workload
        The videos.
    costs
        Costs of the stages on a core of the machine that was measured.
    machine
        The machine that does the work; its cores also run Dask's scheduler and the driver.
    """
    groups, speed = workload.groups, machine.speed
    dask_s = workload.tasks * (machine.scheduler_s + machine.driver_s)
    computing = sum(times * cpu_s(clip, costs) for clip, times in groups) + dask_s
    bounds = {
        "slots": sum(n * work_s(clip, costs, speed) for clip, n in groups) / machine.slots,
        "cores": computing / speed / machine.cores,
        "scheduler": workload.tasks * machine.scheduler_s / speed,
        "driver": workload.tasks * machine.driver_s / speed,
        "API quota": workload.frames * costs.calls_per_frame / machine.tps,
    }
    bound = max(bounds, key=bounds.__getitem__)
    last, _ = groups[-1]
    tail = alone_s(last, costs, machine.slots, speed) - work_s(last, costs, speed) / machine.slots
    longest = max(alone_s(clip, costs, machine.slots, speed) for clip, _ in groups)
    if longest > bounds[bound] or tail > bounds[bound]:
        return Prediction(costs.start_s + max(bounds[bound] + tail, longest), "longest video")
    return Prediction(costs.start_s + bounds[bound] + tail, bound)


def crowding(workload: Workload, costs: Costs, machine: Machine, waiting_s: float = 0.0) -> float:
    """Return by what factor computing slows down if more slots compute than there are cores.

    If c seconds of computing take f c, and w seconds are waited, S slots keep S c / (f c + w) cores
    busy. Of N cores, these are N at most, so f is S / N - w / c.

    Parameters
    ----------
    workload, costs, machine
        What is computed, and where.
    waiting_s
        Seconds for which the slots wait, summed up, besides those that the costs tell.
    """
    computing = sum(times * cpu_s(clip, costs) for clip, times in workload.groups)
    holding = sum(times * work_s(clip, costs) for clip, times in workload.groups)
    waiting = holding - computing + waiting_s
    return max(1.0, machine.slots / machine.cores - waiting / computing)


def knee(offers: Sequence[tuple[str, float, float]]) -> str:
    """Return the name of the offer at the knee of a curve, where time times price is least.

    If work of w core seconds can be divided among N cores, and s seconds of work cannot, N cores
    take w/N + s, for a price of N times that. The product is least at N = w/s, where half of the
    time that is paid for goes to divided work.

    Parameters
    ----------
    offers
        Name, seconds and US dollars of each offer.
    """
    return min(offers, key=lambda offer: offer[1] * offer[2])[0]


def _tasks(clip: Clip, stage: str) -> int:
    """Return how many tasks a stage has for a video."""
    return clip.chunks if stage in CHUNKED else 1
