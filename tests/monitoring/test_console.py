"""Showing progress where it cannot be shown."""

from __future__ import annotations

import pytest

import redact_dask


def test_progress_of_a_notebook_needs_one() -> None:
    with pytest.raises(redact_dask.UsageError, match="this is no notebook"):
        redact_dask.notebook_progress()
