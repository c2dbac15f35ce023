"""Checkpoints of a chunk, kept in storage: doing its work again would cost time, or money."""

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
    """Save what was detected in a chunk, without its timing and usage."""
    record = asdict(detected) | {"frames_of": _name(chunk)}
    del record["timing"], record["usage"]
    record["detections"] = [[*found.values()] for found in record["detections"]]
    storage.write(url, json.dumps(record).encode())


def load_detected(url: str, chunk: Chunk, timing: TaskTiming) -> Detected | None:
    """Load what was detected in a chunk; None if no checkpoint of the same frames is readable."""
    record = _read(url)
    try:
        detected = _detected(record, timing) if record["frames_of"] == _name(chunk) else None
    except (ValueError, LookupError, TypeError):
        return None  # The checkpoint was written by another version, or is damaged.
    if detected and "edges" in record:
        save_detected(url, detected, chunk)  # An earlier version kept two small pictures there.
    return detected


def save_rendered(url: str, rendered: Rendered) -> None:
    """Save where the segments of a chunk are stored, without their timing."""
    record = asdict(rendered)
    del record["timing"]
    storage.write(url, json.dumps(record).encode())


def load_rendered(url: str, timing: TaskTiming) -> Rendered | None:
    """Load where the segments of a chunk are stored; None if the checkpoint or one is missing."""
    record = _read(url)
    try:
        segments = tuple(
            Segment(**segment | {"start": Keyframe(**segment["start"])})
            for segment in record["segments"]
        )
        rendered = Rendered(record["chunk"], record["frames"], segments, timing)
    except (ValueError, LookupError, TypeError):
        return None  # The checkpoint is damaged, or there is none.
    urls = (segment.url for segment in segments if segment.url)
    return rendered if all(map(storage.exists, urls)) else None


def _read(url: str) -> dict[str, Any]:
    """Return the record of a checkpoint; an empty one if it is missing or not JSON."""
    if not storage.exists(url):
        return {}
    try:
        return dict(json.loads(storage.read(url)))
    except (ValueError, TypeError):
        return {}


def _name(chunk: Chunk) -> list[Any]:
    """Name the frames of a chunk: the number of the first, and a hash of all timestamps."""
    return [chunk.first_frame, hashlib.sha256(repr(chunk.pts).encode()).hexdigest()]


def _detected(record: dict[str, Any], timing: TaskTiming) -> Detected:
    changes = record["changes"]
    if "edges" in record:  # An earlier version told how each frame differs from the one before it.
        changes = [*changes[1:], 0.0]
    return Detected(
        chunk=record["chunk"],
        frames=record["frames"],
        looked_at=record["looked_at"],
        detections=tuple(Detection(*values) for values in record["detections"]),
        detectors=tuple(record["detectors"]),
        damage=tuple(Damage(**lost) for lost in record["damage"]),
        changes=tuple(changes),
        timing=timing,
        # Absent where an earlier version paid for what is here.
        steps=tuple(step and tuple(step) for step in record.get("steps", ())),
    )
