"""The manifest: Parquet datasets that prove what was done, at ``DEST/_manifest/``.

Each dataset is a folder of Parquet files, which are merged as a run goes on. ``videos`` has a row
for each attempt at a video, written after the rows of the others: what it names is complete.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.dataset import ParquetFileFormat

from redact_dask import parts, storage
from redact_dask.parts import Parts

SCHEMA_VERSION = "1"
_BATCHES_AHEAD = 2
"""Batches that are read before they are wanted: each takes some 10 MB."""


def _schema(fields: Mapping[str, tuple[pa.DataType, str]]) -> pa.Schema:
    return pa.schema(
        [
            pa.field(name, kind, metadata={"description": description})
            for name, (kind, description) in fields.items()
        ],
        metadata={"redact_dask.schema_version": SCHEMA_VERSION},
    )


_TIME = pa.timestamp("us", tz="UTC")
_SECONDS_BY_STEP = pa.map_(pa.string(), pa.float64())
_VIDEO = {
    "run": (pa.string(), "name of the run"),
    "video": (pa.string(), "16 hexadecimal digits for this version of this source"),
}
_BOX = {
    "x0": (pa.float32(), "left edge, pixels of the stored picture"),
    "y0": (pa.float32(), "upper edge, pixels of the stored picture"),
    "x1": (pa.float32(), "right edge, exclusive, pixels of the stored picture"),
    "y1": (pa.float32(), "lower edge, exclusive, pixels of the stored picture"),
}
_USAGE = {
    "calls": (pa.int64(), "pictures that a paid service answered; null or 0: none"),
    "throttled": (pa.int64(), "times that it said: too many calls"),
    "retried": (pa.int64(), "times that it failed otherwise, and was asked again"),
}

SCHEMAS: dict[str, pa.Schema] = {
    "detections": _schema(
        _VIDEO
        | {
            "frame": (pa.int64(), "rank in presentation order, from 0"),
            "pts_s": (pa.float64(), "presentation time, seconds"),
        }
        | _BOX
        | {
            "confidence": (pa.float32(), "0 to 1"),
            "label": (pa.string(), "class, face for one"),
            "detector": (pa.string(), "registered name of the detector"),
        }
    ),
    "regions": _schema(
        _VIDEO
        | {
            "frame": (pa.int64(), "rank in presentation order, from 0"),
            "track": (pa.int32(), "number of the track in its video, from 0"),
        }
        | _BOX
        | {"why": (pa.string(), "detected, interpolated or padded")}
    ),
    "damage": _schema(
        _VIDEO
        | {
            "first_frame": (pa.int64(), "first frame of a damaged GOP"),
            "last_frame": (pa.int64(), "its last frame; past the video's if its end is missing"),
            "start_s": (pa.float64(), "presentation time of the first, seconds; null: missing"),
            "end_s": (pa.float64(), "presentation time of the last, seconds; null: missing"),
            "reason": (pa.string(), "what is wrong"),
        }
    ),
    "chunks": _schema(
        _VIDEO
        | {
            "stage": (pa.string(), "probe, detect, track, render or join"),
            "index": (pa.int32(), "number of the chunk in its video; null: the whole video"),
            "first_frame": (pa.int64(), "first frame that the task worked on"),
            "last_frame": (pa.int64(), "last frame that the task worked on"),
            "frames": (pa.int64(), "frames that the task worked on"),
            "started": (_TIME, "start of the task"),
            "ended": (_TIME, "end of the task"),
            "seconds": (_SECONDS_BY_STEP, "wall seconds of each step"),
            "worker": (pa.string(), "name of the Dask worker"),
            "host": (pa.string(), "name of its machine"),
        }
        | _USAGE
    ),
    "videos": _schema(
        _VIDEO
        | {
            "source": (pa.string(), "URL of the source"),
            "version": (pa.string(), "ETag, or size and modification time, of the source"),
            "written": (_TIME, "when the source was last written; null if the store does not tell"),
            "output": (pa.string(), "URL of the redacted video; null if there is none"),
            "status": (pa.string(), "published or quarantined"),
            "stage": (pa.string(), "stage that failed; null if none"),
            "reason": (pa.string(), "why it was quarantined; null if it was not"),
            "error": (pa.string(), "class of the error that quarantined it; null if it was not"),
            "frames": (pa.int64(), "frames of the source; null if unknown"),
            "frames_analysed": (
                pa.int64(),
                "frames decoded, and looked at or between two that were",
            ),
            "frames_looked_at": (pa.int64(), "frames that every detector has looked at"),
            "frames_black": (pa.int64(), "frames that are damaged and not shown"),
            "frames_copied": (pa.int64(), "frames that were copied bit by bit, not encoded"),
            "why_encoded": (pa.string(), "why no span could be copied; null: spans could be"),
            "faces": (pa.int32(), "tracks that were hidden"),
            **_USAGE,
            "dollars": (pa.float64(), "price of the calls"),
            "duration_s": (pa.float64(), "length of the video, seconds"),
            "seconds": (pa.float64(), "wall seconds from its first task to its end"),
            "bytes_in": (pa.int64(), "size of the source"),
            "bytes_out": (pa.int64(), "size of the redacted video"),
            "sha256": (pa.string(), "of the redacted video, hexadecimal"),
            "detectors": (pa.list_(pa.string()), "identities: name, weights, precision"),
            "fingerprint": (pa.string(), "of all settings that decide the output"),
            "versions": (pa.map_(pa.string(), pa.string()), "of the software"),
            "finished": (_TIME, "when the row was made"),
        }
    ),
}
"""Schema of each dataset, in the order in which they are written."""

Row = dict[str, Any]


class Writer:
    """Collects rows and appends them to the datasets, many videos to a file."""

    def __init__(self, root: str, run: str) -> None:
        self._run = run
        self._rows: dict[str, list[Row]] = {name: [] for name in SCHEMAS}
        self._parts = {name: Parts(storage.join(root, name), run) for name in SCHEMAS}

    @property
    def waiting(self) -> int:
        """Number of rows that are not written yet."""
        return sum(len(rows) for rows in self._rows.values())

    def add(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Add rows of a video, by dataset; the run's name is filled in."""
        for name, more in rows.items():
            self._rows[name].extend({"run": self._run, **row} for row in more)

    def flush(self) -> None:
        """Write all rows; those of ``videos`` last."""
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
    """Remove files that a run was killed before it could: their rows are in others."""
    for name in SCHEMAS:
        parts.remove_replaced(storage.join(root, name))


def root(destination: str) -> str:
    """Return the URL of a destination's manifest."""
    return storage.join(destination, "_manifest")


def read(root: str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a dataset, or an empty table if there is none yet.

    Parameters
    ----------
    root
        URL of the manifest.
    name
        One of `SCHEMAS`.
    columns
        Those to read; default: all.
    """
    schema = _schema_of(name, columns)
    files = [_table(content, schema) for content in parts.contents(storage.join(root, name))]
    return pa.concat_tables([schema.empty_table(), *files])


def latest(root: str, name: str, columns: Sequence[str]) -> pa.Table:
    """Read the file of a dataset that was begun last, or an empty table if there is none yet."""
    content = parts.last_content(storage.join(root, name))
    schema = _schema_of(name, columns)
    return schema.empty_table() if content is None else _table(content, schema)


def tables(
    root: str,
    name: str,
    columns: Sequence[str],
    runs: Collection[str] | None = None,
    most: int | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of a dataset, some thousands at a time: it may be larger than the memory.

    Parameters
    ----------
    root
        URL of the manifest.
    name
        One of `SCHEMAS`.
    columns
        Those to read.
    runs
        Names of the runs whose rows are wanted; default: all.
    most
        Files that are read; of more, those evenly spread over all. Default: all.
    """
    wanted = None if runs is None else pc.field("run").isin([*runs])
    for content in parts.contents(storage.join(root, name), runs, most):
        # Of a column that an older version did not write, a fragment reads nulls.
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
    """Yield what decides whether a video is tried again, of every attempt."""
    columns = ["video", "source", "fingerprint", "output", "bytes_out", "status", "error"]
    columns += ["versions", "finished"]
    for table in tables(root, "videos", columns):
        yield from table.to_pylist(maps_as_pydicts="strict")


def published(root: str) -> Iterator[Row]:
    """Yield those attempts that were published."""
    return (row for row in attempts(root) if row["status"] == "published")
