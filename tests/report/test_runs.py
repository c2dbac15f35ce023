"""What the report counts is what the manifest tells."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from made_up import FAILED, START, later

from redact_dask.errors import UsageError
from redact_dask.report import charts, formatting, runs, tasks, videos
from redact_dask.report.charts import Series
from redact_dask.report.runs import Totals
from redact_dask.report.time_bins import Periods
from redact_dask.storage import layout

Write = Callable[..., str]
MINUTE = Periods(START.timestamp(), 10.0, 6)


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


def test_videos_and_tasks_of_a_real_run(night: Any) -> None:
    root = layout.manifest(str(night.destination))
    (run,) = runs.read(root)
    periods = Periods.over(run.began, run.ended)
    of_videos = videos.read(root, [run.name], periods)
    assert len(of_videos.slowest) == 3
    took = [row["seconds"] for row in of_videos.slowest]
    assert took == sorted(took, reverse=True)
    (failed,) = of_videos.failed
    assert failed["source"].endswith("blue.mp4")
    assert (failed["stage"], failed["error"]) == ("detect", "RuntimeError")
    assert of_videos.published.sum() == 2
    assert of_videos.faces.sum() == 2
    assert of_videos.lag
    assert 0 < of_videos.lag.median_s <= of_videos.lag.most_of_them_s <= of_videos.lag.longest_s

    found = tasks.read(root, [run.name], periods, [row["video"] for row in of_videos.slowest])
    assert [stage.name for stage in found.stages] == [*tasks.STAGES]
    assert [host.name for host in found.hosts] == [socket.gethostname()]
    assert found.hosts[0].tasks == sum(stage.tasks for stage in found.stages)
    assert 1 <= found.hosts[0].workers <= 2
    assert found.rendered.sum() == pytest.approx(120)
    for stage in found.stages:
        assert 0 < sum(stage.steps.values()) <= stage.seconds
        assert found.busy[stage.name].sum() == pytest.approx(stage.seconds)
    assert found.shares.keys() == {row["video"] for row in of_videos.slowest}


# Which runs


def test_the_last_run_is_told_with_those_that_ran_beside_it(write: Write) -> None:
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


def test_time_counts_once_where_runs_overlap(write: Write) -> None:
    write("a", {"finished": later(10), "seconds": 10})
    write("b", {"finished": later(8), "seconds": 2})
    write("c", {"finished": later(15), "seconds": 7})
    destination = write("d", {"finished": later(30), "seconds": 5})
    assert runs.wall_s(runs.read(layout.manifest(destination))) == pytest.approx(20)


def test_what_was_not_published_counts_only_where_it_was_paid(write: Write) -> None:
    paid = {"calls": 100, "throttled": 2, "retried": 1, "dollars": 0.1}
    destination = write("run-1", paid, paid | FAILED, {"frames_black": 30})
    assert sums(destination)["run-1"] == Totals(
        published=2,
        quarantined=1,
        salvaged=1,
        frames=2400,
        frames_black=30,
        frames_copied=600,
        faces=6,
        duration_s=80.0,
        bytes_in=4_000_000,
        bytes_out=2_000_000,
        calls=200,
        throttled=4,
        retried=2,
        dollars=0.2,
    )


def test_a_row_that_knows_next_to_nothing_counts(write: Write) -> None:
    unknown = dict.fromkeys(("frames", "duration_s", "seconds", "frames_copied", "dollars"))
    destination = write("run-1", FAILED | unknown | {"written": None})
    assert sums(destination)["run-1"] == Totals(quarantined=1)
    found = videos.read(layout.manifest(destination), ["run-1"], MINUTE)
    assert (len(found.slowest), len(found.failed), found.lag) == (1, 1, None)


# Videos


def test_each_video_that_failed_is_told_once_unless_it_was_published_later(write: Write) -> None:
    a, b, c = ({"source": f"s3://fleet/{name}.mp4"} for name in "abc")
    write("run-1", a | FAILED, b | FAILED, c | FAILED)
    again = {"finished": later(1000)}
    write("run-2", a | FAILED | again | {"reason": "again"}, b | again)
    # Published before it failed: the failure stands.
    destination = write("run-0", c | {"finished": later(-1000)})
    root = layout.manifest(destination)
    found = videos.read(root, ["run-0", "run-1", "run-2"], MINUTE)
    assert [(row["source"], row["reason"]) for row in found.failed] == [
        ("s3://fleet/a.mp4", "again"),
        ("s3://fleet/c.mp4", "frame with pts 512 is missing"),
    ]
    assert found.published_later == 1
    assert videos.read(root, ["run-1"], MINUTE).published_later == 1


def test_only_the_slowest_are_kept(write: Write) -> None:
    took = [*range(videos.SLOWEST + 20)]
    destination = write("run-1", *({"seconds": float(seconds)} for seconds in took))
    found = videos.read(layout.manifest(destination), ["run-1"], MINUTE)
    assert [row["seconds"] for row in found.slowest] == took[: -videos.SLOWEST - 1 : -1]


def test_lag_and_reasons(write: Write) -> None:
    whys = ["has no keyframes", "is HEVC", "is HEVC", None]
    destination = write(
        "run-1",
        *(
            {"finished": later(10 * number), "written": START, "why_encoded": why}
            for number, why in enumerate(whys)
        ),
        FAILED | {"written": START, "finished": later(1000), "why_encoded": "is damaged"},
    )
    found = videos.read(layout.manifest(destination), ["run-1"], MINUTE)
    assert found.why_encoded == (("is HEVC", 2), ("has no keyframes", 1))
    assert found.lag == videos.Lag(15.0, pytest.approx(28.5), 30.0)
    assert found.faces.tolist() == [3, 3, 3, 3, 0, 0]


# Tasks


def test_time_goes_to_stages_steps_hosts_and_periods(write: Write) -> None:
    work = {"started": later(5), "ended": later(25), "frames": 200}
    encode = work | {"stage": "render", "seconds": [("encode", 12.0)]}
    elsewhere = {"worker": "worker-2", "host": "host-2"}
    destination = write("run-1", {}, tasks=({}, work, encode | elsewhere, {"worker": "worker-3"}))
    found = tasks.read(layout.manifest(destination), ["run-1"], MINUTE, [f"{0:016x}"])
    assert [(s.name, s.tasks, s.seconds, s.steps) for s in found.stages] == [
        ("detect", 3, 28.0, {"detect": 7.5, "decode": 3.0}),
        ("render", 1, 20.0, {"encode": 12.0}),
    ]
    assert [(h.name, h.workers, h.tasks, h.seconds) for h in found.hosts] == [
        ("host-1", 2, 3, 28.0),
        ("host-2", 1, 1, 20.0),
    ]
    assert found.rendered == pytest.approx([50, 100, 50, 0, 0, 0])
    assert found.analysed == pytest.approx([2450, 100, 50, 0, 0, 0])
    assert found.busy["render"] == pytest.approx([5, 10, 5, 0, 0, 0])
    assert found.shares[f"{0:016x}"] == tasks.Share(48.0, "detect", pytest.approx(28 / 48))


def test_tasks_of_other_runs_do_not_count(write: Write) -> None:
    write("run-1", {}, tasks=({},))
    destination = write("run-2", {}, tasks=({}, {}))
    found = tasks.read(layout.manifest(destination), ["run-2"], MINUTE)
    assert [stage.tasks for stage in found.stages] == [2]


# Time, charts, words


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


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (formatting.duration(0), "0 s"),
        (formatting.duration(0.0001), "< 1 ms"),
        (formatting.duration(0.0234), "23 ms"),
        (formatting.duration(1.25), "1.2 s"),
        (formatting.duration(59.6), "1 min"),
        (formatting.duration(3599.7), "1 h"),
        (formatting.duration(5400), "1 h 30 min"),
        (formatting.duration(6_000_000), "1,666 h"),
        (formatting.size(999), "999 bytes"),
        (formatting.size(999_999), "1.0 MB"),
        (formatting.size(123_456_789), "123 MB"),
        (formatting.share(1, 1000), "< 1 %"),
        (formatting.share(999, 1000), "> 99 %"),
        (formatting.share(1000, 1000), "100 %"),
        (formatting.number(1234567), "1,234,567"),
        (formatting.number(0.5), "0.5"),
        (formatting.number(12.34), "12.3"),
        (formatting.dollars(1234.5), "$1,234.50"),
        (formatting.clipped("x" * 1000), "x" * 150 + " … " + "x" * 150),
    ],
)
def test_words(told: str, words: str) -> None:
    assert told == words
