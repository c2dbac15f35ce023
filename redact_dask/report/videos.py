"""Summing up the videos of the runs: the slowest, those that failed, and all of them over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redact_dask import manifest
from redact_dask.records import FACE
from redact_dask.report.arrow import Floats, epoch, numbers
from redact_dask.report.time_bins import Periods

SLOWEST = 50
"""Most videos in the table of the slowest."""

_COLUMNS = (
    "video", "source", "written", "status", "stage", "reason", "error", "frames", "why_encoded",
    "faces", "tracks", "duration_s", "seconds", "bytes_in", "finished",
)  # fmt: skip
Row = dict[str, Any]
"""Values of one row of the manifest, by column."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Time from the writing of a source to the end of its processing, over published videos."""

    median_s: float
    """Median, seconds."""
    most_of_them_s: float
    """The 95th percentile, seconds."""
    longest_s: float
    """Maximum, seconds."""


@dataclass(frozen=True, slots=True)
class Videos:
    """What the report shows of single videos, and of all videos over time."""

    slowest: tuple[Row, ...]
    """Rows of the slowest videos in the manifest, the slowest first."""
    failed: tuple[Row, ...]
    """Last attempt at each video that failed and was not published later; the latest first."""
    published_later: int
    """Number of videos that failed, and that a later attempt published."""
    why_encoded: tuple[tuple[str, int], ...]
    """Reasons why no GOP was copied, with the number of videos; the most common one first."""
    lag: Lag | None
    """None: the store does not tell when sources were written, or nothing was published."""
    published: Floats
    """Videos published in each period."""
    others: tuple[tuple[str, int], ...]
    """Other labels than faces, and the tracks of each that were hidden, sorted by label."""
    faces: Floats
    """Tracks hidden in the videos published in each period."""


def read(root: str, runs: Collection[str], periods: Periods) -> Videos:
    """Sum up the videos of some runs, one file of them at a time.

    Parameters
    ----------
    root
        URL of the manifest.
    runs
        Names of the runs.
    periods
        Periods that cover the runs.
    """
    slowest, failed = _empty(), [_empty()]
    why_encoded: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    lags = [np.zeros(0)]
    count, faces = np.zeros(periods.count), np.zeros(periods.count)
    for table in manifest.tables(root, "videos", _COLUMNS, runs):
        slowest = _slowest(pa.concat_tables([slowest, table]))
        is_published = pc.equal(table["status"], "published")
        failed.append(table.filter(pc.invert(is_published)))
        published = table.filter(is_published)
        for reason in pc.value_counts(published["why_encoded"].drop_null()).to_pylist():
            why_encoded[reason["values"]] += reason["counts"]
        for tracks in published["tracks"].chunks:
            by_label = pa.table({"label": tracks.keys, "tracks": tracks.items}).group_by("label")
            for row in by_label.aggregate([("tracks", "sum")]).to_pylist():
                hidden[row["label"]] += row["tracks_sum"]
        finished = epoch(published["finished"])
        count += periods.count_at(finished, np.ones(len(finished)))
        faces += periods.count_at(finished, numbers(published["faces"]))
        landed = published.filter(pc.is_valid(published["written"]))
        lags.append(epoch(landed["finished"]) - epoch(landed["written"]))
    still_failed, published_later = _outstanding(root, pa.concat_tables(failed))
    return Videos(
        slowest=tuple(slowest.to_pylist()),
        failed=tuple(still_failed),
        published_later=published_later,
        why_encoded=tuple(why_encoded.most_common()),
        lag=_lag(np.concatenate(lags)),
        published=count,
        others=tuple(sorted((label, n) for label, n in hidden.items() if label != FACE)),
        faces=faces,
    )


def _empty() -> pa.Table:
    """Return a table without rows."""
    schema = manifest.SCHEMAS["videos"]
    return pa.schema([schema.field(name) for name in _COLUMNS]).empty_table()


def _slowest(videos: pa.Table) -> pa.Table:
    by_time = [("seconds", "descending")]
    return videos.take(pc.select_k_unstable(videos, SLOWEST, by_time)).sort_by(by_time)


def _outstanding(root: str, failed: pa.Table) -> tuple[list[Row], int]:
    """Return the last row of each video that is not published yet, and the number of the others."""
    last = {row["source"]: row for row in failed.sort_by("finished").to_pylist()}
    later = set()
    if last:
        sources = pa.array([*last], pa.string())
        for table in manifest.tables(root, "videos", ["source", "status", "finished"]):
            known = pc.is_in(table["source"], sources)
            there = table.filter(pc.and_(known, pc.equal(table["status"], "published")))
            later |= {
                row["source"]
                for row in there.to_pylist()
                if row["finished"] > last[row["source"]]["finished"]
            }
    still = [row for source, row in reversed(last.items()) if source not in later]
    return sorted(still, key=lambda row: row["finished"], reverse=True), len(later)


def _lag(seconds: Floats) -> Lag | None:
    if not len(seconds):
        return None
    median, most = np.quantile(seconds, [0.5, 0.95])
    return Lag(float(median), float(most), float(seconds.max()))
