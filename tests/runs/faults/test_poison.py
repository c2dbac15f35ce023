"""A video that ends its workers is given up, and costs its neighbours nothing but a retry."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fixture_types import MakeClip
from harness import SETTINGS, Frames, Processes, StartRun, assert_published

from redact_dask import manifest

pytestmark = pytest.mark.chaos


def on_blue(what: str) -> dict[str, Any]:
    """Return settings with which a blue picture does something to the process that looks at it."""
    detect = SETTINGS["detect"] | {"options": {"magenta": {"on_blue": what}}}
    return SETTINGS | {"detect": detect, "driver": {"stage_limit_s": 6}}


@pytest.fixture
def poisoned(make_clip: MakeClip, fleet: Path, tmp_path: Path) -> Path:
    """The fleet, and before its videos one with a blue picture."""
    source = Path(shutil.copytree(fleet, tmp_path / "in"))
    make_clip(source / "0.mp4", frames=75, blue_frame=3, audio=False)
    return source


@pytest.mark.parametrize("what", ["crash", "hang"])
def test_a_video_that_ends_its_workers_is_given_up(
    what: str,
    cluster: Processes,
    start_run: StartRun,
    poisoned: Path,
    undisturbed: Frames,
    tmp_path: Path,
) -> None:
    settings = on_blue(what)
    destination = tmp_path / "out"
    summary = start_run(destination, cluster.reach, poisoned, settings=settings).summary()
    if len(summary["failures"]) > 1:
        # Dask blames what waits on a worker too: who waited on all four comes with the next run.
        assert {failure["reason"][:12] for failure in summary["failures"]} == {"KilledWorker"}
        summary = start_run(destination, cluster.reach, poisoned, settings=settings).summary()
    (failure,) = summary["failures"]
    assert (failure["path"], failure["stage"]) == ("0.mp4", "detect")
    assert failure["reason"].startswith("KilledWorker: 4 workers have died of it")
    assert summary["published"] + summary["skipped"] == len(undisturbed)
    assert_published(str(destination), undisturbed, settings)
    rows = manifest.read(f"{destination}/_manifest", "videos").to_pylist()
    told = {
        (row["stage"], row["error"], row["output"])
        for row in rows
        if row["source"].endswith("/0.mp4")
    }
    assert told == {("detect", "KilledWorker", None)}
