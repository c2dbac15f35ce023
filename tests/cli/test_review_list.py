"""The command names the copies with the most doubt, and where the doubts are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from doubted import detection_rows, detections
from made_up import VIDEO
from program import invoke
from published_rows import name, write


@pytest.fixture
def destination(tmp_path: Path) -> str:
    """Two videos of 2 min: a face that is seen twice in each, and hidden in none."""
    videos, seen = [], []
    for number, confidence in enumerate((0.4, 0.8)):
        columns = {"video": name(number), "path": f"car 1/{number}\n.mp4"}
        columns |= {"output": f"s3://redacted/{number}\n.mp4", "frames": 1200, "duration_s": 120.0}
        videos.append(VIDEO | columns)
        for frame in (700, 900):
            seen += detection_rows(name(number), detections([frame, frame + 1], confidence))
    return write(tmp_path, {"videos": videos, "detections": seen})


def test_copies_are_listed_by_doubt(destination: str) -> None:
    result = invoke("review", "list", destination)
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert first.strip().split("  ") == [
        "0.80",
        r"car 1/1\n.mp4",
        "0:01:10.0",
        "open",
        "face: seen 2 times, at best with 0.80, and not hidden (and 1 more)",
    ]
    assert r"car 1/0\n.mp4" in second
    assert invoke("review", "list", destination, "--most", 1).stdout.splitlines() == [first]


def test_the_doubts_of_one_copy_are_listed_by_time(destination: str) -> None:
    lines = invoke("review", "list", destination, "car 1/1\n.mp4").stdout.splitlines()
    assert ["0:01:10.0" in lines[0], "0:01:30.0" in lines[1]] == [True, True]
    assert lines[2] == r"doubt 0.80, 2 doubts about car 1/1\n.mp4"


def test_json_has_the_place_of_each_doubt(destination: str) -> None:
    (video,) = json.loads(invoke("review", "list", destination, "--most", 1, "--json").stdout)[
        "videos"
    ]
    assert video["path"] == "car 1/1\n.mp4"
    doubt = video["doubts"][0]
    assert (doubt["kind"], doubt["first"], doubt["last"]) == ("open", 700, 701)
    assert doubt["box"] == [100.5, 50.5, 140.5, 90.5]


def test_a_wrong_argument_is_told_in_a_sentence(destination: str, tmp_path: Path) -> None:
    result = invoke("review", "list", destination, "b.mp4")
    assert result.exit_code == 2
    assert "no copy of b.mp4 is published" in result.stderr
    result = invoke("review", "list", tmp_path / "nothing")
    assert result.exit_code == 2
    assert "has no published video" in " ".join(result.stderr.split())
