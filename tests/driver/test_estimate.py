"""What a plan says of the work that is to be done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from backlogs import Judge, videos
from distributed import Client

import redact_dask
from redact_dask import config, manifest
from redact_dask.driver.backlog import Backlog
from redact_dask.driver.estimate import estimate
from redact_dask.sources import listing
from redact_dask.storage import layout


def test_a_plan_goes_by_the_pace_of_the_last_run(
    clip: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    settings = config.validate({"detect": {"detectors": ["magenta"]}})
    redact_dask.redact(clip, destination, settings, client)
    root = layout.manifest(str(destination))
    took = manifest.read(root, "chunks").to_pylist()
    seconds = sum((row["ended"] - row["started"]).total_seconds() for row in took)
    with Backlog(videos("NEW 1"), Judge()) as backlog:
        backlog.wait()
        assert estimate(backlog, str(destination), settings).cpu_hours == 0, "it is unreadable"
    (video,) = listing.list_videos(str(clip), str(destination))
    with Backlog([replace(video, path="NEW")], Judge()) as backlog:
        needed = estimate(backlog, str(destination), settings)
    assert needed.cpu_hours * 3600 == pytest.approx(seconds)
