"""Which runs are told, and what is counted of them is what the manifest tells."""

from __future__ import annotations

from typing import Any

import pytest
from fixture_types import WriteRows
from made_up import FAILED, MINUTE, later

from redact_dask.errors import UsageError
from redact_dask.report import runs, videos
from redact_dask.report.runs import Totals
from redact_dask.storage import layout


def sums(destination: str) -> dict[str, Totals]:
    return {run.name: run.totals for run in runs.read(layout.manifest(destination))}


# A real run


def test_totals_of_a_real_run(night: Any) -> None:
    (run,) = runs.read(layout.manifest(str(night.destination)))
    published = ["a.mp4", "car <b>1<br> & co/b.mkv"]
    assert (run.totals.published, run.totals.quarantined) == (2, 1)
    assert run.totals.frames == night.summary.frames == 120
    assert run.totals.faces == night.summary.faces == 2
    assert run.totals.duration_s == pytest.approx(4.0, abs=0.001)
    for size, folder in (
        (run.totals.bytes_in, night.source),
        (run.totals.bytes_out, night.destination),
    ):
        assert size == sum((folder / name).stat().st_size for name in published)
    assert 0 < runs.wall_s([run]) < night.summary.wall_s


# Which runs


def test_the_last_run_is_told_with_those_that_ran_beside_it(write: WriteRows) -> None:
    write("run-1", {"finished": later(10)})
    write("shard-1", {"finished": later(110), "seconds": 5})
    destination = write("shard-2", {"finished": later(113), "seconds": 5})
    known = runs.read(layout.manifest(destination))
    assert [run.name for run in known] == ["run-1", "shard-1", "shard-2"]
    assert [run.name for run in runs.choose(known, [])] == ["shard-1", "shard-2"]
    assert [run.name for run in runs.choose(known, ["run-1"])] == ["run-1"]
    assert runs.choose(known, ["all"]) == known
    with pytest.raises(UsageError, match=r"'run-9'.*shard-2, shard-1, run-1"):
        runs.choose(known, ["run-9"])


def test_time_counts_once_where_runs_overlap(write: WriteRows) -> None:
    write("a", {"finished": later(10), "seconds": 10})
    write("b", {"finished": later(8), "seconds": 2})
    write("c", {"finished": later(15), "seconds": 7})
    destination = write("d", {"finished": later(30), "seconds": 5})
    assert runs.wall_s(runs.read(layout.manifest(destination))) == pytest.approx(20)


def test_what_was_not_published_counts_only_where_it_was_paid(write: WriteRows) -> None:
    paid = {"calls": 100, "throttled": 2, "retried": 1, "dollars": 0.1}
    destination = write("run-1", paid, paid | FAILED, {"frames_black": 30})
    assert sums(destination)["run-1"] == Totals(
        published=2,
        quarantined=1,
        salvaged=1,
        frames=2400,
        frames_black=30,
        frames_copied=600,
        frames_taken=200,
        faces=6,
        duration_s=80.0,
        bytes_in=4_000_000,
        bytes_out=2_000_000,
        calls=200,
        throttled=4,
        retried=2,
        dollars=0.2,
    )


def test_a_row_that_knows_next_to_nothing_counts(write: WriteRows) -> None:
    unknown = dict.fromkeys(("frames", "duration_s", "seconds", "frames_copied", "dollars"))
    destination = write("run-1", FAILED | unknown | {"written": None})
    assert sums(destination)["run-1"] == Totals(quarantined=1)
    found = videos.read(layout.manifest(destination), ["run-1"], MINUTE)
    assert (len(found.slowest), len(found.failed), found.lag) == (1, 1, None)
