"""Plotting what was measured and predicted; only this module needs matplotlib, an extra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from redact_dask.bench.sizing import offers
from redact_dask.bench.sizing.compare import Series
from redact_dask.bench.sizing.offers import Answer
from redact_dask.bench.sizing.predict import Workload
from redact_dask.errors import UsageError

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "redact-dask",  # so that equal figures give equal files
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "font.size": 9,
    "legend.frameon": False,
}


def prepare() -> None:
    """Set matplotlib up to write SVG files.

    Raises
    ------
    UsageError
        Matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 (an extra)
    except ImportError:
        raise UsageError("plots need matplotlib: pip install 'redact-dask[bench]'") from None
    mpl.use("svg")
    mpl.rcParams.update(STYLE)


def measured(found: Sequence[Series], file: Path) -> None:
    """Draw the measured wall time of each shape with its range, and the predicted one."""
    prepare()
    from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)

    figure = Figure((7, 1.2 + 0.35 * len(found)), layout="constrained")
    axes = figure.subplots()
    first_predicted = next((one for one in found if one.predicted), None)
    for row, one in enumerate(found):
        low, high = one.wall_s - min(one.walls), max(one.walls) - one.wall_s
        first = row == 0
        axes.barh(row, one.wall_s, height=0.5, color="C0", label="measured" if first else None)
        axes.errorbar(one.wall_s, row, xerr=[[low], [high]], color="black", capsize=3)
        if one.predicted:
            label = "predicted" if one is first_predicted else None
            axes.plot(median(one.predicted), row, "D", color="C1", label=label)
    shapes = [one.shape for one in found]
    again = [" (again)" if one.twin == "B" else "" for one in found]
    axes.set_yticks(
        range(len(found)),
        [
            f"{s.processes} x {s.threads}, {s.chunk_s:g} s, {s.detector}{more}"
            for s, more in zip(shapes, again, strict=True)
        ],
    )
    axes.invert_yaxis()
    axes.set_xlabel("wall seconds; the line is from the least to the most")
    axes.legend()
    figure.savefig(file, metadata={"Date": None})


def predicted(answers: Sequence[Answer], works: Sequence[Workload], file: Path) -> None:
    """Draw time against price for each workload: a line for each family, with its knee marked."""
    prepare()
    from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)

    figure = Figure((4.2 * len(works), 4), layout="constrained")
    for number, (axes, work) in enumerate(zip(figure.subplots(1, len(works)), works, strict=True)):
        knees = offers.knees(answers, number)
        unit, unit_s = _unit(min(one.predictions[number].wall_s for one in answers))
        for curve, mine in offers.families(answers).items():
            times = [one.predictions[number].wall_s / unit_s for one in mine]
            dollars = [one.dollars[number] for one in mine]
            family, market = curve
            dashes = "--" if market == "spot" else "-"
            label = f"{family}, {market}"
            (line,) = axes.plot(times, dollars, dashes, marker=".", label=label)
            names = [one.offer.instance.name for one in mine]
            if knee := knees[curve]:
                at = names.index(knee)
                axes.plot(times[at], dollars[at], "o", mfc="none", ms=11, color=line.get_color())
        axes.set(xscale="log", yscale="log", title=work.name, xlabel=unit, ylabel="dollars")
        plain(axes.xaxis)
        plain(axes.yaxis)
    lines, labels = axes.get_legend_handles_labels()
    figure.legend(lines, labels, title="a circle is a knee", loc="outside right upper")
    figure.savefig(file, metadata={"Date": None})


def plain(axis: Any) -> None:
    """Label a logarithmic axis with plain numbers, at 1, 2 and 5 times powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter  # noqa: PLC0415 (an extra)

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _unit(seconds: float) -> tuple[str, float]:
    """Return the largest unit that is not longer than a time, and its length in seconds."""
    units = (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
    return next(((name, unit) for name, unit in units if seconds >= unit), units[-1])
