"""From measured runs to what a reader gets: tables, plots, and predictions for machines to hire."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from redact_dask import detectors
from redact_dask.bench.sizing import compare, offers, plots, store, tables
from redact_dask.bench.sizing.catalogue import Catalogue
from redact_dask.bench.sizing.measure import Run
from redact_dask.config import DetectSettings


def write(
    output: Path,
    runs: Sequence[Run],
    machines: Catalogue,
    settings: Mapping[str, DetectSettings],
) -> str:
    """Append the runs to those that were measured before, and write tables and plots of them.

    Parameters
    ----------
    output
        Folder for all of it.
    runs
        What was measured.
    machines
        Those to hire, with their prices.
    settings
        By the name of each detector that was measured.

    Returns
    -------
    The tables, as they are in ``sizes.md``.
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
        answers = offers.answer(machines, costs, works, _tps(detect), detect.dollars)
        pages.append(tables.predicted(answers, works, machines, name))
        plots.predicted(answers, works, output / f"predicted-{name}.svg")
    text = "\n\n".join(pages)
    (output / "sizes.md").write_text(f"{text}\n", encoding="utf-8")
    return text


def _tps(detect: DetectSettings) -> float:
    """Return the quota that is set for a paid detector, calls a second; infinite if none is."""
    options = (detectors.options(name, detect.options.get(name, {})) for name in detect.detectors)
    return min((getattr(found, "tps", None) or math.inf for found in options), default=math.inf)
