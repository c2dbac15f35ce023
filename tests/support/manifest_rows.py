"""What a run has written into its manifest."""

from __future__ import annotations

from pathlib import Path

from made_up import Row

from redact_dask import manifest


def rows(destination: Path, name: str) -> list[Row]:
    """Return the rows of one of the manifest's datasets, without the run's name."""
    table = manifest.read(str(destination / "_manifest"), name)
    return list(table.drop_columns(["run"]).to_pylist())
