"""Comparing measured runs with predictions: series of runs, and the error of the model."""

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
    """The runs of one shape, one in each round."""

    runs: tuple[Run, ...]
    """Runs, in the order of the rounds."""
    predicted: tuple[float, ...]
    """Predicted wall seconds of each run, from the costs of the one-slot run in the same round.

    Empty: the costs come from these runs themselves. The clips are few, so the prediction is the
    simulation, task by task. The closed form suits one video, where it gives the same, or many.
    """

    @property
    def shape(self) -> Shape:
        """Shape of the runs."""
        return self.runs[0].shape

    @property
    def twin(self) -> str:
        """Name of the series among those of the same shape, ``A`` or ``B``."""
        return self.runs[0].twin

    @property
    def walls(self) -> list[float]:
        """Wall seconds of each run."""
        return [run.wall_s for run in self.runs]

    @property
    def wall_s(self) -> float:
        """Median wall seconds."""
        return median(self.walls)

    @property
    def frames_per_s(self) -> float:
        """Median speed, frames a second."""
        return median(run.frames_per_s for run in self.runs)

    @property
    def cpu_s_per_frame(self) -> float:
        """Median CPU seconds of the workers for each frame."""
        return median(run.worker_cpu_s / run.frames for run in self.runs)

    @property
    def error(self) -> float | None:
        """Median ratio of predicted to measured time, minus 1; None: nothing was predicted."""
        if not self.predicted:
            return None
        return median(p / wall for p, wall in zip(self.predicted, self.walls, strict=True)) - 1


def series(runs: Sequence[Run], tps: float = math.inf) -> list[Series]:
    """Return the series of all shapes, each run predicted from the one-slot run of its round.

    So whatever slows down a whole round does not count as an error, while a change inside a round
    does. Cores that were busy with foreign processes do not count either, since the prediction
    subtracts them from the cores of the machine.

    Parameters
    ----------
    runs
        Measured runs.
    tps
        Calls a second that a paid detector may make.
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
        walls = (_predicted_s(run, by_round[shape.detector, run.repeat], tps) for run in mine)
        found.append(Series(mine, () if is_base else tuple(walls)))
    return found


def noise(found: Sequence[Series]) -> tuple[float, float]:
    """Return how much two series of one shape differ in wall time and CPU time, as shares."""
    (second,) = (one for one in found if one.twin == "B")
    first = next(one for one in found if one.shape == second.shape)
    return (
        abs(second.wall_s / first.wall_s - 1),
        abs(second.cpu_s_per_frame / first.cpu_s_per_frame - 1),
    )


def costs(runs: Sequence[Run], detector: str) -> Costs:
    """Return the mean costs of a detector's runs with one slot."""
    base = _base(runs, detector)
    return mean([run.costs() for run in runs if run.shape == base])


def _base(runs: Sequence[Run], detector: str) -> Shape:
    """Return a detector's shape with one slot, from which the others are predicted."""
    return next(
        run.shape for run in runs if run.shape.detector == detector and run.shape.slots == 1
    )


def _predicted_s(run: Run, base: Run, tps: float) -> float:
    """Return the wall seconds predicted for a run from the costs of another run."""
    costs = scaled(base.costs(), min(1.0, _cores_left(base) / base.shape.slots))
    machine = Machine(run.shape.slots, _cores_left(run), tps=tps)
    return simulate(run.workload, costs, Cluster(machine)).wall_s


def _cores_left(run: Run) -> float:
    """Return the cores of the machine that foreign processes left to a run."""
    return max(0.1, (os.cpu_count() or 1) - run.others)
