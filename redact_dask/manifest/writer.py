"""Collecting the rows of finished videos, and appending them to the manifest's datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from redact_dask import storage
from redact_dask.manifest import files
from redact_dask.manifest.files import Parts
from redact_dask.manifest.schema import SCHEMAS, Row


class Writer:
    """Collects rows and appends them to the datasets, those of many videos to one file.

    Parameters
    ----------
    root
        URL of the manifest.
    run
        Name of the run.
    """

    def __init__(self, root: str, run: str) -> None:
        self._run = run
        self._rows: dict[str, list[Row]] = {name: [] for name in SCHEMAS}
        self._parts = {name: Parts(storage.join(root, name), run) for name in SCHEMAS}

    @property
    def waiting(self) -> int:
        """Number of rows that are not written yet."""
        return sum(len(rows) for rows in self._rows.values())

    def add(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Add the rows of a video, by dataset; the run's name is filled in."""
        for name, more in rows.items():
            self._rows[name].extend({"run": self._run, **row} for row in more)

    def flush(self) -> None:
        """Write all rows that are not written yet, those of ``videos`` last."""
        for name, schema in SCHEMAS.items():
            if self._rows[name]:
                self._parts[name].append(pa.Table.from_pylist(self._rows[name], schema))
                self._rows[name].clear()

    def close(self) -> None:
        """Write all rows, and merge the small files of this run."""
        self.flush()
        for dataset in self._parts.values():
            dataset.merge()


def tidy(root: str) -> None:
    """Remove files that other files have replaced, but that killed runs did not remove."""
    for name in SCHEMAS:
        files.remove_replaced(storage.join(root, name))
