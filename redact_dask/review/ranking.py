"""Which videos to look at first, and where: the published copies, by doubt.

Only the manifest is read, stream by stream: the memory grows with the number of copies, some
kilobytes for each, and not with what they show.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from redact_dask import manifest
from redact_dask.audit import answers, audits, strata
from redact_dask.audit.answers import Verdict
from redact_dask.audit.strata import Published, StreamKey
from redact_dask.errors import SourceError
from redact_dask.manifest import edits, streams
from redact_dask.manifest.streams import StreamRows
from redact_dask.records import FACE, Detections, Regions
from redact_dask.review import examine
from redact_dask.review.doubts import Doubt, Kind, Stream
from redact_dask.storage import layout

_Key = tuple[str, str]
"""Run and video."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A published copy, and the doubts about it."""

    video: str
    """Id of the video."""
    path: str
    """Path below the source's root, or that of the copy."""
    doubts: tuple[Doubt, ...]
    """All doubts, the gravest first."""

    @property
    def doubt(self) -> float:
        """How much the video is doubted.

        The doubts of each kind are sorted by weight, and the n-th counts its weight divided by n:
        many little doubts, as a crowd gives, never bury a grave one. The sums of the kinds are
        added.
        """
        ranks: Counter[Kind] = Counter()
        total = 0.0
        for doubt in self.doubts:
            ranks[doubt.kind] += 1
            total += doubt.weight / ranks[doubt.kind]
        return total


def ranked(destination: str, most: int) -> list[Doubtful]:
    """Return the copies with the most doubt, the most doubtful first.

    Parameters
    ----------
    destination
        Canonical URL of the destination's root.
    most
        Most copies to return; copies without any doubt are left out.

    Raises
    ------
    SourceError
        Nothing is published, or somebody has sorted the manifest anew.
    UsageError
        The edits cannot be read.
    """
    copies = strata.published(destination)
    found = (video for video in _doubtful(destination, copies) if video.doubts)
    return heapq.nlargest(most, found, key=lambda video: (video.doubt, video.path))


def of_video(destination: str, path: str) -> Doubtful:
    """Return the doubts about the copy of one video.

    Parameters
    ----------
    destination
        Canonical URL of the destination's root.
    path
        Path of the video below the source's root, or of its copy below the destination.

    Raises
    ------
    SourceError
        No copy of it is published.
    """
    copies = strata.published(destination)
    row = copies.row(path)
    return next(iter(_doubtful(destination, copies, row)))


def _doubtful(destination: str, copies: Published, only: int | None = None) -> Iterator[Doubtful]:
    """Yield every published copy with its doubts, or only that of one row."""
    root = layout.manifest(destination)
    made = edits.by_video(root)
    leaks = _leaks(destination)
    shown = _labels_shown(root)
    table = copies.table
    for row, seen, hidden in _side_by_side(root, copies, only):
        (columns,) = table.slice(row, 1).to_pylist()
        found: list[Doubt] = []
        for number in copies.streams(row):
            key = StreamKey(row, number)
            detected, times = _detections(seen.get(number), shown[columns["run"]])
            regions = streams.regions(hidden[number]) if number in hidden else Regions.of(())
            stream = Stream(
                number,
                max(copies.frames_of_several.get(key, columns["frames"]), 1),
                columns["duration_s"],
                detected,
                times,
                regions,
                [e for e in made.get(columns["video"], ()) if (e.stream or 0) == number],
            )
            found += examine.of_stream(stream)
            for frame, judge, label in leaks.get((columns["video"], copies.place(key)), ()):
                found += examine.of_audit(stream, frame, judge, label)
        found.sort(key=lambda doubt: (-doubt.weight, doubt.stream, doubt.first))
        yield Doubtful(columns["video"], columns["path"] or columns["copy"], tuple(found))


def _detections(
    table: pa.Table | None, shown: frozenset[str]
) -> tuple[Detections, NDArray[np.float64]]:
    """Return what was detected, by frame, but for labels that are not to be hidden; and when."""
    if table is None:
        return Detections.of(()), np.zeros(0)
    seen, times = streams.detections(table), table["pts_s"].to_numpy()
    is_hidden = ~np.isin(seen.kinds[:, 0], [*shown])[seen.kind]
    order = np.flatnonzero(is_hidden)
    order = order[np.argsort(seen.frame[order], kind="stable")]
    return seen[order], times[order]


def _labels_shown(root: str) -> Mapping[str, frozenset[str]]:
    """Return the labels that each run does not hide, as its settings say; none for old runs."""
    found: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for row in manifest.read(root, "runs", ["run", "settings"]).to_pylist():
        labels = json.loads(row["settings"])[1].get("labels", {})
        found[row["run"]] = frozenset(name for name, how in labels.items() if how == "shown")
    return found


def _leaks(destination: str) -> Mapping[tuple[str, int | None], list[tuple[int, str, str]]]:
    """Return frame, judge and label of each leak that people saw, by video and stream of a copy."""
    found: defaultdict[tuple[str, int | None], list[tuple[int, str, str]]] = defaultdict(list)
    for audit in audits.newest_first(destination):
        for answer in answers.read(audit):
            if answer.verdict is Verdict.LEAK:
                item = audit.items[answer.item]
                leak = (item.frame, answer.judge, answer.label or FACE)
                found[item.video, item.stream].append(leak)
    return found


def _side_by_side(
    root: str, copies: Published, only: int | None
) -> Iterator[tuple[int, Mapping[int, pa.Table], Mapping[int, pa.Table]]]:
    """Yield the row of each copy, with its detections and its regions by stream.

    All datasets of a run have its videos in one order. Only of a video that a run has tried twice,
    the rows of the first attempt lie elsewhere; those few are kept until the end.
    """
    names = [copies.table[name].to_pylist() for name in ("run", "video")]
    rows = {key: row for row, key in enumerate(zip(*names, strict=True)) if only in (None, row)}
    attempts: Counter[_Key] = Counter()
    order: dict[_Key, int] = {}
    for table in manifest.tables(root, "videos", ["run", "video"]):
        for key in zip(*(table[name].to_pylist() for name in ("run", "video")), strict=True):
            if key in rows:
                attempts[key] += 1
                order[key] = len(order)
    once = [key for key in order if attempts[key] == 1]
    places = {key: place for place, key in enumerate(once)}
    runs = {run for run, _ in rows}
    video = None if only is None else names[1][only]
    seen, hidden = (
        _Cursor(streams.by_stream(root, name, columns, runs, video), rows, places)
        for name, columns in (("detections", streams.DETECTIONS), ("regions", streams.REGIONS))
    )
    for place, key in enumerate(once):
        yield rows[key], seen.take(place), hidden.take(place)
    for key in order:
        if attempts[key] > 1:
            yield rows[key], seen.rest().get(key, {}), hidden.rest().get(key, {})


class _Cursor:
    """Reads the streams of a dataset, in the order in which their videos ended.

    Parameters
    ----------
    groups
        The rows of each stream.
    wanted
        Run and video of the copies that are wanted.
    places
        Rank of those of them whose run has tried them once.
    """

    def __init__(
        self, groups: Iterator[StreamRows], wanted: Container[_Key], places: Mapping[_Key, int]
    ) -> None:
        self._groups = groups
        self._wanted = wanted
        self._places = places
        self._next: StreamRows | None = None
        self._rest: defaultdict[_Key, dict[int, pa.Table]] = defaultdict(dict)

    def take(self, place: int) -> dict[int, pa.Table]:
        """Return the rows of the copy of a rank, by stream; ranks must ascend."""
        found: dict[int, pa.Table] = {}
        while (group := self._next or self._following()) is not None:
            key = (group.run, group.video)
            self._next = group
            if self._places[key] > place:
                return found
            if self._places[key] < place or group.stream in found:
                raise SourceError(
                    f"the rows of video {group.video} do not lie side by side in the manifest: "
                    "review the manifest as the runs wrote it"
                )
            found[group.stream] = group.table
            self._next = None
        return found

    def rest(self) -> Mapping[_Key, dict[int, pa.Table]]:
        """Return the rows of the copies that have no rank, after all others were taken."""
        self.take(len(self._places))
        return self._rest

    def _following(self) -> StreamRows | None:
        """Return the next stream whose copy has a rank; None: there is none."""
        for group in self._groups:
            key = (group.run, group.video)
            if key in self._places:
                return group
            if key in self._wanted:
                self._rest[key][group.stream] = group.table
        return None
