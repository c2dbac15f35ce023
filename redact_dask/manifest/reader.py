"""Reading the manifest: whole datasets, batches of them, and what earlier runs did."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from operator import itemgetter
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.dataset import ParquetFileFormat

from redact_dask import storage
from redact_dask.manifest import files
from redact_dask.manifest.schema import SCHEMAS, Row

_BATCHES_AHEAD = 2
"""Batches that are read ahead: each takes some 10 MB of memory."""


def read(root: str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a whole dataset; it is empty if nothing was written yet.

    Parameters
    ----------
    root
        URL of the manifest.
    name
        Name of the dataset, a key of `SCHEMAS`.
    columns
        Names of the columns to read; default: all.
    """
    schema = _schema_of(name, columns)
    found = [_table(content, schema) for content in files.contents(storage.join(root, name))]
    return pa.concat_tables([schema.empty_table(), *found])


def latest(root: str, name: str, columns: Sequence[str]) -> pa.Table:
    """Read the newest file of a dataset; the table is empty if nothing was written yet."""
    content = files.last_content(storage.join(root, name))
    schema = _schema_of(name, columns)
    return schema.empty_table() if content is None else _table(content, schema)


def tables(
    root: str,
    name: str,
    columns: Sequence[str],
    runs: Collection[str] | None = None,
    most: int | None = None,
    video: str | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of a dataset, some thousands at a time, since it may exceed the memory.

    Parameters
    ----------
    root
        URL of the manifest.
    name
        Name of the dataset, a key of `SCHEMAS`.
    columns
        Names of the columns to read.
    runs
        Names of the runs whose rows are wanted; default: all.
    most
        Most files to read; if there are more, they are picked evenly from all. Default: all.
    video
        Id of the only video that is wanted; default: all are.
    """
    wanted = None if runs is None else pc.field("run").isin([*runs])
    if video is not None:
        of_video = pc.field("video") == video
        wanted = of_video if wanted is None else wanted & of_video
    for content in files.contents(storage.join(root, name), runs, most):
        yield from tables_of(content, name, columns, wanted)


def tables_of(
    content: bytes, name: str, columns: Sequence[str], wanted: pc.Expression | None = None
) -> Iterator[pa.Table]:
    """Yield the rows of a file of a dataset, some thousands at a time.

    Parameters
    ----------
    content
        Content of the file.
    name, columns
        See `tables`.
    wanted
        Condition of the rows that are wanted; default: all.
    """
    # A fragment reads nulls for a column that an older version did not write.
    fragment = ParquetFileFormat().make_fragment(pa.BufferReader(content))
    batches = fragment.to_batches(
        SCHEMAS[name], columns=[*columns], filter=wanted, batch_readahead=_BATCHES_AHEAD
    )
    for batch in batches:
        yield pa.Table.from_batches([batch])


def _table(content: bytes, schema: pa.Schema) -> pa.Table:
    return pq.read_table(pa.BufferReader(content), schema=schema)


def _schema_of(name: str, columns: Sequence[str] | None) -> pa.Schema:
    schema = SCHEMAS[name]
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


def attempts(root: str) -> Iterator[Row]:
    """Yield a row for every attempt, with the columns that decide whether to retry the video."""
    columns = ["video", "source", "path", "version", "fingerprint", "output", "bytes_out"]
    columns += ["status", "error", "versions", "finished", "edits"]
    for table in tables(root, "videos", columns):
        yield from table.to_pylist(maps_as_pydicts="strict")


def paths(row: Row, destination: str) -> tuple[str, str | None]:
    """Return the paths of a video below its source's root, and of its copy below the destination.

    Both may have been mounted elsewhere, or moved, since then.

    Parameters
    ----------
    row
        Its columns ``source``, ``path`` and ``output``.
    destination
        URL of the destination's root.

    Returns
    -------
    The paths; that of the copy is None if there was none.
    """
    path = row["path"]
    if path is None:
        # Rows of earlier versions have none, but its folders are those of its copy.
        name = PurePosixPath(row["source"]).name
        below = (row["output"] or name).removeprefix(f"{destination}/")
        path = str(PurePosixPath(below).with_name(name))
    if not row["output"]:
        return path, None
    return path, str(PurePosixPath(path).with_name(PurePosixPath(row["output"]).name))


def published(root: str) -> list[Row]:
    """Return the row of each video's newest copy; all rows of videos are read into memory."""
    copies = (row for row in read(root, "videos").to_pylist() if row["status"] == "published")
    return [*{row["video"]: row for row in sorted(copies, key=itemgetter("finished"))}.values()]
