"""The parts of the published frames that a sample is drawn from, as the manifest tells them.

The manifest does not tell how large or how dark a picture is, nor which GOPs of a video were
copied: a copied GOP is a part of `Stratum.NOTHING_HIDDEN` or `Stratum.NO_FACE`. So small pictures
and nights have no stratum of their own; they are in the sample as often as in the footage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from redact_dask import manifest, storage
from redact_dask.errors import SourceError
from redact_dask.manifest.streams import by_stream
from redact_dask.storage import layout

_AROUND_S = 1.0
"""Seconds before and after the ends of a track: there a face may have been seen too late, or lost
too early."""
_COLUMNS = (
    "run", "video", "path", "source", "output", "status", "frames", "duration_s", "bytes_out",
    "finished", "streams", "streams_dropped", "sha256", "edits",
)  # fmt: skip


class Stratum(IntEnum):
    """A part of the published frames; each frame is in one of them."""

    NO_FACE = 0
    NOTHING_HIDDEN = 1
    TRACK_ENDS = 2
    HIDDEN = 3

    @property
    def title(self) -> str:
        """What the frames are, for a person."""
        return _TITLES[self]


_TITLES = {
    Stratum.NO_FACE: "videos in which nothing is hidden",
    Stratum.NOTHING_HIDDEN: "nothing hidden, in other videos",
    Stratum.TRACK_ENDS: "within a second of a track's end",
    Stratum.HIDDEN: "something hidden",
}

Codes = NDArray[np.uint8]
"""Stratum of each frame of a stream; shape (frames)."""


class StreamKey(NamedTuple):
    """One video stream of a published copy."""

    video: int
    """Row of the video in the table of published copies."""
    stream: int
    """Number of the stream in the source."""


@dataclass(frozen=True, slots=True)
class Published:
    """The copies that are published now; they take a kilobyte or two for each."""

    table: pa.Table
    """A row of the manifest's ``videos`` for each copy, and ``copy``: its path below the
    destination."""
    frames_of_several: dict[StreamKey, int]
    """Number of frames of each stream of the copies with several streams."""

    def streams(self, row: int) -> list[int]:
        """Return the numbers of a copy's streams in its source, in their order in the copy."""
        return self.table["streams"][row].as_py() or [0]

    def row(self, path: str) -> int:
        """Return the row of a copy, given its path below the destination, or the source's.

        Raises
        ------
        SourceError
            There is no such copy.
        """
        for name in ("path", "copy"):
            if (row := self.table[name].index(path).as_py()) >= 0:
                return int(row)
        raise SourceError(
            f"no copy of {path} is published: give the path of a video below its source, as "
            "`redact-dask review list` prints it"
        )

    def place(self, key: StreamKey) -> int | None:
        """Return the number of a stream in its copy, from 0; None: it is the only one."""
        streams = self.streams(key.video)
        return streams.index(key.stream) if len(streams) > 1 else None


def published(destination: str) -> Published:
    """Read which copies are published: of several attempts at one copy, the last that is there.

    Parameters
    ----------
    destination
        URL of the destination's root.

    Raises
    ------
    SourceError
        Nothing is published.
    """
    root = layout.manifest(destination)
    there = {
        url.removeprefix(f"{destination}/")
        for url, _ in storage.walk(destination, layout.OWN_FOLDERS)
    }
    found = []
    for table in manifest.tables(root, "videos", _COLUMNS):
        rows = table.filter(pc.equal(table["status"], "published"))
        named = zip(rows["path"].to_pylist(), rows["output"].to_pylist(), strict=True)
        copies = [_copy(destination, path, output) for path, output in named]
        rows = rows.append_column("copy", pa.array(copies, pa.string()))
        found.append(rows.filter(pa.array([copy in there for copy in copies], pa.bool_())))
    if not sum(table.num_rows for table in found):
        raise SourceError(
            f"{destination} has no published video that its manifest names: publish with "
            "`redact-dask run` first"
        )
    every = pa.concat_tables(found).sort_by("finished")
    every = every.append_column("row", pa.array(np.arange(every.num_rows)))
    last = every.group_by("copy").aggregate([("row", "max")])["row_max"]
    table = every.take(last).drop_columns("row").sort_by("copy").combine_chunks()
    several = pc.greater(pc.list_value_length(table["streams"]), 1)
    with_several = pc.indices_nonzero(several).to_pylist()
    return Published(table, _frames_of_streams(root, table, with_several) if with_several else {})


def _copy(destination: str, path: str | None, output: str) -> str:
    """Return the path of a copy below the destination, which may be mounted elsewhere by now."""
    if path is None:  # Rows before 0.3 have none.
        return output.removeprefix(f"{destination}/")
    return str(PurePosixPath(path).with_name(PurePosixPath(output).name))


def _frames_of_streams(root: str, table: pa.Table, rows: list[int]) -> dict[StreamKey, int]:
    """Count the frames of each stream of some videos."""
    known = {(table["run"][row].as_py(), table["video"][row].as_py()): row for row in rows}
    found: dict[StreamKey, int] = {}
    columns = ["run", "video", "stage", "stream", "last_frame"]
    for part in manifest.tables(root, "chunks", columns, {run for run, _ in known}):
        wanted = pc.is_in(part["video"], pa.array([video for _, video in known]))
        detect = part.filter(pc.and_(wanted, pc.equal(part["stage"], "detect")))
        for task in detect.to_pylist():
            row = known.get((task["run"], task["video"]))
            if row is not None:
                key = StreamKey(row, task["stream"] or 0)
                found[key] = max(found.get(key, 0), task["last_frame"] + 1)
    return found


def stratified(root: str, copies: Published) -> Iterator[tuple[StreamKey, Codes]]:
    """Yield the stratum of every frame of each published stream.

    The regions are read some thousands at a time. Those of one stream lie side by side in the
    manifest, as runs write them.

    Parameters
    ----------
    root
        URL of the manifest.
    copies
        What is published.

    Raises
    ------
    SourceError
        The regions of a stream do not lie side by side: somebody has sorted the manifest anew.
    """
    table = copies.table
    names = zip(table["run"].to_pylist(), table["video"].to_pylist(), strict=True)
    rows = {f"{run}/{video}": row for row, (run, video) in enumerate(names)}
    frames, seconds = table["frames"].to_numpy(), table["duration_s"].to_numpy()
    has_regions = np.zeros(table.num_rows, bool)
    done: set[StreamKey] = set()

    def count(key: StreamKey) -> int:
        return copies.frames_of_several.get(key, int(frames[key.video]))

    for run, video, stream, regions in by_stream(root, "regions", ["frame", "track"]):
        row = rows.get(f"{run}/{video}")
        if row is None:
            continue  # The attempt failed in the end, or a later one has replaced its copy.
        key = StreamKey(row, stream)
        if key in done:
            raise SourceError(
                f"the regions of video {video} do not lie side by side in the manifest {root}: "
                "audit the manifest as the runs wrote it"
            )
        done.add(key)
        has_regions[row] = True
        around = round(_AROUND_S * count(key) / max(seconds[row], 1e-3))
        frame, track = regions["frame"].to_numpy(), regions["track"].to_numpy()
        yield key, _codes(frame, track, count(key), around)
    for row in range(table.num_rows):
        for stream in copies.streams(row) if copies.frames_of_several else [0]:
            key = StreamKey(row, stream)
            if key not in done:
                stratum = Stratum.NOTHING_HIDDEN if has_regions[row] else Stratum.NO_FACE
                yield key, np.full(count(key), stratum, np.uint8)


def _codes(frame: NDArray[np.int64], track: NDArray[np.int32], count: int, around: int) -> Codes:
    """Return the stratum of each frame of a stream with regions.

    Parameters
    ----------
    frame, track
        Frame and track of each region; shape (regions).
    count
        Number of frames of the stream.
    around
        Number of frames in the time before and after the end of a track.
    """
    codes = np.full(count, Stratum.NOTHING_HIDDEN, np.uint8)
    inside = frame < count
    frame, track = frame[inside], track[inside]
    codes[frame] = Stratum.HIDDEN
    _, which = np.unique(track, return_inverse=True)
    first = np.full(which.max(initial=-1) + 1, count)
    last = np.zeros_like(first)
    np.minimum.at(first, which, frame)
    np.maximum.at(last, which, frame)
    # A track that begins with the video, or ends with it, has no end there.
    ends = np.concatenate([first[first > 0], last[last < count - 1]])
    change = np.zeros(count + 1, np.int64)
    np.add.at(change, np.maximum(ends - around, 0), 1)
    np.add.at(change, np.minimum(ends + around + 1, count), -1)
    codes[np.cumsum(change[:-1]) > 0] = Stratum.TRACK_ENDS
    return codes
