"""A video that ends its workers is given up, and costs its neighbours nothing but a retry."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import SETTINGS, Frames, Processes, StartRun, assert_published

from redact_dask import manifest

pytestmark = pytest.mark.chaos


def on_blue(what: str) -> dict[str, Any]:
    """Return settings with which a blue picture does something to the process that looks at it."""
    detect = SETTINGS["detect"] | {"options": {"magenta": {"on_blue": what}}}
    return SETTINGS | {"detect": detect, "driver": {"stage_limit_s": 6}}


@pytest.fixture
def poisoned(
    make_clip: Callable[..., Path], fleet: Path, undisturbed: Frames, tmp_path: Path
) -> tuple[Path, dict[str, str]]:
    """A source whose first video has a blue picture, and the frames of the others."""
    source = tmp_path / "in"
    make_clip(source / "0.mp4", frames=75, blue_frame=3, audio=False)
    neighbours = {}
    for number in range(2):
        for path, frames in undisturbed.items():
            neighbours[f"{number}/{path}"] = frames
            (source / f"{number}/{path}").parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(fleet / path, source / f"{number}/{path}")
    return source, neighbours


@pytest.mark.parametrize("what", ["crash", "hang"])
def test_a_video_that_ends_its_workers_is_given_up(
    what: str,
    cluster: Processes,
    start_run: StartRun,
    poisoned: tuple[Path, dict[str, str]],
    tmp_path: Path,
) -> None:
    source, neighbours = poisoned
    settings = on_blue(what)
    summary = start_run(tmp_path / "out", cluster.reach, source, settings=settings).summary()
    (failure,) = summary["failures"]
    assert (failure["path"], failure["stage"]) == ("0.mp4", "detect")
    assert failure["reason"].startswith("KilledWorker: 4 workers have died of it")
    assert summary["published"] == len(neighbours)
    assert_published(str(tmp_path / "out"), neighbours, settings, work=True)
    (row,) = (
        row
        for row in manifest.read(f"{tmp_path}/out/_manifest", "videos").to_pylist()
        if row["status"] == "quarantined"
    )
    assert (row["stage"], row["error"], row["output"]) == ("detect", "KilledWorker", None)
