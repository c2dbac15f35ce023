"""One destination, one run at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from redact_dask import storage
from redact_dask.errors import SourceError
from redact_dask.storage import lease

ALL = (1, 1)


def leave(destination: Path, **changes: Any) -> None:
    """Leave the lease of a run that lives, on another machine, unless told otherwise."""
    told = {"shards": [1, 1], "host": "elsewhere", "place": "elsewhere", "process": 7, "started": 1}
    told["renewed"] = time.time()
    storage.write(f"{destination}/_lease/other.json", json.dumps(told | changes).encode())


def test_a_second_run_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    destination = str(tmp_path)
    with (
        lease.acquire(destination, "one", ALL),
        pytest.raises(SourceError, match=f"process {os.getpid()} on .* is at work"),
        lease.acquire(destination, "two", ALL),
    ):
        pass
    assert not list(tmp_path.iterdir())
    with lease.acquire(destination, "two", ALL):
        assert (tmp_path / "_lease" / "two.json").exists()


def test_shards_of_the_same_number_get_along(tmp_path: Path) -> None:
    destination = str(tmp_path)
    with lease.acquire(destination, "one", (1, 2)):
        with lease.acquire(destination, "two", (2, 2)):
            pass
        for shards in [(1, 2), (2, 3), ALL]:
            with pytest.raises(SourceError), lease.acquire(destination, "two", shards):
                pass


def test_a_run_that_was_killed_counts_only_for_a_while(tmp_path: Path) -> None:
    leave(tmp_path, renewed=time.time() - 60)
    with (
        pytest.raises(SourceError, match=r"seen 6\d s ago.* try again in [56]\d s"),
        lease.acquire(str(tmp_path), "two", ALL),
    ):
        pass
    leave(tmp_path, renewed=time.time() - 130)
    with lease.acquire(str(tmp_path), "two", ALL):
        pass


def test_a_process_of_this_machine_that_is_gone_does_not_count(tmp_path: Path) -> None:
    program = (
        "import os, sys, signal\n"
        "from redact_dask.storage import lease\n"
        "with lease.acquire(sys.argv[1], 'one', (1, 1)):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert (tmp_path / "_lease" / "one.json").exists()
    with lease.acquire(str(tmp_path), "two", ALL):
        pass


def test_a_lease_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEWED_S", 0.05)
    with lease.acquire(str(tmp_path), "one", ALL):
        file = tmp_path / "_lease" / "one.json"
        first = json.loads(file.read_text())["renewed"]
        deadline = time.monotonic() + 10
        while json.loads(file.read_text())["renewed"] == first:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_lease_that_was_taken_over_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEWED_S", 0.3)
    with lease.acquire(str(tmp_path), "asleep", ALL) as first:
        told = json.loads(storage.read(first))
        storage.write(first, json.dumps(told | {"renewed": 0}).encode())
        with lease.acquire(str(tmp_path), "two", ALL) as second:
            time.sleep(0.8)
            assert lease.is_valid(second)
            assert not lease.is_valid(first)


def test_shards_do_not_take_over_from_each_other(tmp_path: Path) -> None:
    leave(tmp_path, shards=[1, 2], renewed=0)
    with lease.acquire(str(tmp_path), "two", (2, 2)):
        assert lease.is_valid(f"{tmp_path}/_lease/other.json")
    with lease.acquire(str(tmp_path), "one", (1, 2)):
        assert not lease.is_valid(f"{tmp_path}/_lease/other.json")


def test_a_store_that_is_away_says_nothing_of_a_lease(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    with pytest.raises(OSError, match="Not a directory"):
        lease.is_valid(f"{tmp_path}/folder/one.json")


def test_a_process_that_has_the_number_of_another_does_not_count(tmp_path: Path) -> None:
    with lease.acquire(str(tmp_path), "one", ALL):
        mine = json.loads((tmp_path / "_lease" / "one.json").read_text())
    leave(tmp_path, **mine | {"started": mine["started"] - 100})
    with lease.acquire(str(tmp_path), "two", ALL):
        pass
    leave(tmp_path, **mine | {"started": mine["started"] - 100, "place": "another namespace"})
    with pytest.raises(SourceError), lease.acquire(str(tmp_path), "two", ALL):
        pass


@pytest.mark.parametrize("content", ["", "null", "{}", '{"shards": 1}'])
def test_what_is_no_lease_does_not_count(content: str, tmp_path: Path) -> None:
    storage.write(f"{tmp_path}/_lease/other.json", content.encode())
    with lease.acquire(str(tmp_path), "two", ALL):
        pass
