"""What was seen in a chunk, kept in the work area: looking again may cost time, or money."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from redact_dask import storage
from redact_dask.model import Damage, Detected, Detection
from redact_dask.timing import Work


def write(url: str, detected: Detected) -> None:
    """Commit what was seen, without the account of what it took."""
    record = asdict(detected) | {"edges": [edge.hex() for edge in detected.edges]}
    del record["work"], record["usage"]
    record["detections"] = [[*found.values()] for found in record["detections"]]
    storage.write(url, json.dumps(record).encode())


def read(url: str, work: Work) -> Detected | None:
    """Recall what was seen; None if nothing was committed there."""
    if not storage.exists(url):
        return None
    record: dict[str, Any] = json.loads(storage.read(url))
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
