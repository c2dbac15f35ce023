"""Predicting time and price of every machine for a clip, an hour of video and a fleet's day."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redact_dask.bench.sizing.catalogue import Catalogue, Offer
from redact_dask.bench.sizing.costs import Costs
from redact_dask.bench.sizing.predict import Clip, Machine, Prediction, Workload, knee, predict

FLEET_HOURS = 1000
"""Hours of video that a fleet records in a day."""
FLEET_CLIP_S = 60.0
"""Length of each of the fleet's clips, seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Predicted times and prices of one offer."""

    offer: Offer
    predictions: tuple[Prediction, ...]
    """Prediction for each workload, in order."""
    dollars: tuple[float, ...]
    """Price of each workload, US dollars, including the calls of a paid detector."""

    @property
    def cameras(self) -> int:
        """Number of cameras, which record without a pause, that the machine keeps up with."""
        return math.floor(FLEET_HOURS * 3600 / self.predictions[-1].wall_s)


def workloads(frames: float, rate: float, chunk_s: float) -> tuple[Workload, ...]:
    """Return three workloads: a clip like those measured, an hour of video, and a fleet's day.

    Parameters
    ----------
    frames
        Number of frames of the clip.
    rate
        Frame rate of the videos, frames a second.
    chunk_s
        Length of a chunk, seconds.
    """

    def clip(seconds: float) -> Clip:
        return Clip(round(seconds * rate), math.ceil(seconds / chunk_s))

    times = round(FLEET_HOURS * 3600 / FLEET_CLIP_S)
    return (
        Workload(f"a clip of {frames / rate:.0f} s", ((clip(frames / rate), 1),)),
        Workload("an hour of video", ((clip(3600), 1),)),
        Workload(f"a fleet's day: {FLEET_HOURS:,} h", ((clip(FLEET_CLIP_S), times),)),
    )


def answer(
    catalogue: Catalogue,
    costs: Costs,
    works: Sequence[Workload],
    tps: float,
    price_of_calls: Callable[[int], float],
) -> list[Answer]:
    """Predict times and prices of every offer, with one single-threaded process for each vCPU.

    Parameters
    ----------
    catalogue
        The machines and their prices.
    costs
        Measured costs of the stages.
    works
        Workloads.
    tps
        Calls a second that a paid detector may make.
    price_of_calls
        Function that returns the price of a number of calls, US dollars.
    """
    answers = []
    for offer in catalogue.offers():
        instance = offer.instance
        machine = Machine(instance.vcpus, instance.vcpus, instance.speed, tps)
        predictions = tuple(predict(work, costs, machine) for work in works)
        per_hour = offer.price.dollars_per_hour
        dollars = tuple(
            one.dollars(per_hour) + price_of_calls(round(work.frames * costs.calls_per_frame))
            for one, work in zip(predictions, works, strict=True)
        )
        answers.append(Answer(offer, predictions, dollars))
    return answers


def families(answers: Sequence[Answer]) -> dict[tuple[str, str], list[Answer]]:
    """Return the answers by family and market; each group is one curve of time and price."""
    found: dict[tuple[str, str], list[Answer]] = {}
    for one in answers:
        found.setdefault((one.offer.instance.family, one.offer.market), []).append(one)
    return found


def knees(answers: Sequence[Answer], work: int) -> dict[tuple[str, str], str | None]:
    """Return the name of the instance at the knee of each curve; None: the curve has no knee.

    A curve has no knee if the product of time and price falls up to its end: then the largest
    machine of the catalogue is not too large yet.

    Parameters
    ----------
    answers
        Answers, those of each family from the smallest machine to the largest.
    work
        Index of the workload.
    """
    found: dict[tuple[str, str], str | None] = {}
    for curve, mine in families(answers).items():
        points = [
            (one.offer.instance.name, one.predictions[work].wall_s, one.dollars[work])
            for one in mine
        ]
        name = knee(points)
        found[curve] = None if name == points[-1][0] else name
    return found
