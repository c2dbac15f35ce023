"""Files that are changed at random: each is published exactly, or refused in a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT


@pytest.mark.slow
def test_no_changed_file_leads_to_a_crash_a_leak_or_a_wrong_copy(tmp_path: Path) -> None:
    """The process is a new one: cases are forked from it, which no thread of this one survives."""
    script = ROOT / "tests" / "support" / "fuzz.py"
    limits = ["--seed", "20261128", "--cases", "300", "--minutes", "3"]
    command = [sys.executable, str(script), *limits, "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'published'" in done.stdout
