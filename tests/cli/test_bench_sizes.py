"""The command: its checks, and one small run of all of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fixture_types import MakeClip
from program import invoke


def bench(*arguments: object) -> tuple[int, str]:
    result = invoke("bench", "sizes", *arguments)
    return result.exit_code, result.output


def test_what_is_wrong_is_told_before_anything_is_measured(clip: Path, tmp_path: Path) -> None:
    code, told = bench(tmp_path / "none.mp4")
    assert (code, "none.mp4 is not there" in told) == (2, True)
    code, told = bench(clip, "--catalogue", tmp_path / "none.yaml")
    assert (code, "none.yaml" in told) == (2, True)
    code, told = bench(clip, "--detector", "nobody")
    assert (code, "no detector is called nobody" in told) == (2, True)
    code, told = bench(clip, "--set", "detect.evry=2")
    assert (code, "detect.evry" in told) == (2, True)


@pytest.mark.slow
def test_a_small_bench(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=30)
    output = tmp_path / "sizes"
    code, told = bench(clip, clip, "--repeats", 1, "--set", "detect.every=5", "--output", output)
    assert code == 0, told
    assert {path.name for path in output.iterdir()} == {
        "measured.svg",
        "predicted-faces.svg",
        "runs",
        "sizes.md",
    }
    found = pq.read_table(output / "runs").to_pylist()
    assert [(row["processes"], row["twin"]) for row in found] == [(1, "A"), (2, "A"), (1, "B")]
    assert all(row["frames"] == 60 and row["tasks"] == 10 for row in found)
    assert all(row["worker_cpu_s"] > 0 for row in found)
    text = (output / "sizes.md").read_text()
    assert "| 2 x 1 | 10 s | faces |" in text
    assert "<svg" in (output / "measured.svg").read_text()
