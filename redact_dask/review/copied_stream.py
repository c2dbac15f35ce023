"""One video stream of a published copy, and what is hidden in it, for other tools."""

from __future__ import annotations

from dataclasses import dataclass

from redact_dask import storage
from redact_dask.audit import strata
from redact_dask.audit.strata import StreamKey
from redact_dask.errors import UsageError
from redact_dask.manifest import edits, streams
from redact_dask.media import stills
from redact_dask.records import Regions
from redact_dask.records.edits import Edit
from redact_dask.review.display import Display
from redact_dask.storage import layout


@dataclass(frozen=True, slots=True)
class CopiedStream:
    """A stream of a copy, and what is hidden in it."""

    path: str
    """Path of the video below the source's root."""
    video: str
    """Id of the video."""
    stream: int | None
    """Number of the stream in the source, as edits tell it; None: there is no other."""
    frames: int
    seconds: float
    sha256: str
    """SHA-256 of the copy."""
    upright: Display
    """Size of its pictures, and how they are turned. Other tools do not stretch them."""
    regions: Regions
    """What is hidden, by frame."""
    edits: tuple[Edit, ...]
    """The edits of the stream that are in force."""
    is_current: bool
    """Whether the copy follows all edits of the video that are in force, and no other."""


def opened(destination: str, path: str, stream: int | None = None) -> CopiedStream:
    """Return a stream of a published copy.

    Parameters
    ----------
    destination
        Canonical URL of the destination's root.
    path
        Path of the video below the source's root, or of its copy below the destination.
    stream
        Number of the video stream in the source; None: there is only one.

    Raises
    ------
    SourceError
        No copy of the video is published.
    UsageError
        The copy has several streams and none is named, or not the one that is named.
    VideoError
        The copy cannot be read.
    """
    copies = strata.published(destination)
    row = copies.row(path)
    (columns,) = copies.table.slice(row, 1).to_pylist()
    numbers = copies.streams(row)
    if stream is None and len(numbers) == 1:
        stream = numbers[0]
    if stream not in numbers:
        told = ", ".join(map(str, numbers))
        raise UsageError(f"{path} has the video streams {told}: name one of them with --stream")
    root, video = layout.manifest(destination), columns["video"]
    key = StreamKey(row, stream)
    groups = streams.by_stream(root, "regions", streams.REGIONS, [columns["run"]], video)
    hidden = [group.table for group in groups if group.stream == stream]
    in_force = edits.by_video(root).get(video, ())
    # A file with one stream alone does not count its streams.
    counts = len(numbers) > 1 or bool(columns["streams_dropped"])
    url = storage.join(destination, columns["copy"])
    width, height, turns = stills.shape(url, copies.place(key))
    return CopiedStream(
        path=columns["path"] or columns["copy"],
        video=video,
        stream=stream if counts else None,
        frames=copies.frames_of_several.get(key, columns["frames"]),
        seconds=columns["duration_s"],
        sha256=columns["sha256"],
        upright=Display(width, height, turns, width),
        regions=streams.regions(hidden[-1]) if hidden else Regions.of(()),
        edits=tuple(edit for edit in in_force if (edit.stream or 0) == stream),
        is_current=set(columns["edits"] or ()) == {edit.id for edit in in_force},
    )
