"""What was measured beside what was predicted: series of runs, and how far the model is off."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from redact_dask.bench.sizing.costs import Costs, mean, scaled
from redact_dask.bench.sizing.measure import Run, Shape
from redact_dask.bench.sizing.predict import Machine
from redact_dask.bench.sizing.simulate import Cluster, simulate


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one shape, one a round."""

    runs: tuple[Run, ...]
    predicted: tuple[float, ...]
    """Wall seconds that are expected, from the costs of the same round's run with one slot; empty:
    the costs come from these very runs. Clips are few, so they are gone through task by task: the
    closed form is for one video, where it says the same, and for many."""

    @property
    def shape(self) -> Shape:
        """What was measured."""
        return self.runs[0].shape

    @property
    def twin(self) -> str:
        """``A`` or ``B``."""
        return self.runs[0].twin

    @property
    def walls(self) -> list[float]:
        """Wall seconds."""
        return [run.wall_s for run in self.runs]

    @property
    def wall_s(self) -> float:
        """Median wall seconds."""
        return median(self.walls)

    @property
    def frames_per_s(self) -> float:
        """Median frames a second."""
        return median(run.frames_per_s for run in self.runs)

    @property
    def cpu_s_per_frame(self) -> float:
        """Median CPU seconds of the workers for a frame."""
        return median(run.worker_cpu_s / run.frames for run in self.runs)

    @property
    def error(self) -> float | None:
        """By what share the median of the ratios of expected to measured time is off, if any."""
        if not self.predicted:
            return None
        return median(p / wall for p, wall in zip(self.predicted, self.walls, strict=True)) - 1


def series(runs: Sequence[Run], tps: float = math.inf) -> list[Series]:
    """Return the series of all shapes, each predicted from the run with one slot of its round.

    So what slows a whole round down does not count as an error; what changes inside one does. Nor
    do the cores that processes of others had: they are taken off those of the machine.
    """
    by_round = {
        (run.shape.detector, run.repeat): run
        for run in runs
        if run.twin == "A" and run.shape == _base(runs, run.shape.detector)
    }
    found = []
    for shape, twin in dict.fromkeys((run.shape, run.twin) for run in runs):
        mine = tuple(run for run in runs if (run.shape, run.twin) == (shape, twin))
        is_base = twin == "A" and shape == _base(runs, shape.detector)
        told = (_told(run, by_round[shape.detector, run.repeat], tps) for run in mine)
        found.append(Series(mine, () if is_base else tuple(told)))
    return found


def noise(found: Sequence[Series]) -> tuple[float, float]:
    """Return by what share two series of the same shape differ: wall time, and CPU time."""
    (second,) = (one for one in found if one.twin == "B")
    first = next(one for one in found if one.shape == second.shape)
    return (
        abs(second.wall_s / first.wall_s - 1),
        abs(second.cpu_s_per_frame / first.cpu_s_per_frame - 1),
    )


def costs(runs: Sequence[Run], detector: str) -> Costs:
    """Return the mean costs of the runs of a detector with one slot."""
    base = _base(runs, detector)
    return mean([run.costs() for run in runs if run.shape == base])


def _base(runs: Sequence[Run], detector: str) -> Shape:
    return next(
        run.shape for run in runs if run.shape.detector == detector and run.shape.slots == 1
    )


def _told(run: Run, base: Run, tps: float) -> float:
    costs = scaled(base.costs(), min(1.0, _cores_left(base) / base.shape.slots))
    machine = Machine(run.shape.slots, _cores_left(run), tps=tps)
    return simulate(run.workload, costs, Cluster(machine)).wall_s


def _cores_left(run: Run) -> float:
    return max(0.1, (os.cpu_count() or 1) - run.others)
