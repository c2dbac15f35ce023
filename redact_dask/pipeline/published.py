"""Publishing a copy, with a record from which the next copy of the same video takes pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from redact_dask import storage
from redact_dask.media import pieces
from redact_dask.pipeline.job import Job
from redact_dask.records import (
    Footage,
    Keyframe,
    Piece,
    PublishedPiece,
    PublishedStream,
    Tracked,
)
from redact_dask.storage import Digest, lease


def streams(path: Path, videos: Sequence[Footage], tracked: Sequence[Tracked]) -> list[Any]:
    """Return what a record tells of each video stream of a finished copy.

    Nothing is told of a stream that was rendered otherwise than planned: its pieces are named by
    the plan.

    Parameters
    ----------
    path
        The copy.
    videos, tracked
        What was rendered of each stream, and its plan.

    Raises
    ------
    CheckFailed
        The copy cannot be read.
    """
    found = []
    for place, (footage, plan) in enumerate(zip(videos, tracked, strict=False)):
        only_or_place = place if len(videos) > 1 else None
        as_planned = footage.has_copies == plan.has_copies
        own = pieces.find(str(path), only_or_place, footage.segments) if as_planned else ()
        told = {"number": footage.info.number, "place": only_or_place}
        found.append(told | {"pieces": [asdict(piece) for piece in own]})
    return found


def publish(path: Path, job: Job, target: str, told: Sequence[Any]) -> tuple[Digest, str | None]:
    """Publish a copy, and record what `streams` told of it.

    Return its digest, and the SHA-256 of the copy that it replaces; None: it replaces none.

    Raises
    ------
    RunEnded
        Another run has taken over the destination.
    """
    made = storage.digest(str(path))
    replaced = _sha256(job, target)
    storage.publish(path, target, partial(lease.check, job.lease))
    # Without a record, the next copy is rendered as a whole, and is as good.
    with suppress(*storage.FAILURES):
        _save(job, target, made, told)
    # A task that runs again finds its own copy there.
    return made, None if replaced == made.sha256 else replaced


def stream(job: Job, target: str, number: int | None) -> PublishedStream | None:
    """Return what is recorded of a video stream of the copy that is at a target; None: nothing is.

    Parameters
    ----------
    job
        Job of the video.
    target
        URL of the copy.
    number
        Number of the stream, as in its `StreamInfo`.
    """
    record = _record(job, storage.info(target))
    try:
        told = next(told for told in record["streams"] if told["number"] == number)
        found = tuple(
            PublishedPiece(
                **piece | {"piece": Piece(**piece["piece"]), "start": Keyframe(**piece["start"])}
            )
            for piece in told["pieces"]
        )
        return PublishedStream(target, told["place"], found)
    except (LookupError, TypeError, StopIteration):
        return None  # There is no record, or it is damaged.


def _save(job: Job, target: str, made: Digest, told: Sequence[Any]) -> None:
    facts = storage.info(target)
    if job.kept and facts:
        record = {"sha256": made.sha256, "size": made.size, "version": storage.version(facts)}
        storage.write(_url(job.kept), json.dumps(record | {"streams": told}).encode())


def _sha256(job: Job, target: str) -> str | None:
    """Return the SHA-256 of what is at a target; it is read only if no record tells it."""
    facts = storage.info(target)
    if facts is None or facts["type"] == "directory":
        return None
    return str(_record(job, facts).get("sha256") or storage.digest(target).sha256)


def _record(job: Job, facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the record of the copy with these facts; an empty one if it is not of this copy."""
    if job.kept is None or facts is None or not storage.exists(_url(job.kept)):
        return {}
    try:
        record = dict(json.loads(storage.read(_url(job.kept))))
    except (ValueError, TypeError):
        return {}
    own = (facts["size"], storage.version(dict(facts)))
    return record if own == (record.get("size"), record.get("version")) else {}


def _url(kept: str) -> str:
    return storage.join(kept, "copy.json")
