"""Reading detections and regions stream by stream, as runs wrote them, in bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from redact_dask.manifest import reader
from redact_dask.records import FACE, ORIGINS, Detections, Regions
from redact_dask.records.columns import numbered

_KEY = ("run", "video", "stream")
_SIDES = ("x0", "y0", "x1", "y1")
DETECTIONS = ("frame", "pts_s", *_SIDES, "confidence", "label", "detector")
"""Columns that `detections` needs, and the time of each."""
REGIONS = ("frame", "track", *_SIDES, "why", "label", "detectors")
"""Columns that `regions` needs."""


class StreamRows(NamedTuple):
    """The rows of a dataset that are about one video stream, from one run."""

    run: str
    video: str
    """Id of the video."""
    stream: int
    """Number of the stream in the source, from 0."""
    table: pa.Table
    """Its rows, in the order in which they were written; texts are dictionaries."""


def by_stream(
    root: str,
    name: str,
    columns: Sequence[str],
    runs: Collection[str] | None = None,
    video: str | None = None,
) -> Iterator[StreamRows]:
    """Yield the rows of one stream after the other, which lie side by side in the manifest.

    Parameters
    ----------
    root, columns, runs
        As those of `reader.tables`.
    name
        ``detections`` or ``regions``.
    video
        Id of the only video that is wanted; default: all are.
    """
    before: tuple[str, str, int] | None = None
    held: list[pa.Table] = []
    wanted = [*dict.fromkeys((*_KEY, *columns))]
    for batch in reader.tables(root, name, wanted, runs, video=video):
        table = batch
        for place, field in enumerate(table.schema):
            if pa.types.is_string(field.type):
                encoded = table[field.name].dictionary_encode()
                table = table.set_column(place, field.name, encoded)
        run, of_video = (_encoded(table[key]) for key in ("run", "video"))
        stream = pc.fill_null(table["stream"], 0).to_numpy()
        numbers = np.stack([run.indices.to_numpy(), of_video.indices.to_numpy(), stream])
        cuts = np.flatnonzero(np.diff(numbers).any(axis=0)) + 1
        edges = [0, *cuts.tolist(), table.num_rows]
        for first, stop in pairwise(edges):
            if first == stop:
                continue
            key = (run[first].as_py(), of_video[first].as_py(), int(stream[first]))
            if before and key != before:
                yield _joined(before, held)
                held = []
            before = key
            held.append(table.slice(first, stop - first))
    if before:
        yield _joined(before, held)


def detections(table: pa.Table) -> Detections:
    """Return rows of ``detections`` as columns."""
    kind, kinds = _kinds(table, "detector")
    return Detections(
        table["frame"].to_numpy().astype(np.int32),
        _boxes(table),
        table["confidence"].to_numpy().astype(np.float64),
        kind,
        kinds,
    )


def regions(table: pa.Table) -> Regions:
    """Return rows of ``regions`` as columns."""
    kind, kinds = _kinds(table, "detectors")
    why = _encoded(table["why"])
    origin = np.array([ORIGINS.index(word) for word in why.dictionary.to_pylist()], np.uint8)
    return Regions(
        table["frame"].to_numpy().astype(np.int32),
        table["track"].to_numpy(),
        _boxes(table),
        origin[why.indices.to_numpy()],
        kind,
        kinds,
    )


def _joined(key: tuple[str, str, int], held: Sequence[pa.Table]) -> StreamRows:
    return StreamRows(*key, pa.concat_tables(held).unify_dictionaries())


def _boxes(table: pa.Table) -> NDArray[np.float64]:
    return np.column_stack([table[side].to_numpy() for side in _SIDES]).astype(np.float64)


def _kinds(table: pa.Table, who: str) -> tuple[NDArray[np.uint16], NDArray[np.str_]]:
    """Return the number of each row's kind, and the kinds: label and ``who`` found it."""
    # Rows before 0.3 do not tell the label: there were faces only.
    label, finder = _encoded(table["label"], FACE), _encoded(table[who])
    labels, finders = label.dictionary.to_pylist(), finder.dictionary.to_pylist()
    code = label.indices.to_numpy() * max(len(finders), 1) + finder.indices.to_numpy()
    present, place = np.unique(code, return_inverse=True)
    pairs = [(labels[c // len(finders)], finders[c % len(finders)]) for c in present.tolist()]
    kinds, number = numbered(pairs)
    return np.array([number[pair] for pair in pairs], np.uint16)[place], kinds


def _encoded(column: pa.ChunkedArray, missing: str = "") -> Any:
    """Return a column of texts as numbers of the texts; ``missing`` stands for null."""
    if column.null_count:
        column = pc.fill_null(column.cast(pa.string()), missing)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = column.unify_dictionaries().chunks
    return pa.concat_arrays(chunks or [pa.array([], pa.string()).dictionary_encode()])
