"""The benchmark of the driver with a source in S3: listing is measured, and shards share videos."""

from __future__ import annotations

import subprocess
import sys

import driver_source
import pytest
from project import ROOT

from redact_dask import storage


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, ROOT / "benchmarks" / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_two_shards_do_each_video_of_a_bucket_once(s3: str) -> None:
    source, destination = f"{s3}/benchmark/source", f"{s3}/benchmark/redacted"
    places = [f"--source={source}", f"--destination={destination}"]
    printed = run("driver.py", "--videos=12", "--workers=1", "--shards=2", *places)
    assert "Each of 12 videos was published exactly once." in printed
    rows = [row.split(" | ") for row in printed.splitlines() if row.startswith("| run |")]
    done = [int(row[1]) for row in rows]
    assert len(done) == 2
    assert sum(done) == 12
    assert min(done) > 0

    storage.remove(f"{destination}/{driver_source.name(3)}")
    with pytest.raises(AssertionError):
        driver_source.check(source, destination)


@pytest.mark.slow
def test_ways_to_list_are_compared(s3: str) -> None:
    printed = run("listing.py", f"--source={s3}/listed", "--videos=20", "--rounds=1")
    rows = [row.split(" | ") for row in printed.splitlines() if row.startswith("| f")]
    assert [row[1] for row in rows] == ["20", "20"]
