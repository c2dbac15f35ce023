"""Where the time went: to which stages, steps, hosts and periods."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from fixture_types import WriteRows
from made_up import MINUTE, later

from redact_dask.report import runs, tasks, videos
from redact_dask.report.time_bins import Periods
from redact_dask.storage import layout


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


def test_time_goes_to_stages_steps_hosts_and_periods(write: WriteRows) -> None:
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


def test_tasks_of_other_runs_do_not_count(write: WriteRows) -> None:
    write("run-1", {}, tasks=({},))
    destination = write("run-2", {}, tasks=({}, {}))
    found = tasks.read(layout.manifest(destination), ["run-2"], MINUTE)
    assert [stage.tasks for stage in found.stages] == [2]
