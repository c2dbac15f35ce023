"""What was seen and made of a chunk, kept in storage: doing it again costs time, or money."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from redact_dask import storage
from redact_dask.records import (
    Chunk,
    Damage,
    Detected,
    Detection,
    Keyframe,
    Rendered,
    Segment,
    TaskTiming,
)


def save_detected(url: str, detected: Detected, chunk: Chunk) -> None:
    """Commit what was seen on a chunk, without the account of what it took."""
    record = asdict(detected) | {"edges": [edge.hex() for edge in detected.edges]}
    record |= {"frames_of": _name(chunk)}
    del record["timing"], record["usage"]
    record["detections"] = [[*found.values()] for found in record["detections"]]
    storage.write(url, json.dumps(record).encode())


def load_detected(url: str, chunk: Chunk, timing: TaskTiming) -> Detected | None:
    """Recall what was seen; None if it cannot be, or was seen on other frames than the chunk's."""
    record = _read(url)
    try:
        return _detected(record, timing) if record["frames_of"] == _name(chunk) else None
    except (ValueError, LookupError, TypeError):
        return None  # Written by another version, or damaged.


def save_rendered(url: str, rendered: Rendered) -> None:
    """Commit where the segments of a chunk are, without the account of what they took."""
    record = asdict(rendered)
    del record["timing"]
    storage.write(url, json.dumps(record).encode())


def load_rendered(url: str, timing: TaskTiming) -> Rendered | None:
    """Recall where the segments of a chunk are; None if they are not all there."""
    record = _read(url)
    try:
        segments = tuple(
            Segment(**segment | {"start": Keyframe(**segment["start"])})
            for segment in record["segments"]
        )
        rendered = Rendered(record["chunk"], record["frames"], segments, timing)
    except (ValueError, LookupError, TypeError):
        return None  # Damaged.
    urls = (segment.url for segment in segments if segment.url)
    return rendered if all(map(storage.exists, urls)) else None


def _read(url: str) -> dict[str, Any]:
    """Return a record; an empty one if there is none."""
    if not storage.exists(url):
        return {}
    try:
        return dict(json.loads(storage.read(url)))
    except (ValueError, TypeError):
        return {}


def _name(chunk: Chunk) -> list[Any]:
    """Name the frames of a chunk: its first one's number, and a hash of all timestamps."""
    return [chunk.first_frame, hashlib.sha256(repr(chunk.pts).encode()).hexdigest()]


def _detected(record: dict[str, Any], timing: TaskTiming) -> Detected:
    first, last = (bytes.fromhex(edge) for edge in record["edges"])
    return Detected(
        chunk=record["chunk"],
        frames=record["frames"],
        looked_at=record["looked_at"],
        detections=tuple(Detection(*values) for values in record["detections"]),
        detectors=tuple(record["detectors"]),
        damage=tuple(Damage(**lost) for lost in record["damage"]),
        changes=tuple(record["changes"]),
        edges=(first, last),
        timing=timing,
    )
