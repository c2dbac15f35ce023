"""Workers on this machine are forked from one process, and work as if each had started alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from redact_dask.cluster import connect, local_workers
from redact_dask.config import ClusterSettings


def one(**given: Any) -> ClusterSettings:
    return ClusterSettings(workers=1, dashboard="127.0.0.1:0", **given)


@pytest.mark.skipif(os.cpu_count() == 1, reason="there is no core to do without")
def test_there_is_a_worker_for_each_core_that_we_may_use() -> None:
    """A container that may use eight of 64 cores has no memory for 64 workers."""
    cores = os.sched_getaffinity(0)
    assert connect.threads_at(ClusterSettings()) == len(cores)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert connect.threads_at(ClusterSettings()) == 1
    finally:
        os.sched_setaffinity(0, cores)
    assert connect.threads_at(ClusterSettings(workers=3)) == 3


def test_workers_are_forked_with_the_environment_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> tuple[str, str]:
        return os.environ["OF_TODAY"], " ".join(psutil.Process().parent().cmdline())

    given = one()
    for day in ("monday", "tuesday"):
        monkeypatch.setenv("OF_TODAY", day)
        with connect.ready_client(given) as client:
            (found,) = client.run(told).values()
        assert found[0] == day
        assert "forkserver" in found[1] or sys.platform != "linux"


def test_workers_start_where_temporary_files_have_a_long_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("a" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with connect.ready_client(one()) as client:
        assert connect.threads(client) == 1


def test_a_setting_of_dask_says_how_workers_are_started() -> None:
    method = {"distributed": {"worker": {"multiprocessing-method": "spawn"}}}
    with connect.ready_client(one(dask=method)) as client:
        (parent,) = client.run(os.getppid).values()
    assert parent == os.getpid()


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_what_workers_are_forked_from_has_one_thread() -> None:
    program = (
        "import os, sys\n"
        f"for module in {local_workers.PRELOADED}:\n"
        "    __import__(module)\n"
        "print(len(os.listdir('/proc/self/task')), 'openvino' in sys.modules)\n"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "False"]


DRIVER = """
import os, sys, time
from redact_dask.cluster import connect
from redact_dask.config import ClusterSettings

if __name__ == "__main__":
    settings = ClusterSettings(workers=2, dashboard="127.0.0.1:0")
    with connect.ready_client(settings) as client:
        print(*client.run(os.getpid).values(), *client.run(os.getppid).values(), flush=True)
        time.sleep(300)
"""


@pytest.mark.chaos
def test_workers_end_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "driver.py"
    program.write_text(DRIVER)
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        family = [psutil.Process(int(number)) for number in driver.stdout.readline().split()]
        driver.kill()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
