"""Whatever is killed, wherever it is: nothing is lost, doubled, half done or unredacted."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from harness import Frames, Processes, StartCluster, StartRun, assert_published
from holding import PLACES
from waiting import until

from redact_dask import manifest

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("place", PLACES)
def test_a_worker_is_killed(
    place: str, cluster: Processes, start_run: StartRun, undisturbed: Frames, tmp_path: Path
) -> None:
    hold = cluster.hold(place, tmp_path)
    run = start_run(tmp_path / "out", cluster.reach)
    os.kill(hold.process(), signal.SIGKILL)
    hold.release()
    assert run.summary()["published"] == len(undisturbed)
    assert_published(str(tmp_path / "out"), undisturbed)
    until(lambda: not cluster.scratch, "the next start to sweep the scratch folders")


def test_workers_are_told_to_end_while_others_come(
    cluster: Processes, start_run: StartRun, undisturbed: Frames, tmp_path: Path
) -> None:
    hold = cluster.hold("publish", tmp_path)
    run = start_run(tmp_path / "out", cluster.reach)
    hold.process()
    ended = cluster.replace_worker()
    hold.release()
    assert run.summary()["published"] == len(undisturbed)
    assert ended.wait(60) == 0
    assert_published(str(tmp_path / "out"), undisturbed)


def test_the_driver_is_killed(
    cluster: Processes, start_run: StartRun, undisturbed: Frames, tmp_path: Path
) -> None:
    hold = cluster.hold("join", tmp_path)
    first = start_run(tmp_path / "out", cluster.reach)
    hold.process()
    first.process.kill()
    first.process.wait()
    hold.release()
    assert (tmp_path / "out" / "_lease").exists()
    assert start_run(tmp_path / "out", cluster.reach).summary()["published"] == len(undisturbed)
    assert_published(str(tmp_path / "out"), undisturbed)
    # What the first run had encoded is taken up: of the video that was held, all of it.
    chunks = manifest.read(f"{tmp_path}/out/_manifest", "chunks").to_pylist()
    encoded = {row["video"] for row in chunks if "encode" in dict(row["seconds"])}
    assert len(encoded) < len(undisturbed)


def test_the_scheduler_is_killed(
    cluster: Processes,
    start_cluster: StartCluster,
    start_run: StartRun,
    undisturbed: Frames,
    tmp_path: Path,
) -> None:
    doomed = start_cluster()
    hold = doomed.hold("render", tmp_path)
    run = start_run(tmp_path / "out", doomed.reach)
    hold.process()
    doomed.kill(doomed.scheduler)
    code, told = run.finish()
    assert code == 1, told
    assert told.count("Error: ") == 1
    assert "the cluster's scheduler has gone; the same command goes on from here" in told
    hold.release()
    summary = start_run(tmp_path / "out", cluster.reach).summary()
    assert (summary["published"], summary["skipped"]) == (len(undisturbed), 0)
    assert_published(str(tmp_path / "out"), undisturbed)
