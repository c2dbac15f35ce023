"""A plan tells what a run would do, and does nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from folders import written
from program import invoke


def test_a_plan_touches_nothing(tmp_path: Path, clip: Path) -> None:
    before = written(tmp_path) | written(clip.parent)
    result = invoke("plan", clip, tmp_path / "destination", "--json")
    assert result.exit_code == 0
    assert "would redact clip.mp4" in result.stdout
    assert "90 frames, 3.0 s of video (1 of 1 videos probed)" in result.stdout
    told = json.loads(result.stdout.splitlines()[-1])
    # Of 90 frames every fourth one, the first of each of six GOPs, and the last.
    assert told.items() >= {"to_do": 1, "skipped": 0, "looks": 28, "dollars": 0.0}.items()
    assert told["tasks"] == 5
    look_s = 0.057 + 0.0576 * 0.045  # CenterFace, and YuNet for each million pixels of 320x180
    assert told["cpu_hours"] == pytest.approx((28 * look_s + 90 * 0.0576 * 0.035) / 3600)
    assert "5 tasks, about 0.00 CPU hours" in result.stdout
    assert written(tmp_path) | written(clip.parent) == before


def test_a_plan_says_how_many_videos_each_zone_fits(tmp_path: Path, clip: Path) -> None:
    one = "{paths: [clip*], hide: [[[0, 0], [1, 1]]]}"
    other = "{paths: [a/*], show: [[[0, 0], [1, 1]]]}"
    zones = f"zones=[{one}, {other}]"
    result = invoke("plan", clip, tmp_path / "destination", "--set", zones)
    assert result.exit_code == 0
    assert "zones.0 (clip*) fits 1 of 1 videos" in result.stdout
    assert "zones.1 (a/*) fits 0 of 1 videos" in result.stdout
