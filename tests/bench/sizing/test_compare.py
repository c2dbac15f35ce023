"""Runs are compared with what was predicted, and with their twins."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from made_up_costs import ONE, run

from redact_dask.bench.sizing import compare


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
