"""What machines to hire cost."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from made_up_costs import run

from redact_dask.bench.sizing import catalogue, compare, offers


def test_a_knee_at_the_end_of_a_curve_is_none() -> None:
    works = offers.workloads(frames=100, rate=25, chunk_s=10)
    costs = compare.costs([run()], "centerface")
    answers = offers.answer(catalogue.load(), costs, works, math.inf, lambda _: 0.0)
    assert offers.knees(answers, 2)["c7i", "on demand"] is None
    assert offers.knees(answers, 0)["c7i", "on demand"] == "c7i.large"


def test_calls_are_part_of_the_price() -> None:
    works = offers.workloads(frames=100, rate=25, chunk_s=10)
    costs = replace(compare.costs([run()], "centerface"), calls_per_frame=0.5)
    free, paid = (
        offers.answer(catalogue.load(), costs, works, math.inf, price)[0].dollars[1]
        for price in (lambda _: 0.0, lambda calls: calls / 1000)
    )
    assert paid - free == pytest.approx(45)


def test_a_machine_that_needs_ten_days_for_a_fleets_day_keeps_up_with_a_tenth_of_it() -> None:
    works = offers.workloads(frames=100, rate=25, chunk_s=10)
    costs = compare.costs([run()], "centerface")
    one = offers.answer(catalogue.load(), costs, works, math.inf, lambda _: 0.0)[0]
    slow = replace(one.predictions[-1], wall_s=10 * 86_400)
    # A thousand hours a day are the work of 41.7 cameras.
    assert replace(one, predictions=(slow,)).cameras == 4
