"""Reading the runs of a destination, and what each of them did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from redact_dask import manifest
from redact_dask.errors import UsageError

_ALL = "all"
_NAMED = 3
"""Runs that the message names if somebody asks for a run that does not exist."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the published videos of a run, unless a field says otherwise."""

    published: int = 0
    """Number of published videos."""
    quarantined: int = 0
    """Number of attempts that ended with the video in quarantine."""
    salvaged: int = 0
    """Number of videos published with black frames."""
    frames: int = 0
    frames_black: int = 0
    frames_copied: int = 0
    """Frames that were copied bit by bit, not encoded."""
    frames_taken: int = 0
    """Frames that were taken from the copies that were replaced, not encoded again."""
    faces: int = 0
    """Tracks of faces that were hidden; of all labels in rows before 0.3."""
    duration_s: float = 0.0
    """Length of the videos, seconds."""
    bytes_in: int = 0
    """Size of the sources, bytes."""
    bytes_out: int = 0
    """Size of the redacted videos, bytes."""
    calls: int = 0
    """Pictures that a paid service answered; these four fields count quarantined videos too."""
    throttled: int = 0
    """Times that the service refused a call because there were too many."""
    retried: int = 0
    """Times that a call failed for another reason, and was made again."""
    dollars: float = 0.0
    """Price of the calls, US dollars."""

    def __add__(self, other: Totals) -> Totals:
        names = [field.name for field in fields(self)]
        return Totals(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class Run:
    """One run, summed up from the rows of its videos."""

    name: str
    began: datetime
    """Earliest start of a video's first task, UTC."""
    ended: datetime
    """Latest end of a video, UTC."""
    totals: Totals


def read(root: str) -> list[Run]:
    """Return the runs of a manifest that attempted a video, in the order in which they ended.

    Parameters
    ----------
    root
        URL of the manifest.
    """
    names = [*_SUMMED_IF_PUBLISHED, *_SUMMED_ALWAYS, "run", "status", "seconds", "finished"]
    sums = [_sums(table) for table in manifest.tables(root, "videos", names)]
    if not sums:
        return []
    rows = _grouped(pa.concat_tables(sums)).to_pylist()
    runs = [Run(row.pop("run"), row.pop("began"), row.pop("ended"), Totals(**row)) for row in rows]
    return sorted(runs, key=lambda run: (run.ended, run.name))


def choose(runs: Sequence[Run], names: Collection[str]) -> list[Run]:
    """Return the runs that the report is about.

    Parameters
    ----------
    runs
        All runs, at least one, in the order in which they ended.
    names
        Names of the runs that are wanted; ``all`` stands for all of them. Empty: the run that ended
        last, and those that ran at the same time, as the shards of a source do.

    Raises
    ------
    UsageError
        No run has one of the names.
    """
    if _ALL in names:
        return [*runs]
    for name in names:
        if name not in {run.name for run in runs}:
            there = ", ".join(run.name for run in reversed(runs[-_NAMED:]))
            raise UsageError(f"no run {name!r} has tried a video; the last ones: {there}")
    if names:
        return [run for run in runs if run.name in names]
    last = runs[-1]
    return [run for run in runs if run.ended > last.began or run is last]


def wall_s(runs: Iterable[Run]) -> float:
    """Return the seconds during which at least one of the runs was going on."""
    total, until = 0.0, None
    for run in sorted(runs, key=lambda run: run.began):
        began = run.began if until is None else max(run.began, until)
        total += max((run.ended - began).total_seconds(), 0.0)
        until = run.ended if until is None else max(run.ended, until)
    return total


_SUMMED_IF_PUBLISHED = (
    "frames", "frames_black", "frames_copied", "frames_taken", "faces", "duration_s", "bytes_in",
    "bytes_out",
)  # fmt: skip
_SUMMED_ALWAYS = ("calls", "throttled", "retried", "dollars")
_SUMMED = [field.name for field in fields(Totals)]


def _sums(videos: pa.Table) -> pa.Table:
    """Return one row for each run, with the sums over its videos in a table."""
    published = pc.equal(videos["status"], "published")
    black = pc.greater(pc.coalesce(videos["frames_black"], 0), 0)
    columns = {
        "run": videos["run"],
        "began": began(videos),
        "ended": videos["finished"],
        "published": published.cast(pa.int64()),
        "quarantined": pc.invert(published).cast(pa.int64()),
        "salvaged": pc.and_(published, black).cast(pa.int64()),
    }
    for name in _SUMMED_IF_PUBLISHED:
        columns[name] = pc.if_else(published, pc.coalesce(videos[name], 0), 0)
    for name in _SUMMED_ALWAYS:
        columns[name] = pc.coalesce(videos[name], 0)
    return _grouped(pa.table(columns))


def _grouped(rows: pa.Table) -> pa.Table:
    """Return one row for each run: sum up rows of single videos, or rows that are sums already."""
    how = [("began", "min"), ("ended", "max"), *((name, "sum") for name in _SUMMED)]
    grouped = rows.group_by("run").aggregate(how)
    return grouped.rename_columns({f"{name}_{kind}": name for name, kind in how})


def began(videos: pa.Table) -> pa.ChunkedArray:
    """Return when each video's first task began, computed from ``finished`` and ``seconds``."""
    took = pc.multiply(pc.coalesce(videos["seconds"], 0.0), 1e6).cast(pa.int64(), safe=False)
    return pc.subtract(videos["finished"], took.cast(pa.duration("us")))
