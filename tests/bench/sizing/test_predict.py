"""The model, beside what is computed by hand."""

from __future__ import annotations

import pytest
from made_up_costs import CLIP, COSTS, cost, free, of

from redact_dask.bench.sizing.costs import Costs
from redact_dask.bench.sizing.predict import (
    Clip,
    Machine,
    Workload,
    alone_s,
    cpu_s,
    knee,
    predict,
    work_s,
)


@pytest.mark.parametrize(
    ("slots", "seconds"),
    [(1, 42), (2, 1 + 2 * 3 + 2 + 2 * 6 + 3), (3, 24), (4, 1 + 3 + 2 + 6 + 3), (99, 15)],
)
def test_the_chunks_of_one_video_go_in_waves(slots: int, seconds: float) -> None:
    assert alone_s(CLIP, COSTS, slots) == pytest.approx(seconds)
    assert predict(of(CLIP, 1), COSTS, free(slots)).wall_s == pytest.approx(seconds)


def test_many_videos_share_all_slots_and_the_last_one_has_a_tail() -> None:
    assert predict(of(CLIP, 10), COSTS, free(4)).wall_s == pytest.approx(9 * 42 / 4 + 15)
    assert predict(of(CLIP, 10), COSTS, free(1)).wall_s == pytest.approx(420)
    assert predict(of(CLIP, 10), COSTS, free(4)).bound == "slots"


def test_a_faster_core_computes_faster_and_waits_as_long() -> None:
    waiting = Costs({**COSTS.stages, "detect": cost(0, 0.1, wait_s=5)}, gap_s=1)
    assert work_s(CLIP, waiting, speed=2) == pytest.approx(42 / 2 + 4 * 5 + 11)
    assert cpu_s(CLIP, waiting) == pytest.approx(42)


def test_more_slots_than_cores_help_only_those_that_wait() -> None:
    machine = Machine(slots=8, cores=2, scheduler_s=0, driver_s=0)
    told = predict(of(CLIP, 100), COSTS, machine)
    assert told.bound == "cores"
    assert told.wall_s == pytest.approx(100 * 42 / 2 + 15 - 42 / 8)
    waiting = Costs({**COSTS.stages, "detect": cost(0, 0.1, wait_s=100)})
    assert predict(of(CLIP, 100), waiting, machine).bound == "slots"


def test_a_quota_of_calls_is_a_bound_whatever_the_workers() -> None:
    paid = Costs(COSTS.stages, calls_per_frame=0.5)
    told = predict(of(CLIP, 100), paid, free(1000, tps=10))
    assert told.bound == "API quota"
    assert told.wall_s == pytest.approx(100 * 60 / 10 + 15 - 42 / 1000)


def test_dask_itself_is_a_bound() -> None:
    machine = Machine(10_000, 10_000, scheduler_s=0.5, driver_s=0.1)
    told = predict(of(CLIP, 1000), COSTS, machine)
    assert told.bound == "scheduler"
    assert told.wall_s == pytest.approx(1000 * 11 * 0.5 + 15 - 42 / 10_000)


def test_the_longest_video_is_a_bound() -> None:
    long = Clip(frames=12_000, chunks=1)
    both = Workload("", ((long, 1), (CLIP, 10)))
    told = predict(both, COSTS, free(1000))
    assert told.bound == "longest video"
    assert told.wall_s == pytest.approx(6 + 12_000 * 0.3)


def test_a_run_has_a_beginning() -> None:
    late = Costs(COSTS.stages, start_s=7)
    assert predict(of(CLIP, 1), late, free(1)).wall_s == pytest.approx(49)


def test_price_is_time_by_the_hour() -> None:
    assert predict(of(CLIP, 1), COSTS, free(1)).dollars(3600) == pytest.approx(42)


def test_the_knee_is_where_divided_work_is_half_of_what_is_paid_for() -> None:
    divided, serial = 160.0, 10.0
    offers = []
    for cores in (2, 4, 8, 16, 32, 64):
        seconds = divided / cores + serial
        offers.append((str(cores), seconds, cores * seconds))
    assert knee(offers) == "16"
