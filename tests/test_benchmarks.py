"""A benchmark that does not run is found before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.slow
def test_the_driver_is_measured() -> None:
    command = [sys.executable, BENCHMARKS / "driver.py", "--videos", "10"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "| 10 | " in done.stdout
    assert "| resume | " in done.stdout
