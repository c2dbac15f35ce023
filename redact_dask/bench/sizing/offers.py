"""Every machine of a catalogue, with its time and price for a clip, an hour and a fleet's day."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redact_dask.bench.sizing.catalogue import Catalogue, Offer
from redact_dask.bench.sizing.costs import Costs
from redact_dask.bench.sizing.predict import Clip, Machine, Prediction, Workload, knee, predict

FLEET_HOURS = 1000
"""Hours of video of the fleet's day."""
FLEET_CLIP_S = 60.0
"""Length of its clips, seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One offer, for all workloads."""

    offer: Offer
    predictions: tuple[Prediction, ...]
    """By workload."""
    dollars: tuple[float, ...]
    """By workload, with what the calls of a paid detector cost."""


def workloads(frames: float, rate: float, chunk_s: float) -> tuple[Workload, ...]:
    """Return a clip as those measured, an hour of video, and a fleet's day.

    Parameters
    ----------
    frames
        Of the clip.
    rate
        Frames a second of the videos.
    chunk_s
        Longest chunk, seconds.
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
    """Predict every offer: a process with one thread for each of its vCPUs.

    Parameters
    ----------
    catalogue
        The machines.
    costs
        What was measured.
    works
        What is to be done.
    tps
        Calls a second that a paid detector may make.
    price_of_calls
        Dollars for a number of calls.
    """
    answers = []
    for offer in catalogue.offers():
        instance = offer.instance
        machine = Machine(instance.vcpus, instance.vcpus, instance.speed, tps)
        told = tuple(predict(work, costs, machine) for work in works)
        per_hour = offer.price.dollars_per_hour
        dollars = tuple(
            one.dollars(per_hour) + price_of_calls(round(work.frames * costs.calls_per_frame))
            for one, work in zip(told, works, strict=True)
        )
        answers.append(Answer(offer, told, dollars))
    return answers


def families(answers: Sequence[Answer]) -> dict[tuple[str, str], list[Answer]]:
    """Return the answers by family and market; each is one curve."""
    found: dict[tuple[str, str], list[Answer]] = {}
    for one in answers:
        found.setdefault((one.offer.instance.family, one.offer.market), []).append(one)
    return found


def knees(answers: Sequence[Answer], work: int) -> dict[tuple[str, str], str | None]:
    """Return the instance at the knee of each curve of a workload; None: there is none.

    A curve whose product of time and price falls to its end has none: the largest machine of the
    catalogue is not yet too large.
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
