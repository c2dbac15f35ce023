"""Whatever is killed, cut off or full: nothing is lost, doubled, half done or unredacted."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from harness import Frames, MakeHold, Processes, StartRun, assert_all_is_well

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("stage", ["probe", "detect", "track", "render", "join"])
def test_a_worker_is_killed(
    stage: str,
    when: str,
    processes: Processes,
    hold: MakeHold,
    start_run: StartRun,
    fleet: Path,
    undisturbed: Frames,
    tmp_path: Path,
) -> None:
    held = hold(stage, when)
    run = start_run(fleet, tmp_path / "out", processes.address)
    os.kill(held.process(), signal.SIGKILL)
    held.release()
    code, told = run.finish()
    assert code == 0, told
    assert_all_is_well(str(tmp_path / "out"), undisturbed)


def test_a_worker_is_told_to_end_and_another_comes(
    processes: Processes,
    hold: MakeHold,
    start_run: StartRun,
    fleet: Path,
    undisturbed: Frames,
    tmp_path: Path,
) -> None:
    held = hold("render", "before")
    run = start_run(fleet, tmp_path / "out", processes.address)
    held.process()
    processes.worker.send_signal(signal.SIGTERM)
    processes.start_worker()
    held.release()
    code, told = run.finish()
    assert code == 0, told
    assert_all_is_well(str(tmp_path / "out"), undisturbed)


def test_the_driver_is_killed_and_only_what_was_in_flight_is_done_again(
    processes: Processes,
    hold: MakeHold,
    start_run: StartRun,
    fleet: Path,
    undisturbed: Frames,
    tmp_path: Path,
) -> None:
    held = hold("join", "before")
    first = start_run(fleet, tmp_path / "out", processes.address)
    held.process()
    first.process.kill()
    first.process.wait()
    held.release()
    segments = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.mkv")}
    again = start_run(fleet, tmp_path / "out", processes.address)
    code, told = again.finish()
    assert code == 0, told
    assert segments, "the join could not have begun without"
    assert_all_is_well(str(tmp_path / "out"), undisturbed)


def test_the_scheduler_is_killed(
    processes: Processes,
    hold: MakeHold,
    start_run: StartRun,
    fleet: Path,
    undisturbed: Frames,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    held = hold("render", "after")
    run = start_run(fleet, tmp_path / "out", processes.address)
    held.process()
    processes.stop(processes.scheduler, signal.SIGKILL)
    code, told = run.finish()
    assert code == 1, told
    assert "Error: " in told
    held.release()
    others = Processes(tmp_path_factory.mktemp("others"))
    try:
        code, told = start_run(fleet, tmp_path / "out", others.address).finish()
    finally:
        others.close()
    assert code == 0, told
    assert_all_is_well(str(tmp_path / "out"), undisturbed)


def test_the_store_stops_for_a_while(
    s3: str,
    processes: Processes,
    hold: MakeHold,
    start_run: StartRun,
    fleet: Path,
    undisturbed: Frames,
) -> None:
    port = os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]
    (server,) = (
        process
        for process in psutil.process_iter(["cmdline"])
        if f"-s3.port={port}" in (process.info["cmdline"] or ())
    )
    destination = f"{s3}/redacted"
    held = hold("render", "before")
    run = start_run(fleet, destination, processes.address)
    held.process()
    server.suspend()
    held.release()
    time.sleep(20)
    server.resume()
    code, told = run.finish(300)
    if code:
        code, told = start_run(fleet, destination, processes.address).finish()
    assert code == 0, told
    assert_all_is_well(destination, undisturbed)


def test_the_scratch_disk_is_full(
    processes: Processes,
    start_run: StartRun,
    fleet: Path,
    undisturbed: Frames,
    tmp_path: Path,
    tiny_disk: Path,
) -> None:
    (tiny_disk / "other").write_bytes(bytes(190_000))
    processes.stop(processes.worker)
    small = processes.start_worker(TMPDIR=str(tiny_disk), DASK_TEMPORARY_DIRECTORY=str(tmp_path))
    code, told = start_run(fleet, tmp_path / "out", processes.address).finish()
    assert code == 3, told
    assert "No space left on device" in told
    assert not list((tmp_path / "out").glob("*.mp4"))
    processes.stop(small)
    processes.start_worker()
    code, told = start_run(fleet, tmp_path / "out", processes.address).finish()
    assert code == 0, told
    assert_all_is_well(str(tmp_path / "out"), undisturbed)
