"""Whatever is killed, wherever it is: nothing is lost, doubled, half done or unredacted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from harness import SETTINGS, Frames, Processes, StartCluster, StartRun, assert_published
from holding import PLACES
from program import invoke
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


def test_what_a_killed_driver_has_written_is_sealed_by_the_next_run(
    cluster: Processes, start_run: StartRun, fleet: Path, undisturbed: Frames, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    hold = cluster.hold("join", tmp_path)
    # It writes the rows of each video at once.
    program = "from redact_dask.driver import results; results.FLUSH_S = 0.0;"
    program += "from redact_dask.cli.main import main; main()"
    arguments = ["run", fleet, destination, "--set", f"cluster={json.dumps(cluster.reach)}"]
    for section, given in SETTINGS.items():
        arguments += ["--set", f"{section}={json.dumps(given)}"]
    with subprocess.Popen([sys.executable, "-c", program, *arguments]) as driver:
        try:
            hold.process()
            rows = partial(manifest.read, f"{destination}/_manifest", "videos")
            until(lambda: rows().num_rows == len(undisturbed) - 1, "the rows of all but one")
            assert verified(destination) == (0, {"note"}), "the run is at work"
        finally:
            driver.kill()
    hold.release()
    assert verified(destination)[0] == 4
    assert "unsealed" in verified(destination)[1]
    assert start_run(destination, cluster.reach).summary()["published"] == 1
    assert verified(destination) == (0, {"note"})
    assert_published(str(destination), undisturbed)


def verified(destination: Path) -> tuple[int, set[str]]:
    """Return the exit code of ``verify``, and the kinds of what it tells."""
    result = invoke("verify", destination, "--json")
    told = json.loads(result.stdout.splitlines()[-1])
    return result.exit_code, {found["kind"] for found in told["findings"]}
