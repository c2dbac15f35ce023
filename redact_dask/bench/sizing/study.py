"""Turning measured runs into tables, plots, and predictions for machines to hire."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from redact_dask import detectors
from redact_dask.bench.sizing import compare, offers, plots, store, tables
from redact_dask.bench.sizing.catalogue import Catalogue
from redact_dask.bench.sizing.measure import Run
from redact_dask.config import DetectSettings
from redact_dask.records import Usage


def write(
    output: Path,
    runs: Sequence[Run],
    machines: Catalogue,
    settings: Mapping[str, DetectSettings],
) -> str:
    """Append runs to those that were measured before, and write tables and plots of them.

    Parameters
    ----------
    output
        Folder for the dataset of runs, the tables and the plots.
    runs
        Measured runs.
    machines
        Machines to hire, with their prices.
    settings
        Settings of each detector that was measured, by its name.

    Returns
    -------
    The tables, as written to ``sizes.md``.
    """
    store.append(output, runs)
    found = [
        one
        for name, detect in settings.items()
        for one in compare.series([run for run in runs if run.shape.detector == name], _tps(detect))
    ]
    pages = [tables.measured(found)]
    plots.measured(found, output / "measured.svg")
    for name, detect in settings.items():
        first = next(run for run in runs if run.shape.detector == name)
        frames, rate = first.frames / first.videos, first.frames / first.seconds
        works = offers.workloads(frames, rate, first.shape.chunk_s)
        costs = compare.costs(runs, name)
        answers = offers.answer(machines, costs, works, _tps(detect), _price_of_calls(detect))
        pages.append(tables.predicted(answers, works, machines, name))
        plots.predicted(answers, works, output / f"predicted-{name}.svg")
    text = "\n\n".join(pages)
    (output / "sizes.md").write_text(f"{text}\n", encoding="utf-8")
    return text


def _tps(detect: DetectSettings) -> float:
    """Return the lowest quota set for a paid detector, calls a second; infinite if none is set.

    Each of its operations has the quota for itself.
    """
    options = (detectors.options(name, detect.options.get(name, {})) for name in detect.detectors)
    least = min((getattr(found, "tps", None) or math.inf for found in options), default=math.inf)
    return least * max(detect.usage_of(1).calls, 1)


def _price_of_calls(detect: DetectSettings) -> Callable[[int], float]:
    """Return the price, US dollars, of calls that spread evenly over a detector's operations."""
    calls_of_look = max(detect.usage_of(1).calls, 1)
    return lambda calls: detect.dollars(detect.usage_of(round(calls / calls_of_look)), Usage())
