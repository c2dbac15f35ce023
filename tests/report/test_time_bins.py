"""A time is cut into periods of a length that people use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from made_up import MINUTE, START

from redact_dask.report.time_bins import Periods


@pytest.mark.parametrize("seconds", [0, 0.4, 59, 60, 3599, 36_000, 1e6, 1e8])
def test_periods_cover_a_time_and_are_not_too_many(seconds: float) -> None:
    began = datetime(2026, 2, 3, 20, 1, 2, 300_000, UTC)
    periods = Periods.over(began, began + timedelta(seconds=seconds))
    assert 1 <= periods.count <= 60
    assert periods.edges[0] <= began.timestamp()
    assert began.timestamp() + seconds < periods.edges[-1]
    assert periods.starts[0].timestamp() == periods.edges[0]
    if seconds > 60:
        assert periods.count > 20


def test_a_task_without_length_is_not_lost() -> None:
    at = np.array([START.timestamp() + 10])
    assert MINUTE.spread(at, at, np.array([7.0])) == pytest.approx([0, 7, 0, 0, 0, 0])
