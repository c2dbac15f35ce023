"""Checkpoints of a chunk, kept in storage: doing its work again would cost time, or money."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from redact_dask import storage
from redact_dask.errors import CheckFailed
from redact_dask.records import (
    Chunk,
    Damage,
    Detected,
    Detection,
    Detections,
    Keyframe,
    Piece,
    Regions,
    Rendered,
    Segment,
    TaskTiming,
)


def save_detected(url: str, detected: Detected, chunk: Chunk) -> None:
    """Save what was detected in a chunk, without its timing and usage."""
    record = asdict(replace(detected, detections=Detections.of(())))
    record |= {"frames_of": _name(chunk), "packets": detected.packets.hex()}
    record |= {"pictures": detected.pictures.hex()}
    del record["timing"], record["usage"]
    record["detections"] = base64.b64encode(detected.detections.to_bytes()).decode()
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


def save_cut(url: str, seconds: float) -> None:
    """Save how a video is cut into chunks: the shortest length of a chunk, seconds."""
    storage.write(url, json.dumps({"chunk_s": seconds}).encode())


def load_cut(url: str) -> float | None:
    """Load how a video is cut into chunks; None: as the settings say."""
    seconds = _read(url).get("chunk_s")
    return seconds if isinstance(seconds, float) and seconds > 0 else None


def save_plan(work: str, regions: Regions, chunks: Sequence[Chunk]) -> tuple[str | None, ...]:
    """Save the regions of each chunk of a video; return their URLs, None where there are none.

    A file has the hash of what it holds in its name: a run with other settings, or a task that was
    given up but goes on, writes other files.
    """
    plan: list[str | None] = []
    for chunk in chunks:
        own = regions.within(chunk.frames)
        url = storage.join(work, f"regions-{own.digest}.npz") if len(own) else None
        if url and not storage.exists(url):
            storage.write(url, own.to_bytes())
        plan.append(url)
    return tuple(plan)


def load_plan(plan: Iterable[str | None]) -> Regions:
    """Load the regions of some chunks, given their URLs.

    Raises
    ------
    CheckFailed
        A file does not hold the regions that it is named after.
    """
    found = []
    for url in filter(None, plan):
        try:
            regions = Regions.from_bytes(storage.read(url))
        except ValueError:
            regions = Regions.of(())
        if f"/regions-{regions.digest}.npz" not in url:
            raise CheckFailed(f"{url}, which tells what to hide, is damaged; run again")
        found.append(regions)
    return Regions.joined(found)


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
            Segment(
                **segment
                | {
                    "start": Keyframe(**segment["start"]),
                    "pieces": tuple(Piece(**piece) for piece in segment["pieces"]),
                }
            )
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
        detections=_detections(record["detections"]),
        detectors=tuple(record["detectors"]),
        damage=tuple(Damage(**lost) for lost in record["damage"]),
        changes=tuple(changes),
        timing=timing,
        # Absent where an earlier version paid for what is here.
        steps=tuple(step and tuple(step) for step in record.get("steps", ())),
        packets=bytes.fromhex(record.get("packets", "")),
        pictures=bytes.fromhex(record.get("pictures", "")),
    )


def _detections(saved: str | list[list[Any]]) -> Detections:
    """Return saved detections; versions up to 0.2 have paid for some that they saved as lists."""
    if isinstance(saved, str):
        return Detections.from_bytes(base64.b64decode(saved))
    return Detections.of(Detection(*values) for values in saved)
