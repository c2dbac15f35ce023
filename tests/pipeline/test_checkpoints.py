"""What is saved comes back, or is seen to be damaged."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from redact_dask.errors import CheckFailed
from redact_dask.pipeline import checkpoints
from redact_dask.pipeline.timing import Timer
from redact_dask.records import (
    Chunk,
    Detected,
    Detection,
    Detections,
    Keyframe,
    Region,
    RegionOrigin,
    Regions,
)

TIMING = Timer().timing()
START = Keyframe(0, 1000, 0)
CHUNKS = [Chunk(n, START, 10 * n, tuple(range(10 * n, 10 * n + 10)), ()) for n in range(3)]
SEEN = [Detection(3, 1.5, 2.0, 3.0, 4.0, 0.5, "face", "faces")]
REGIONS = Regions.of(
    Region(frame, 0, 1.0, 2.0, 3.0, 4.0, RegionOrigin.DETECTED, "face", "told")
    for frame in (3, 4, 25)
)


def detected() -> Detected:
    seen = Detections.of(SEEN)
    steps = (None, (1.0, 2.0, 3.0))
    return Detected(0, 10, 3, seen, ("faces-1",), (), (0.0, 0.5), TIMING, steps)


def test_detections_come_back(tmp_path: Path) -> None:
    url = str(tmp_path / "0.json")
    checkpoints.save_detected(url, detected(), CHUNKS[0])
    assert checkpoints.load_detected(url, CHUNKS[0], TIMING) == detected()
    assert checkpoints.load_detected(url, CHUNKS[1], TIMING) is None, "other frames"


def test_what_an_earlier_version_has_paid_for_is_taken(tmp_path: Path) -> None:
    """Up to version 0.2, each detection was a list."""
    path = tmp_path / "0.json"
    checkpoints.save_detected(str(path), detected(), CHUNKS[0])
    record = json.loads(path.read_text())
    record["detections"] = [[3, 1.5, 2.0, 3.0, 4.0, 0.5, "face", "faces"]]
    path.write_text(json.dumps(record))
    assert checkpoints.load_detected(str(path), CHUNKS[0], TIMING) == detected()


def test_damaged_detections_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "0.json"
    checkpoints.save_detected(str(path), detected(), CHUNKS[0])
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"detections": record["detections"][:-40]}))
    assert checkpoints.load_detected(str(path), CHUNKS[0], TIMING) is None


def test_each_chunk_has_a_plan_of_its_own(tmp_path: Path) -> None:
    plan = checkpoints.save_plan(str(tmp_path), REGIONS, CHUNKS)
    assert plan[1] is None, "nothing is hidden there"
    assert [*checkpoints.load_plan(plan[:1])] == [*REGIONS][:2]
    assert [*checkpoints.load_plan(plan[1:2])] == []
    assert checkpoints.load_plan(plan) == REGIONS


def test_another_plan_has_other_files(tmp_path: Path) -> None:
    plan = checkpoints.save_plan(str(tmp_path), REGIONS, CHUNKS)
    other = replace(REGIONS, box=REGIONS.box + 1)
    assert not {*filter(None, plan)} & {*checkpoints.save_plan(str(tmp_path), other, CHUNKS)}
    assert checkpoints.load_plan(plan) == REGIONS


def without_labels() -> bytes:
    """Return a plan as versions up to 0.2 saved it."""
    content = io.BytesIO()
    columns = REGIONS.arrays
    del columns["kind"], columns["kinds"]
    np.savez(content, allow_pickle=False, **columns)
    return content.getvalue()


@pytest.mark.parametrize("content", [b"", b"text", Regions.of(()).to_bytes(), without_labels()])
def test_a_damaged_plan_hides_nothing_in_silence(tmp_path: Path, content: bytes) -> None:
    plan = checkpoints.save_plan(str(tmp_path), REGIONS, CHUNKS)
    Path(str(plan[0])).write_bytes(content)
    with pytest.raises(CheckFailed, match="which tells what to hide, is damaged"):
        checkpoints.load_plan(plan)


def test_a_plan_that_is_gone_hides_nothing_in_silence(tmp_path: Path) -> None:
    plan = checkpoints.save_plan(str(tmp_path), REGIONS, CHUNKS)
    Path(str(plan[0])).unlink()
    with pytest.raises(FileNotFoundError):
        checkpoints.load_plan(plan)
