"""Schemas of the manifest's datasets: the columns of each, with their meanings and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

SCHEMA_VERSION = "1"
"""Version of the schemas, which each file holds in its metadata."""


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
_STREAM = {
    "stream": (pa.int32(), "number of the video stream in the source, from 0; null or 0: the first")
}
_USAGE = {
    "calls": (pa.int64(), "pictures that a paid service answered; null or 0: none"),
    "throttled": (pa.int64(), "times that it said: too many calls"),
    "retried": (pa.int64(), "times that it failed otherwise, and was asked again"),
}

SCHEMAS: dict[str, pa.Schema] = {
    "runs": _schema(
        {
            "run": _VIDEO["run"],
            "written": (_TIME, "when the row was made, with the run's first video"),
            "fingerprint": (pa.string(), "of all settings that decide the output"),
            "settings": (pa.string(), "JSON whose SHA-256 begins with the fingerprint"),
            "weights": (
                pa.map_(pa.string(), pa.string()),
                "SHA-256 of each file of weights of the package; settings name that of others",
            ),
            "versions": (pa.map_(pa.string(), pa.string()), "of the software"),
        }
    ),
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
        | _STREAM
    ),
    "regions": _schema(
        _VIDEO
        | {
            "frame": (pa.int64(), "rank in presentation order, from 0"),
            "track": (pa.int32(), "number of the track in its stream, from 0"),
        }
        | _BOX
        | {
            "why": (pa.string(), "detected, interpolated, padded, or drawn by a person"),
            "label": (pa.string(), "class, face for one; null in rows before 0.3"),
            "detectors": (
                pa.string(),
                "detectors that found its track, with commas, or person; null in rows before 0.3",
            ),
        }
        | _STREAM
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
        | _STREAM
    ),
    "chunks": _schema(
        _VIDEO
        | {
            "stage": (pa.string(), "probe, detect, track, render or join"),
            "index": (
                pa.int32(),
                "number of the chunk, or of detect's part, in its stream; null: all chunks",
            ),
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
        | {"stream": (pa.int32(), "number of the video stream, from 0; null: all, or an old row")}
    ),
    "videos": _schema(
        _VIDEO
        | {
            "source": (pa.string(), "URL of the source"),
            "path": (pa.string(), "path below the source's root; null in rows before 0.3"),
            "version": (pa.string(), "ETag, or size and modification time, of the source"),
            "written": (_TIME, "when the source was last written; null if the store does not tell"),
            "output": (pa.string(), "URL of the redacted video; null if there is none"),
            "status": (pa.string(), "published or quarantined"),
            "stage": (pa.string(), "stage that failed; null if none"),
            "reason": (pa.string(), "why it was quarantined; null if it was not"),
            "error": (pa.string(), "class of the error that quarantined it; null if it was not"),
            "blame": (
                pa.string(),
                "video, host, store or settings: whose fault it is; null if none",
            ),
            "frames": (pa.int64(), "frames of the source; null if unknown"),
            "frames_analysed": (
                pa.int64(),
                "frames decoded, and looked at or between two that were",
            ),
            "frames_looked_at": (pa.int64(), "frames that every detector has looked at"),
            "frames_black": (pa.int64(), "frames that are damaged and not shown"),
            "frames_copied": (pa.int64(), "frames that were copied bit by bit, not encoded"),
            "why_encoded": (pa.string(), "why no span could be copied; null: spans could be"),
            "faces": (
                pa.int32(),
                "tracks of label face that were hidden; of all labels where tracks is null",
            ),
            "tracks": (
                pa.map_(pa.string(), pa.int32()),
                "tracks that were hidden, by label; null in rows before 0.3, and where unknown",
            ),
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
            "streams": (
                pa.list_(pa.int32()),
                "numbers of the video streams that are published, from 0, in order",
            ),
            "streams_dropped": (
                pa.list_(pa.string()),
                "the other video streams of the source, and why they are not published",
            ),
            "source_sha256": (
                pa.string(),
                "of the source that was redacted, hexadecimal; null if it was not published",
            ),
            "edits": (
                pa.list_(pa.string()),
                "ids of the edits of people that the copy follows; null in rows before 0.3",
            ),
            "frames_taken": (
                pa.int64(),
                "encoded frames that were taken from the copy that this one replaces; null: none",
            ),
            "replaces": (
                pa.string(),
                "SHA-256 of the copy that was at its place before, hexadecimal; null: none was",
            ),
        }
    ),
}
"""Schema of each dataset, in the order in which they are written."""

Row = dict[str, Any]
"""Values of one row, by column."""

Rows = Sequence[Row] | pa.Table
"""Rows of one dataset: a few as dictionaries, or many as a table, without the name of the run."""
