"""Charts over time, as the geometry of a small inline SVG.

The report is one file, and needs only bars and steps, while a library that draws in the browser
weighs more than a megabyte. Words are HTML beside the SVG, since the SVG is stretched to any width,
and words must not be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from redact_dask.report.arrow import Floats
from redact_dask.report.formatting import number
from redact_dask.report.time_bins import Periods

WIDTH, HEIGHT = 1000, 100
"""Size of the SVG's view box, in its own units; y grows downwards."""

_TICKS = 4
"""Most parts into which ticks divide the vertical axis."""
_LABELS = 4
"""Most times below the horizontal axis: five do not fit on a phone."""
_GAP = 0.12
"""Share of a period's width that is left free between two bars."""


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each period."""

    name: str
    style: str
    """Name of the series' colour in the style sheet."""
    values: Floats


@dataclass(frozen=True, slots=True)
class Mark:
    """A label beside an axis."""

    percent: float
    """Distance from the left or from the bottom, per cent of the axis."""
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One period over the whole height, with the text that the pointer shows on it."""

    x: float
    """Left edge, units of the view box."""
    width: float
    """Width, units of the view box."""
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that a page needs to draw a chart, and to describe it in words."""

    name: str
    """Name for links: lower case, without spaces."""
    title: str
    unit: str
    summary: str
    """Description in one sentence, for readers who cannot see the chart."""
    series: tuple[Series, ...]
    paths: tuple[str, ...]
    """SVG path data of each series."""
    filled: bool
    """Whether the paths are filled areas; if not, they are lines."""
    ticks: tuple[Mark, ...]
    labels: tuple[Mark, ...]
    columns: tuple[Column, ...]
    times: tuple[str, ...]
    """Start of each period, as text."""


def bars(name: str, title: str, unit: str, series: Sequence[Series], periods: Periods) -> Chart:
    """Return a chart of bars; those of several series are stacked."""
    top = _top(float(np.sum([one.values for one in series], axis=0).max()))
    paths = []
    below = 0.0 * series[0].values
    width = WIDTH / periods.count
    for one in series:
        parts = []
        for rank, (low, value) in enumerate(zip(below, one.values, strict=True)):
            if value > 0:
                left, right = (rank + _GAP / 2) * width, (rank + 1 - _GAP / 2) * width
                upper, lower = _y(low + value, top), _y(low, top)
                parts.append(f"M{left:.1f} {lower:.2f}V{upper:.2f}H{right:.1f}V{lower:.2f}z")
        paths.append("".join(parts))
        below = below + one.values
    return _chart(name, title, unit, series, periods, top, paths, filled=True)


def steps(name: str, title: str, unit: str, series: Sequence[Series], periods: Periods) -> Chart:
    """Return a chart of step lines, which are level over each period."""
    top = _top(max(float(one.values.max()) for one in series))
    width = WIDTH / periods.count
    paths = []
    for one in series:
        levels = [
            f"V{_y(value, top):.2f}H{(rank + 1) * width:.1f}"
            for rank, value in enumerate(one.values)
        ]
        paths.append(f"M0 {HEIGHT}" + "".join(levels) + f"V{HEIGHT}")
    return _chart(name, title, unit, series, periods, top, paths, filled=False)


def _chart(
    name: str,
    title: str,
    unit: str,
    series: Sequence[Series],
    periods: Periods,
    top: float,
    paths: Sequence[str],
    *,
    filled: bool,
) -> Chart:
    times = _times(periods)
    width = WIDTH / periods.count
    columns = [
        Column(rank * width, width, f"{time}: {_values(series, rank, unit)}")
        for rank, time in enumerate(times)
    ]
    every = math.ceil(periods.count / _LABELS)
    labels = [
        Mark(100 * rank / periods.count, times[rank]) for rank in range(0, periods.count, every)
    ]
    step = _step(top)
    ticks = [
        Mark(100 * rank * step / top, number(rank * step)) for rank in range(round(top / step) + 1)
    ]
    most = max(series, key=lambda one: float(one.values.max()))
    peak = int(most.values.argmax())
    summary = (
        f"{title}, {unit}, {times[0]} to {times[-1]} UTC; "
        f"the most is {number(most.values[peak])} at {times[peak]}"
        + (f" ({most.name})." if len(series) > 1 else ".")
    )
    return Chart(
        name, title, unit, summary, tuple(series), tuple(paths), filled,
        tuple(ticks), tuple(labels), tuple(columns), tuple(times),
    )  # fmt: skip


def _values(series: Sequence[Series], rank: int, unit: str) -> str:
    """Return the values of all series in one period, as text."""
    if len(series) == 1:
        return f"{number(series[0].values[rank])} {unit}"
    return ", ".join(f"{one.name} {number(one.values[rank])}" for one in series)


def _times(periods: Periods) -> list[str]:
    """Return the starts of all periods as texts, UTC, no more exact than needed."""
    starts: list[datetime] = periods.starts
    days = "%d %b " if starts[-1] - starts[0] >= timedelta(days=1) else ""
    if periods.length_s >= 86_400:
        return [f"{start:%d %b %Y}" for start in starts]
    clock = "%H:%M" if periods.length_s >= 60 else "%H:%M:%S"
    return [f"{start:{days}{clock}}" for start in starts]


def _y(value: float, top: float) -> float:
    """Return where a value lies in the view box, if ``top`` is the upper end of the axis."""
    return HEIGHT * (1 - value / top)


def _top(value: float) -> float:
    """Return the upper end of an axis for a largest value: a whole number of steps."""
    step = _step(value)
    return max(step * math.ceil(value / step - 1e-9), step)


def _step(value: float) -> float:
    """Return the round number that divides an axis into four parts or fewer."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value / _TICKS))
    return next(
        power * round_ for round_ in (1, 2, 2.5, 5, 10) if value / (power * round_) <= _TICKS + 1e-9
    )
