"""A store that does not answer, and a disk that is full: the run waits, or tells it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest
from harness import Frames, Processes, StartCluster, StartRun, assert_published

pytestmark = pytest.mark.chaos


def test_the_store_stops_for_a_while(
    s3: str, cluster: Processes, start_run: StartRun, undisturbed: Frames, tmp_path: Path
) -> None:
    hold = cluster.hold("render", tmp_path)
    run = start_run(f"{s3}/starved/redacted", cluster.reach)
    hold.process()
    server = process_of_the_store()
    server.suspend()
    hold.release()
    time.sleep(20)
    server.resume()
    assert run.summary()["published"] == len(undisturbed)
    assert_published(f"{s3}/starved/redacted", undisturbed)


def process_of_the_store() -> psutil.Process:
    port = os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]
    return next(
        process
        for process in psutil.process_iter(["cmdline"])
        if f"-s3.port={port}" in (process.info["cmdline"] or ())
    )


def test_the_scratch_disk_is_full(
    start_cluster: StartCluster,
    start_run: StartRun,
    undisturbed: Frames,
    tmp_path: Path,
    tiny_disk: Path,
) -> None:
    (tiny_disk / "other").write_bytes(bytes(2**23 - 2**15))
    cluster = start_cluster(TMPDIR=str(tiny_disk))
    summary = start_run(tmp_path / "out", cluster.reach).summary()
    assert (summary["published"], summary["quarantined"]) == (0, len(undisturbed))
    for failure in summary["failures"]:
        assert (failure["stage"], failure["blame"]) == ("render", "host")
        assert "No space left on device" in failure["reason"]
    assert not any((tmp_path / "out" / name).exists() for name in undisturbed)
    assert not cluster.scratch
    (tiny_disk / "other").unlink()
    assert start_run(tmp_path / "out", cluster.reach).summary()["published"] == len(undisturbed)
    assert_published(str(tmp_path / "out"), undisturbed)
