"""Collecting the rows of finished videos, and appending them to the manifest's datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from redact_dask import storage
from redact_dask.manifest import files
from redact_dask.manifest.files import Parts
from redact_dask.manifest.schema import SCHEMAS, Rows

_TOGETHER = 2**17
"""Rows that are completed at once: a crowded video has millions, some 100 bytes each."""


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
        self._tables: dict[str, list[pa.Table]] = {name: [] for name in SCHEMAS}
        self._parts = {name: Parts(storage.join(root, name), run) for name in SCHEMAS}

    @property
    def waiting(self) -> int:
        """Number of rows that are not written yet."""
        return sum(table.num_rows for tables in self._tables.values() for table in tables)

    def add(self, found: Mapping[str, Rows]) -> None:
        """Add the rows of a video, by dataset; the run's name is filled in."""
        for name, rows in found.items():
            if len(rows):
                is_table = isinstance(rows, pa.Table)
                table = rows if is_table else pa.Table.from_pylist(rows, SCHEMAS[name].remove(0))
                self._tables[name].append(table)

    def flush(self) -> bool:
        """Write all rows that are not written yet, those of ``videos`` last.

        Return whether small files were merged into one that stays.
        """
        is_merged = False
        for name, schema in SCHEMAS.items():
            if self._tables[name]:
                is_merged |= self._parts[name].append(self._complete(name, schema))
                self._tables[name].clear()
        return is_merged

    def _complete(self, name: str, schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield the rows that wait for a dataset, with the run's name, as the schema has them."""
        waiting = pa.concat_tables(self._tables[name])
        for first in range(0, waiting.num_rows, _TOGETHER):
            some = waiting.slice(first, _TOGETHER)
            run = pa.repeat(pa.scalar(self._run), some.num_rows)
            yield some.add_column(0, schema.field("run"), run).cast(schema)

    @property
    def growing(self) -> set[str]:
        """Paths below the manifest of the files that this run will merge yet."""
        return {f"{name}/{file}" for name, parts in self._parts.items() for file in parts.growing}

    def close(self) -> None:
        """Write all rows, and merge the small files of this run."""
        self.flush()
        for dataset in self._parts.values():
            dataset.merge()


def tidy(root: str) -> None:
    """Remove files that other files have replaced, but that killed runs did not remove."""
    for name in SCHEMAS:
        files.remove_replaced(storage.join(root, name))
