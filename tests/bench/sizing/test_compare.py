"""The bench: its matrix, its checks and tables, and one small run of all of it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from test_costs import rows

from redact_dask.bench.sizing import catalogue, compare, offers, store, tables
from redact_dask.bench.sizing.measure import Run, Shape, matrix
from redact_dask.bench.sizing.predict import Clip
from redact_dask.cli.main import main

ONE = Shape(1, 1, 10.0, "centerface")


def run(shape: Shape = ONE, twin: str = "A", repeat: int = 0, wall_s: float = 18.0) -> Run:
    tasks: tuple[Mapping[str, Any], ...] = tuple({**one, "video": "v"} for one in rows())
    return Run(shape, twin, repeat, 1, 100, 4.0, wall_s, 14.5, 12.0, 1.0, 0.5, tasks)


def test_the_matrix_has_every_shape_once_and_one_slot_first() -> None:
    shapes = matrix([2, 1], [1, 2], [10.0, 5.0], ["centerface"])
    assert shapes[0] == ONE
    assert len(shapes) == len({*shapes}) == 8
    added = matrix([2], [1], [10.0], ["centerface", "rekognition"])
    assert [(one.slots, one.detector) for one in added] == [
        (1, "centerface"),
        (1, "rekognition"),
        (2, "centerface"),
        (2, "rekognition"),
    ]


def test_a_shape_is_settings() -> None:
    settings = Shape(2, 3, 5.0, "centerface").settings({"detect": {"every": 2}})
    assert settings.cluster.kwargs["n_workers"] == 2
    assert settings.cluster.kwargs["threads_per_worker"] == 3
    assert (settings.chunk.seconds, settings.detect.every) == (5.0, 2)


def test_a_run_tells_what_was_done() -> None:
    assert run().workload.groups == ((Clip(100, 2), 1),)


def test_a_round_is_predicted_from_its_own_run_with_one_slot() -> None:
    two = replace(ONE, processes=2)
    runs = [run(), run(two, wall_s=9), run(twin="B", wall_s=18)]
    runs += [run(repeat=1, wall_s=36), run(two, repeat=1, wall_s=27), run(twin="B", repeat=1)]
    found = compare.series(runs)
    assert [(one.shape.slots, one.twin) for one in found] == [(1, "A"), (2, "A"), (1, "B")]
    base, second, again = found
    assert base.error is None
    # The rows are the same, so the longer wall of the second round is all before the first task.
    assert [b - a for a, b in [second.predicted]] == pytest.approx([18.0])
    # 18 s and 36 s against 18 s each: ratios of 1 and 2.
    assert again.error == pytest.approx(0.5, rel=0.02)


def test_cores_of_others_are_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    two = replace(ONE, processes=2)
    alone, shared = replace(run(two), others=0.0), replace(run(two), others=1.5)
    base = replace(run(), others=0.0)
    (quick,), (slow,) = (compare.series([base, one])[1].predicted for one in (alone, shared))
    computing = 14.5 - 6 * 0.5
    # Two slots that compute most of the time have half a core instead of two.
    assert computing < slow - quick < 4 * computing
    crowded = compare.series([replace(run(), others=1.5), alone])[1].predicted[0]
    # The path of one chunk after the other computes 8.5 s: a core that was shared told twice that.
    assert quick - crowded == pytest.approx(8.5 / 2)


def test_noise_is_what_twins_differ_by() -> None:
    slower = replace(run(twin="B", wall_s=19.8), worker_cpu_s=12.6)
    wall, cpu = compare.noise(compare.series([run(), slower]))
    assert (wall, cpu) == pytest.approx((0.1, 0.05))


def test_tables_tell_shapes_offers_knees_and_sources() -> None:
    found = compare.series([run(), run(replace(ONE, processes=2), wall_s=9), run(twin="B")])
    told = tables.measured(found)
    assert "| 2 x 1 | 10 s | centerface | 11.1 | 9.0 (9.0 to 9.0) |" in told
    hired = catalogue.load()
    works = offers.workloads(frames=100, rate=25, chunk_s=10)
    assert [work.frames for work in works] == [100, 90_000, 90_000_000]
    costs = compare.costs([run()], "centerface")
    answers = offers.answer(hired, costs, works, math.inf, lambda _: 0.0)
    page = tables.predicted(answers, works, hired, "centerface")
    for offer in hired.offers():
        assert f"| {offer.instance.name} | {offer.market} |" in page
    for source in hired.sources.values():
        assert source.url in page
    assert "- an hour of video: " in page


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


def test_every_bench_appends(tmp_path: Path) -> None:
    store.append(tmp_path, [run()])
    store.append(tmp_path, [run(), run(twin="B")])
    table = pq.read_table(tmp_path / "runs")
    assert table.num_rows == 3
    (first, *_) = table.to_pylist(maps_as_pydicts="strict")
    assert first["seconds_by_stage"]["detect"] == pytest.approx(4)
    assert {"python", "dask", "redact-dask"} <= {*first["versions"]}
    assert int(first["machine"]["cores"]) >= 1


def bench(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["bench", "sizes", *map(str, arguments)])
    return result.exit_code, result.output


def test_what_is_wrong_is_told_before_anything_is_measured(clip: Path, tmp_path: Path) -> None:
    code, told = bench(tmp_path / "none.mp4")
    assert (code, "none.mp4 is not there" in told) == (2, True)
    code, told = bench(clip, "--catalogue", tmp_path / "none.yaml")
    assert (code, "none.yaml" in told) == (2, True)
    code, told = bench(clip, "--detector", "nobody")
    assert (code, "no detector is called nobody" in told) == (2, True)
    code, told = bench(clip, "--set", "detect.evry=2")
    assert (code, "detect.evry" in told) == (2, True)


@pytest.mark.slow
def test_a_small_bench(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=30)
    output = tmp_path / "sizes"
    code, told = bench(clip, clip, "--repeats", 1, "--set", "detect.every=5", "--output", output)
    assert code == 0, told
    assert {path.name for path in output.iterdir()} == {
        "measured.svg",
        "predicted-centerface.svg",
        "runs",
        "sizes.md",
    }
    found = pq.read_table(output / "runs").to_pylist()
    assert [(row["processes"], row["twin"]) for row in found] == [(1, "A"), (2, "A"), (1, "B")]
    assert all(row["frames"] == 60 and row["tasks"] == 10 for row in found)
    assert all(row["worker_cpu_s"] > 0 for row in found)
    text = (output / "sizes.md").read_text()
    assert "| 2 x 1 | 10 s | centerface |" in text
    assert "<svg" in (output / "measured.svg").read_text()
