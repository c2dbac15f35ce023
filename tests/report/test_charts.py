"""Numbers become the paths of a chart."""

from __future__ import annotations

import numpy as np
from made_up import START

from redact_dask.report import charts
from redact_dask.report.charts import Series
from redact_dask.report.time_bins import Periods


def test_bars_stand_on_each_other_and_steps_do_not() -> None:
    two = [Series("one", "detect", np.array([3.0, 0])), Series("two", "render", np.array([5.0, 1]))]
    periods = Periods(START.timestamp(), 30.0, 2)
    bars = charts.bars("b", "Bars", "things", two, periods)
    assert [mark.text for mark in bars.ticks] == ["0", "2", "4", "6", "8"]
    assert bars.paths == (
        "M30.0 100.00V62.50H470.0V100.00z",
        "M30.0 62.50V0.00H470.0V62.50zM530.0 100.00V87.50H970.0V100.00z",
    )
    steps = charts.steps("s", "Steps", "things", two, periods)
    assert [mark.text for mark in steps.ticks] == ["0", "2", "4", "6"]
    assert steps.paths[1] == "M0 100V16.67H500.0V83.33H1000.0V100"
    assert steps.columns[0].text == "20:00:00: one 3, two 5"
    assert "the most is 5 at 20:00:00 (two)" in steps.summary
