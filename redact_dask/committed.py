"""What was seen in a chunk, kept in the work area: looking again may cost time, or money."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from redact_dask import storage
from redact_dask.model import Chunk, Damage, Detected, Detection
from redact_dask.timing import Work


def write(url: str, detected: Detected, chunk: Chunk) -> None:
    """Commit what was seen on a chunk, without the account of what it took."""
    record = asdict(detected) | {"edges": [edge.hex() for edge in detected.edges]}
    record |= {"frames_of": _name(chunk)}
    del record["work"], record["usage"]
    record["detections"] = [[*found.values()] for found in record["detections"]]
    storage.write(url, json.dumps(record).encode())


def read(url: str, chunk: Chunk, work: Work) -> Detected | None:
    """Recall what was seen; None if it cannot be, or was seen on other frames than the chunk's."""
    if not storage.exists(url):
        return None
    try:
        record: dict[str, Any] = json.loads(storage.read(url))
        return _detected(record, work) if record["frames_of"] == _name(chunk) else None
    except (ValueError, LookupError, TypeError):
        return None  # Written by another version, or damaged.


def _name(chunk: Chunk) -> list[Any]:
    """Name the frames of a chunk: its first one's number, and a hash of all timestamps."""
    return [chunk.first_frame, hashlib.sha256(repr(chunk.pts).encode()).hexdigest()]


def _detected(record: dict[str, Any], work: Work) -> Detected:
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
        work=work,
    )
