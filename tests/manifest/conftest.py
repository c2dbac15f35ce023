"""A place for a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> str:
    """URL of a manifest that does not exist yet."""
    return str(tmp_path / "_manifest")
