"""The simulation, beside what is known in closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
from made_up_costs import CLIP, COSTS, cost, free, of

from redact_dask.bench.sizing.costs import Costs, Line
from redact_dask.bench.sizing.object_store import Count, Requests, Store
from redact_dask.bench.sizing.predict import Clip, Machine, Workload, alone_s, predict, work_s
from redact_dask.bench.sizing.simulate import Cluster, simulate
from redact_dask.media import verify
from redact_dask.records import STAGES


def cluster(slots: int, **more: Any) -> Cluster:
    return Cluster(free(slots), **more)


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 99])
def test_one_video_takes_what_the_model_says(slots: int) -> None:
    found = simulate(of(CLIP, 1), COSTS, cluster(slots))
    assert found.wall_s == pytest.approx(alone_s(CLIP, COSTS, slots))


def test_one_slot_does_all_the_work_and_never_waits() -> None:
    found = simulate(of(CLIP, 25), COSTS, cluster(1))
    assert found.wall_s == pytest.approx(25 * work_s(CLIP, COSTS))
    assert found.use["slots"] == pytest.approx(1)
    assert found.bottleneck == "slots"


@pytest.mark.parametrize("slots", [2, 7, 40])
def test_many_videos_take_about_what_the_model_says(slots: int) -> None:
    found = simulate(of(CLIP, 400), COSTS, cluster(slots))
    assert found.wall_s == pytest.approx(
        predict(of(CLIP, 400), COSTS, free(slots)).wall_s, rel=0.03
    )
    assert found.wall_s >= 400 * work_s(CLIP, COSTS) / slots


def test_earlier_videos_go_first() -> None:
    found = simulate(of(CLIP, 20), COSTS, cluster(4))
    assert found.landed[0] < 2 * alone_s(CLIP, COSTS, 4)
    assert found.landed[0] < found.wall_s / 8


def test_a_narrow_window_leaves_slots_idle() -> None:
    found = simulate(of(CLIP, 10), COSTS, cluster(99, window=1))
    assert found.wall_s == pytest.approx(10 * 15)


@pytest.mark.parametrize(("server", "seconds"), [("scheduler", 11 * 0.5), ("driver", 11 * 0.5)])
def test_a_server_takes_one_task_after_the_other(server: str, seconds: float) -> None:
    own = {"scheduler_s": 0.0, "driver_s": 0.0} | {f"{server}_s": 0.5}
    machine = Machine(5000, 5000, **own)
    found = simulate(of(CLIP, 1000), COSTS, Cluster(machine, window=200))
    assert found.bottleneck == server
    assert 1 / found.videos_per_s == pytest.approx(seconds, rel=0.01)


def test_a_quota_is_shared_by_all() -> None:
    paid = Costs(COSTS.stages, calls_per_frame=0.5)
    found = simulate(of(CLIP, 300), paid, Cluster(free(500, tps=10), window=60))
    assert found.bottleneck == "API quota"
    assert found.videos_per_s == pytest.approx(10 / 60, rel=0.01)


def far(*, latency_s: float = 0.0, writes_per_s: float = math.inf, **more: Any) -> Store:
    """Return a store for which each task writes a key for each chunk of its video."""
    wrote = Requests(puts=Count(0, 1))
    return Store(
        dict.fromkeys(STAGES, wrote), latency_s=latency_s, writes_per_s=writes_per_s, **more
    )


def test_a_store_answers_so_many_requests() -> None:
    found = simulate(of(CLIP, 300), COSTS, cluster(500, window=60, store=far(writes_per_s=100)))
    assert found.bottleneck == "store's writes"
    assert found.videos_per_s == pytest.approx(100 / (11 * 4), rel=0.01)


def test_a_task_waits_for_each_answer() -> None:
    found = simulate(of(CLIP, 25), COSTS, cluster(1, store=far(latency_s=0.5)))
    assert found.wall_s == pytest.approx(25 * (work_s(CLIP, COSTS) + 11 * 4 * 0.5))


REMOVAL = Requests(lists=Count(1), deletes=Count(1), deleted=Count(0, 3))


def test_the_driver_removes_work_beside_what_it_does() -> None:
    store = far(latency_s=0.0, removal=REMOVAL)
    with_work = simulate(of(CLIP, 300), COSTS, cluster(40, store=store))
    without = simulate(of(CLIP, 300), COSTS, cluster(40))
    assert with_work.wall_s == pytest.approx(without.wall_s, rel=0.001)


def test_the_driver_waits_for_work_that_is_removed_too_slowly() -> None:
    """Two answers a video in eight threads take 2.5 s, so that is the pace."""
    store = Store(dict.fromkeys(STAGES, Requests()), REMOVAL, latency_s=10)
    instant = Costs(dict.fromkeys(STAGES, cost(0.001)))
    found = simulate(of(Clip(1, 1), 400), instant, cluster(5000, window=40, store=store))
    assert found.bottleneck == "removal of work"
    assert found.wall_s == pytest.approx(400 * 2.5, rel=0.1)


def test_the_threads_that_remove_work_take_the_drivers_time() -> None:
    store = far(removal=REMOVAL, removal_cpu_s=0.5)
    found = simulate(of(CLIP, 1000), COSTS, cluster(5000, window=300, store=store))
    assert found.bottleneck == "driver"
    assert 1000 * 0.5 < found.wall_s < 1.15 * 1000 * 0.5


def test_keys_that_are_deleted_count_as_writes() -> None:
    store = Store(dict.fromkeys(STAGES, Requests()), REMOVAL, latency_s=0, writes_per_s=10)
    found = simulate(of(CLIP, 300), COSTS, cluster(500, store=store))
    assert found.bottleneck == "store's writes"
    assert found.wall_s > 300 * 4 * 3 / 10


JOINED = Costs({**COSTS.stages, "join": cost(3, 0.05)}, check=Line(0, 0.02))


@pytest.mark.parametrize(
    ("frames", "slots", "spared_s"),
    [(verify.LONG - 1, 2, 0), (verify.LONG, 2, 60), (verify.LONG, 1, 0)],
)
def test_two_cores_check_a_long_video(frames: int, slots: int, spared_s: float) -> None:
    clip = Clip(frames, 1)
    whole = 1 + 0.1 * frames + 2 + 0.2 * frames + 3 + 0.05 * frames
    found = simulate(of(clip, 1), JOINED, cluster(slots))
    assert found.wall_s == pytest.approx(whole - spared_s)
    assert found.wall_s == pytest.approx(alone_s(clip, JOINED, slots))
    assert found.use["longest video"] == pytest.approx(1)


def test_a_core_that_has_work_checks_nothing_beside() -> None:
    """Of as many long videos as slots, all are joined at once."""
    clip = Clip(verify.LONG, 1)
    found = simulate(of(clip, 4), JOINED, cluster(4))
    assert found.wall_s == pytest.approx(alone_s(clip, JOINED, 1))


def test_the_longest_video_ends_last() -> None:
    long = Clip(frames=12_000, chunks=1)
    found = simulate(Workload("", ((CLIP, 50), (long, 1))), COSTS, cluster(400))
    assert found.bottleneck == "longest video"
    assert found.wall_s == pytest.approx(alone_s(long, COSTS, 1))


def test_lost_work_begins_again() -> None:
    """A task of d seconds that is lost r times a second takes (exp(rd) - 1) / r on average."""
    stages = dict.fromkeys(("probe", "detect", "track", "render", "join"), cost(30))
    rate = 1 / 60
    found = simulate(
        of(Clip(1, 1), 4000), Costs(stages), cluster(50, losses_per_hour=3600 * rate), seed=1
    )
    expected = 4000 * 5 * (math.exp(rate * 30) - 1) / rate / 50
    assert found.wall_s == pytest.approx(expected, rel=0.02)
    assert found.lost_s > 0


def test_a_lost_worker_is_missed_until_it_is_replaced() -> None:
    quick = simulate(of(CLIP, 300), COSTS, cluster(10, losses_per_hour=20))
    slow = simulate(of(CLIP, 300), COSTS, cluster(10, losses_per_hour=20, replace_s=60))
    assert slow.wall_s > 1.2 * quick.wall_s


def test_slots_that_compute_share_the_cores() -> None:
    crowded = Machine(slots=4, cores=2, scheduler_s=0, driver_s=0)
    found = simulate(of(CLIP, 100), COSTS, Cluster(crowded))
    assert found.wall_s == pytest.approx(
        simulate(of(CLIP, 100), COSTS, cluster(2)).wall_s, rel=0.03
    )
    waiting = Costs({**COSTS.stages, "detect": cost(0, 0, wait_s=100)})
    idle = simulate(of(CLIP, 100), waiting, Cluster(crowded)).wall_s
    assert idle == pytest.approx(simulate(of(CLIP, 100), waiting, cluster(4)).wall_s)


def test_slots_that_wait_for_the_store_leave_the_cores_to_others() -> None:
    """Beside 42 s of computing, 22 s are waited: four slots keep one core busy all the time."""
    crowded = Machine(slots=4, cores=1, scheduler_s=0, driver_s=0)
    waiting = Cluster(crowded, store=far(latency_s=0.5))
    found = simulate(of(CLIP, 200), COSTS, waiting)
    assert found.wall_s == pytest.approx(200 * work_s(CLIP, COSTS), rel=0.03)


def test_the_middle_stands_for_more() -> None:
    few, many = (simulate(of(CLIP, number), COSTS, cluster(7)) for number in (300, 3000))
    assert few.extended_s(3000) == pytest.approx(many.wall_s, rel=0.01)
