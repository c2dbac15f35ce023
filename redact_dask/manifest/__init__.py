"""The manifest: Parquet datasets in ``DEST/_manifest/`` that prove what was done.

Each dataset is a folder of Parquet files, which a run merges as it goes on. The dataset ``videos``
has a row for each attempt at a video. It is written after the rows of the other datasets, so those
are complete for every video that it names. At its end, a run seals the files; see ``seals``.
"""

from redact_dask.manifest.reader import attempts, latest, paths, published, read, tables, tables_of
from redact_dask.manifest.schema import SCHEMA_VERSION, SCHEMAS, Row, Rows
from redact_dask.manifest.writer import Writer, tidy

__all__ = [
    "SCHEMAS",
    "SCHEMA_VERSION",
    "Row",
    "Rows",
    "Writer",
    "attempts",
    "latest",
    "paths",
    "published",
    "read",
    "tables",
    "tables_of",
    "tidy",
]
