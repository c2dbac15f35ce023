"""The manifest: Parquet datasets that prove what was done, at ``DEST/_manifest/``.

Each dataset is a folder of Parquet files, which are merged as a run goes on. ``videos`` has a row
for each attempt at a video, written after the rows of the others: what it names is complete.
"""

from redact_dask.manifest.reader import attempts, latest, published, read, tables
from redact_dask.manifest.schema import SCHEMA_VERSION, SCHEMAS, Row
from redact_dask.manifest.writer import Writer, tidy

__all__ = [
    "SCHEMAS",
    "SCHEMA_VERSION",
    "Row",
    "Writer",
    "attempts",
    "latest",
    "published",
    "read",
    "tables",
    "tidy",
]
