"""A destination to be checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from sealed import Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Two copies, sealed by a run each."""
    made = Fleet(tmp_path)
    made.publish("run-1", "car 1/a.mp4")
    made.publish("run-2", "car 1/b.mp4")
    return made
