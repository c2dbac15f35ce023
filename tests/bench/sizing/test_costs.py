"""What stages cost is read from the manifest's rows."""

from __future__ import annotations

import pytest
from made_up_costs import rows

from redact_dask.bench.sizing.costs import Line, fit, mean, of_rows
from redact_dask.media import verify


def test_a_line_goes_through_its_points() -> None:
    line = fit([(10, 3.0), (20, 5.0), (40, 9.0)])
    assert (line.fixed_s, line.per_frame_s) == pytest.approx((1.0, 0.2))
    assert line.at(100) == pytest.approx(21)


@pytest.mark.parametrize(
    ("points", "line"),
    [
        ([(10, 2.0), (10, 4.0)], Line(0, 0.3)),  # nothing is known of what is fixed
        ([(10, 4.0), (20, 2.0)], Line(3.0, 0)),  # longer tasks are not faster
        ([(10, 1.0), (20, 3.0)], Line(0, 2 / 15)),  # nothing takes less than no time
    ],
)
def test_no_part_of_a_line_is_below_zero(points: list[tuple[float, float]], line: Line) -> None:
    found = fit(points)
    assert (found.fixed_s, found.per_frame_s) == pytest.approx((line.fixed_s, line.per_frame_s))


def test_costs_of_a_run() -> None:
    costs = of_rows(rows(), wall_s=18, slots=1)
    taken = {stage: cost.cpu.per_frame_s for stage, cost in costs.stages.items()}
    expected = {"probe": 0.01, "detect": 0.04, "track": 0.005, "render": 0.02, "join": 0.04}
    assert taken == pytest.approx(expected)
    assert costs.start_s == pytest.approx(18 - 14.5)
    assert costs.gap_s == pytest.approx(6 * 0.5 / 7)
    assert costs.calls_per_frame == 0


def test_waiting_for_a_service_is_no_work_of_a_core() -> None:
    paid = [
        one | {"calls": 20, "seconds": {"decode": 0.5, "detect": 1.5}}
        if one["stage"] == "detect"
        else one
        for one in rows()
    ]
    costs = of_rows(paid, wall_s=18, slots=1)
    assert costs.stages["detect"].cpu.at(50) == pytest.approx(0.5)
    assert costs.stages["detect"].wait.at(50) == pytest.approx(1.5)
    assert costs.calls_per_frame == pytest.approx(0.4)


def test_the_halves_of_a_long_check_are_both_computing() -> None:
    checked = [
        one | {"seconds": {"check": 2.0}, "frames": verify.LONG} if one["stage"] == "join" else one
        for one in rows()
    ]
    quick = of_rows(checked, wall_s=18, slots=1)
    assert quick.stages["join"].cpu.at(verify.LONG) == pytest.approx(4.0)
    assert quick.check.at(verify.LONG) == 0
    whole = of_rows(checked, wall_s=18, slots=1, checks_all=True)
    assert whole.stages["join"].cpu.at(verify.LONG) == pytest.approx(6.0)
    assert whole.check.at(verify.LONG) == pytest.approx(4.0)
    assert whole.gap_s == quick.gap_s


def test_a_local_detector_waits_for_nobody() -> None:
    local = [one | {"seconds": {"detect": 1.0}} for one in rows()]
    assert of_rows(local, wall_s=18, slots=1).stages["detect"].wait.at(50) == 0


def test_the_mean_of_two_runs() -> None:
    first, second = of_rows(rows(), 18, 1), of_rows(rows(), 20, 1)
    both = mean([first, second])
    assert both.start_s == pytest.approx(4.5)
    assert both.stages["join"].cpu.at(100) == pytest.approx(4.0)
