"""A benchmark that does not run is found before it is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT

BENCHMARKS = ROOT / "benchmarks"
SMALL = {
    "again.py": ["--seconds=8"],
    "crowd.py": ["--minutes=1", "--faces=3"],
    "driver.py": ["--videos=10"],
    "encoder.py": ["--seconds=1"],
    "limit.py": ["--seconds=1", "--rounds=1"],
    "media.py": ["--seconds=2", "--rounds=1"],
    "memory.py": ["--height=180", "--rate=10", "--seconds=1"],
    "object_store.py": ["--seconds=4", "--milliseconds=5"],
    "rekognition.py": ["quota", "--tps=100", "--frames=50"],
    "scaling.py": ["--seconds=1", "--rounds=1"],
    "simulation.py": ["--plot=simulation.svg"],
}
"""Arguments with which each is done soon."""
ELSEWHERE = {
    "clips.py",  # which others import
    "counted_run.py",  # which object_store.py imports
    "counts.py",  # which object_store.py imports
    "delay.py",  # a server that the command of driver.py uses
    "driver_source.py",  # which it imports
    "driver_stages.py",  # which it imports, too
    "listing.py",  # tests/benchmarks/test_driver.py
    "original.py",  # tests/benchmarks/test_original.py
    "peers.py",  # needs an environment with the peers
    "sizes.py",  # tests/docs/test_documents.py: make bench-quick
    "standin.py",  # tests/benchmarks/test_standin.py
    "standin_scene.py",  # which it imports
}
PAGE = (BENCHMARKS / "README.md").read_text()
NAMED = {
    name: " ".join(re.findall(rf"benchmarks/{name}((?: \\\n|.)*)", PAGE)) for name in sorted(SMALL)
}
"""What the page tells to add, for each."""


def test_each_is_tried() -> None:
    assert {path.name for path in BENCHMARKS.glob("*.py")} == {*SMALL} | ELSEWHERE


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_it_runs(name: str, tmp_path: Path) -> None:
    assert run(name, tmp_path, *SMALL[name]).count("|") > 4


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_the_options_that_the_page_names_exist(name: str, tmp_path: Path) -> None:
    subcommand = [word for word in SMALL[name] if not word.startswith("-")]
    help_text = run(name, tmp_path, *subcommand, "--help")
    named = set(re.findall(r"--[a-z]+", NAMED[name]))
    assert named <= set(re.findall(r"--[a-z]+", help_text))


def run(name: str, folder: Path, *arguments: str) -> str:
    """Run a benchmark in a folder; return what it prints."""
    command = [sys.executable, BENCHMARKS / name, *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
