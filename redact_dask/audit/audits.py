"""The audits of a destination: drawing a sample once, keeping it, and finding it again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from redact_dask import manifest, storage
from redact_dask.audit import sample, strata
from redact_dask.errors import SourceError
from redact_dask.manifest import files
from redact_dask.storage import layout

FRAMES = 3000
"""Frames of a sample: if none of them leaks, at most one frame in a thousand does."""
LEAST = 20
"""Least frames of a sample: each stratum gets one at least."""
_DESIGN = b"redact_dask.audit"
"""Key of the file's metadata that holds what the sample was drawn from."""
_SCHEMA = pa.schema(
    [
        pa.field(name, kind, metadata={"description": description})
        for name, kind, description in (
            ("item", pa.int32(), "rank in the order of judging, from 0"),
            ("stratum", pa.string(), "NO_FACE, NOTHING_HIDDEN, TRACK_ENDS or HIDDEN"),
            ("weight", pa.float64(), "frames for which this one stands if all are judged"),
            ("video", pa.string(), "the video's name in the dataset videos"),
            ("path", pa.string(), "path below the source's root, or that of the copy"),
            ("output", pa.string(), "URL of the published copy"),
            ("bytes_out", pa.int64(), "size of the published copy"),
            ("stream", pa.int32(), "number of the video stream in the copy; null: the only one"),
            ("frame", pa.int64(), "rank in presentation order, from 0"),
        )
    ]
)


@dataclass(frozen=True, slots=True)
class Item:
    """A frame of the sample, as a row of its file."""

    item: int
    stratum: str
    weight: float
    video: str
    path: str
    output: str
    bytes_out: int
    stream: int | None
    frame: int


@dataclass(frozen=True, slots=True)
class Audit:
    """A sample of published frames, and what it was drawn from."""

    folder: str
    """URL of the folder that holds the sample and the answers."""
    seed: int
    drawn: str
    """When the sample was drawn, UTC, as ISO 8601 writes it."""
    videos: int
    """Copies that were published then."""
    seconds: float
    """Length of all their video streams together, seconds."""
    frames: dict[str, int]
    """Number of their frames, by stratum."""
    items: tuple[Item, ...]
    """The sample, in the order of judging."""

    @property
    def all_frames(self) -> int:
        """Number of frames that the sample was drawn from."""
        return sum(self.frames.values())


def opened(destination: str, frames: int = FRAMES, seed: int = 1) -> Audit:
    """Return the audit of a destination with a seed and a size; it is drawn if it is new.

    Parameters
    ----------
    destination
        URL of the destination's root.
    frames
        Number of frames of the sample.
    seed
        Decides which frames are drawn.

    Raises
    ------
    SourceError
        The destination has no manifest, or nothing is published in it.
    """
    destination = storage.canonical(destination)
    folder = storage.join(_root(destination), f"{frames}-frames-seed-{seed}")
    if storage.exists(_sample(folder)):
        return _read(folder)
    drawn = draw(destination, folder, frames, seed)
    _write(drawn)
    return drawn


def newest_first(destination: str) -> list[Audit]:
    """Return the audits of a destination."""
    name = "/sample.parquet"
    found = [url for url, _ in storage.walk(_root(destination)) if url.endswith(name)]
    audits = [_read(url.removesuffix(name)) for url in found]
    return sorted(audits, key=lambda audit: audit.drawn, reverse=True)


def published_since(destination: str, audit: Audit) -> int:
    """Count the videos that were published after the sample of an audit was drawn."""
    drawn = pa.scalar(datetime.fromisoformat(audit.drawn), pa.timestamp("us", tz="UTC"))
    root = layout.manifest(destination)
    return sum(
        pc.sum(pc.and_(pc.equal(part["status"], "published"), pc.greater(part["finished"], drawn)))
        .as_py() or 0
        for part in manifest.tables(root, "videos", ["status", "finished"])
    )  # fmt: skip


def draw(destination: str, folder: str, frames: int, seed: int) -> Audit:
    """Draw the sample of an audit, without writing it; the destination's URL is canonical."""
    now = datetime.now(UTC).isoformat()
    copies = strata.published(destination)
    table = copies.table
    names = table["copy"].to_pylist()
    streams = (
        (f"{key.stream}/{names[key.video]}", key, codes)
        for key, codes in strata.stratified(layout.manifest(destination), copies)
    )
    drawn = sample.draw(streams, frames, seed)
    chosen = Counter(one.stratum for one in drawn.draws)
    items = []
    for rank, one in enumerate(drawn.draws):
        (row,) = table.slice(one.key.video, 1).to_pylist()
        items.append(
            Item(
                item=rank,
                stratum=one.stratum.name,
                weight=drawn.frames[one.stratum] / chosen[one.stratum],
                video=row["video"],
                path=row["path"] or row["copy"],
                output=storage.join(destination, row["copy"]),
                bytes_out=row["bytes_out"],
                stream=copies.place(one.key),
                frame=one.frame,
            )
        )
    counted = {stratum.name: count for stratum, count in drawn.frames.items()}
    many = pc.fill_null(pc.list_value_length(table["streams"]), 1)
    seconds = pc.sum(pc.multiply(table["duration_s"], many)).as_py()
    return Audit(folder, seed, now, table.num_rows, seconds, counted, tuple(items))


def _root(destination: str) -> str:
    return storage.join(layout.manifest(storage.canonical(destination)), layout.AUDITS)


def _sample(folder: str) -> str:
    return storage.join(folder, "sample.parquet")


def _write(audit: Audit) -> None:
    design = asdict(audit)
    items = design.pop("items")
    del design["folder"]
    table = pa.Table.from_pylist(items, _SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({_DESIGN: json.dumps(design)}), sink)
    storage.write(_sample(audit.folder), sink.getvalue().to_pybytes())


def _read(folder: str) -> Audit:
    table = files.table(storage.read(_sample(folder)))
    metadata = table.schema.metadata or {}
    if _DESIGN not in metadata:
        raise SourceError(f"{_sample(folder)} is not a sample that `redact-dask audit` has drawn")
    design: dict[str, Any] = json.loads(metadata[_DESIGN])
    return Audit(folder=folder, items=tuple(Item(**row) for row in table.to_pylist()), **design)
