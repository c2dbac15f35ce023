"""Writing the tables of a bench in Markdown, for a terminal, a file or a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from redact_dask.bench.sizing import compare, measure, offers
from redact_dask.bench.sizing.catalogue import Catalogue
from redact_dask.bench.sizing.compare import Series
from redact_dask.bench.sizing.offers import Answer
from redact_dask.bench.sizing.predict import DRIVER_S, SCHEDULER_S, Workload

GOAL = 0.15
"""Largest error of a prediction that the model aims for."""


def measured(found: Sequence[Series]) -> str:
    """Return the table of what was measured, with predictions and their errors."""
    facts = measure.machine()
    wall, cpu = compare.noise(found)
    first, rounds = found[0].runs[0], len(found[0].runs)
    head = ["processes x threads", "chunk", "detector", "frames/s", "wall s (least to most)"]
    head += ["CPU ms a frame", "predicted s", "error"]
    rows = [_measured(one) for one in found]
    return "\n".join(
        [
            "## Measured",
            "",
            f"{first.videos} clips, {first.frames} frames, {first.seconds:.0f} s, {rounds} rounds.",
            f"{facts['cores']} cores, {facts['processor']}, {facts['memory_gib']} GiB. Of the",
            f"cores, others had {_range(_others(found), '.1f')} during the runs.",
            "",
            f"Twins (A/A) differ by {wall:.1%} in wall time and {cpu:.1%} in CPU time:",
            "what differs less is noise.",
            "",
            _table(head, rows),
            "",
            "Each prediction rests on the stage costs of the same round's run with one slot. Of",
            "the run itself it takes the cores that others had: they are not there for it.",
            f"The goal is an error of at most {GOAL:.0%}.",
        ]
    )


def _measured(one: Series) -> list[str]:
    shape = one.shape
    name = f"{shape.processes} x {shape.threads}{' (again)' if one.twin == 'B' else ''}"
    walls = f"{one.wall_s:.1f} ({_range(one.walls, '.1f')})"
    row = [name, f"{shape.chunk_s:g} s", shape.detector, f"{one.frames_per_s:.1f}", walls]
    row += [f"{1000 * one.cpu_s_per_frame:.1f}"]
    if one.error is None:
        return [*row, "", ""]
    return [*row, f"{median(one.predicted):.1f}", f"{one.error:+.1%}"]


def _others(found: Sequence[Series]) -> list[float]:
    return [run.others for one in found for run in one.runs]


def predicted(
    answers: Sequence[Answer], works: Sequence[Workload], catalogue: Catalogue, detector: str
) -> str:
    """Return the table of every offer's times and prices, with the knees and the assumptions."""
    head = ["instance", "market", "vCPUs", "$/h"]
    for work in works:
        head += [f"{work.name}", "$"]
    head += ["machines for 24 h", "cameras it keeps up with", "used up first"]
    rows = [_predicted(one) for one in answers]
    lines = [f"## Predicted, with {detector}", "", _table(head, rows), ""]
    lines += [*_knees(answers, works), "", *_assumptions(answers, catalogue)]
    return "\n".join(lines)


def _predicted(one: Answer) -> list[str]:
    instance, price = one.offer.instance, one.offer.price
    row = [instance.name, one.offer.market, str(instance.vcpus), f"{price.dollars_per_hour:.4g}"]
    for prediction, dollars in zip(one.predictions, one.dollars, strict=True):
        row += [_time(prediction.wall_s), f"{dollars:.2f}" if dollars >= 1 else f"{dollars:.2g}"]
    row += [str(math.ceil(one.predictions[-1].wall_s / 86_400)), str(one.cameras)]
    return [*row, one.predictions[-1].bound]


def _knees(answers: Sequence[Answer], works: Sequence[Workload]) -> list[str]:
    lines = ["Knees, where time times price is least:", ""]
    for number, work in enumerate(works):
        knees = ", ".join(
            f"{name or 'none up to ' + _largest(answers, curve)} ({curve[1]})"
            for curve, name in offers.knees(answers, number).items()
        )
        lines.append(f"- {work.name}: {knees}")
    return lines


def _largest(answers: Sequence[Answer], curve: tuple[str, str]) -> str:
    return offers.families(answers)[curve][-1].offer.instance.name


def _assumptions(answers: Sequence[Answer], catalogue: Catalogue) -> list[str]:
    slow = sorted({one.offer.instance.name for one in answers if one.offer.instance.speed != 1})
    lines = [
        "What this assumes, and nobody has measured here:",
        "",
        "- a vCPU is as fast as a core of the machine that was measured"
        + (f", but for {', '.join(slow)}, as the catalogue says" if slow else "")
        + "; as many processes as vCPUs do not slow one another down, by memory or by heat;",
        "- longer videos have the costs for each frame of those measured, and the same pictures;",
        "- cameras record such pictures without a pause: measure clips of 1080p at 30 frames/s to",
        "  learn how many cameras of 1080p30 a machine keeps up with;",
        "- a machine is paid for by the second and only while it works: no time to start it,",
        "  no disk, no transfer, no loss of a spot machine;",
        f"- a task takes {1000 * SCHEDULER_S:g} ms of the scheduler and {1000 * DRIVER_S:g} ms of",
        "  the driver, on cores of the same machine.",
        "",
        f"Prices of {catalogue.region}, without a promise:",
        "",
    ]
    for name, source in catalogue.sources.items():
        dated = f"read on {source.read}" if source.read else "no date"
        lines.append(f"- {name}, {dated}: {source.url}{f' ({source.note})' if source.note else ''}")
    notes = dict.fromkeys(i.note for i in catalogue.instances if i.note)
    lines += [f"- {_named(catalogue, note)}: {note}" for note in notes]
    return lines


def _named(catalogue: Catalogue, note: str) -> str:
    return ", ".join(i.name for i in catalogue.instances if i.note == note)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * 3 + ["---:"] * (len(head) - 3), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:,.1f} h"


def _range(values: Sequence[float], form: str) -> str:
    return f"{min(values):{form}} to {max(values):{form}}"
