"""Searching the setting at which a configuration hides as much as another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from redact_dask.bench.leakage import equal
from redact_dask.bench.leakage.measure import Figures, Result
from redact_dask.bench.leakage.metric import summarise

NOTHING = summarise([], "face")


def measured(start: float) -> Result:
    """Return what a network measures that hides 10 % of the pixels with the lowest start."""
    leakage = replace(NOTHING, over_blur=0.1 * (1 - start))
    return Result(f"{start}", {"face": Figures(leakage, ())}, None, None, 1.0)


@pytest.mark.parametrize("goal", [0.02, 0.05, 0.08])
def test_the_start_is_found(goal: float) -> None:
    found = equal.nearest(goal, measured).labels["face"].leakage.over_blur
    assert found == pytest.approx(goal, abs=0.0016)


def test_what_cannot_be_reached_is_approached() -> None:
    assert float(equal.nearest(0.5, measured).name) < 0.02
    assert float(equal.nearest(1e-6, measured).name) > 0.98
