"""What there is to review: the published copies whose sources are there, too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from redact_dask import manifest, storage
from redact_dask.audit import strata
from redact_dask.errors import SourceError
from redact_dask.records import Video
from redact_dask.review.doubts import Doubt
from redact_dask.review.ranking import Doubtful
from redact_dask.sources import listing
from redact_dask.storage import layout

MOST_DOUBTS = 40
"""Doubts about a video that are shown, the gravest ones: people would look at more in vain."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A published copy, and its source as it is now."""

    source: Video
    video: str
    """Id of the version of the source that the copy was made of."""
    run: str
    """Name of the run that made the copy."""
    output: str
    """URL of the copy."""
    size: int
    """Size of the copy, bytes."""
    streams: tuple[int, ...]
    """Numbers of its video streams in the source."""
    frames: int
    seconds: float
    doubts: tuple[Doubt, ...] = ()
    """The gravest first."""

    @property
    def is_outdated(self) -> bool:
        """Whether the source has changed since the copy was made."""
        return self.source.id != self.video


def listed(source: str, destination: str, path: str | None = None) -> list[Pair]:
    """Return the copies that have a source, by their paths.

    Parameters
    ----------
    source
        The source of the runs, as for ``redact-dask run``.
    destination
        URL of the destination's root.
    path
        Path of the only video that is wanted, below the source's root; None: all are.

    Raises
    ------
    SourceError
        Nothing is published, or no copy has a source.
    """
    published = strata.published(destination)
    rows = {}
    for number, row in enumerate(published.table.to_pylist(maps_as_pydicts="strict")):
        of_source, _ = manifest.paths(row, destination)
        rows[of_source] = row | {"streams": published.streams(number)}
    found = [
        _pair(video, rows[video.path], destination)
        for video in listing.list_videos(source, destination)
        if video.path in rows and path in (None, video.path)
    ]
    if not found:
        wanted = f"video {path}" if path else "video"
        raise SourceError(
            f"no {wanted} is both in {source} and published in {destination}: name the source of "
            "the run that published it"
        )
    return sorted(found, key=lambda pair: pair.source.path)


def ordered(pairs: Iterable[Pair], ranked: Iterable[Doubtful]) -> list[Pair]:
    """Return pairs in the order of a ranking, with its doubts; then those that it does not name.

    Parameters
    ----------
    pairs
        What there is to review.
    ranked
        The doubtful copies, the most doubtful one first.
    """
    left = {pair.video: pair for pair in pairs}
    first = [
        replace(left.pop(copy.video), doubts=copy.doubts[:MOST_DOUBTS])
        for copy in ranked
        if copy.video in left
    ]
    return [*first, *left.values()]


def followed(destination: str, pair: Pair) -> frozenset[str]:
    """Return the ids of the edits that a copy follows."""
    columns = ["run", "video", "status", "edits"]
    for table in manifest.tables(layout.manifest(destination), "videos", columns, {pair.run}):
        for row in table.to_pylist():
            if (row["video"], row["status"]) == (pair.video, "published"):
                return frozenset(row["edits"] or ())
    return frozenset()


def _pair(video: Video, row: manifest.Row, destination: str) -> Pair:
    return Pair(
        source=video,
        video=row["video"],
        run=row["run"],
        output=storage.join(destination, row["copy"]),
        size=row["bytes_out"],
        streams=tuple(row["streams"]),
        frames=row["frames"],
        seconds=row["duration_s"],
    )
