"""The edits of people: rows in ``_manifest/edits`` that are only ever added.

Runs read them, and apply those of each video. No seal lists their files, since people edit after a
run has ended. But an edit's id is a hash of all that it tells, and the dataset ``videos`` has the
ids of the edits that a copy follows: so an edit that was altered later is noticed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from itertools import chain

import pyarrow as pa

from redact_dask import storage
from redact_dask.errors import UsageError
from redact_dask.manifest import files
from redact_dask.records.edits import Edit, EditKind, in_force
from redact_dask.storage import layout

_SIDES = ("x0", "y0", "x1", "y1")
_BOX = pa.struct([("frame", pa.int64()), *((side, pa.float64()) for side in _SIDES)])

_SCHEMA = pa.schema(
    [
        pa.field(name, kind, metadata={"description": description})
        for name, kind, description in (
            ("id", pa.string(), "hash of all other columns, 16 hexadecimal digits"),
            ("path", pa.string(), "path of the video below the source's root"),
            ("video", pa.string(), "16 hexadecimal digits for this version of this source"),
            ("stream", pa.int32(), "number of the video stream; null: there is no other"),
            ("kind", pa.string(), "hide, show or undo"),
            ("label", pa.string(), "what the thing is, face for one"),
            ("boxes", pa.list_(_BOX), "frame and edges, pixels of the stored picture"),
            ("by", pa.string(), "name of the person"),
            ("at", pa.timestamp("us", tz="UTC"), "when"),
            ("why", pa.string(), "the person's reason"),
            ("undoes", pa.string(), "id of the edit that is taken back; empty: none"),
        )
    ]
)


def append(manifest: str, edits: Sequence[Edit]) -> None:
    """Add edits to a manifest, given its URL: all of them, or none."""
    rows = [
        {field.name: getattr(edit, field.name) for field in fields(edit)}
        | {
            "id": edit.id,
            "boxes": [dict(zip(("frame", *_SIDES), b, strict=True)) for b in edit.boxes],
        }
        for edit in edits
    ]
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    files.Parts(_folder(manifest), name).append([pa.Table.from_pylist(rows, _SCHEMA)])


def read(manifest: str, known: dict[str, list[Edit]] | None = None) -> list[Edit]:
    """Return all edits of a manifest, by time.

    Parameters
    ----------
    manifest
        URL of the manifest.
    known
        The edits of the files that were read before, by the files' URLs; those of new ones are
        added. Default: none.

    Raises
    ------
    UsageError
        A file of edits is damaged, or an edit was altered after it was made.
    """
    read_before = {} if known is None else known
    for url in files.current(_folder(manifest)):
        if url not in read_before:
            read_before[url] = [*_edits(url)]
    found = chain.from_iterable(read_before.values())
    return sorted(found, key=lambda edit: (edit.at, edit.id))


def by_video(manifest: str) -> dict[str, tuple[Edit, ...]]:
    """Return the edits in force of each video that has any, by the video's id."""
    found: dict[str, list[Edit]] = {}
    for edit in read(manifest):
        found.setdefault(edit.video, []).append(edit)
    left = {video: in_force(edits) for video, edits in found.items()}
    return {video: edits for video, edits in left.items() if edits}


def _edits(url: str) -> Iterator[Edit]:
    advice = "restore the file, or move it away to redact without its edits"
    try:
        rows = files.table(storage.read(url)).to_pylist()
        for row in rows:
            known = row.pop("id")
            boxes = tuple((box["frame"], *(box[side] for side in _SIDES)) for box in row["boxes"])
            edit = Edit(**row | {"kind": EditKind(row["kind"]), "boxes": boxes})
            if edit.id != known:
                raise UsageError(f"edit {known} in {url} was altered after it was made; {advice}")
            yield edit
    except (pa.ArrowException, LookupError, TypeError, ValueError) as error:
        raise UsageError(f"{url} holds no edits that can be read ({error}); {advice}") from error


def _folder(manifest: str) -> str:
    return storage.join(manifest, layout.EDITS)
