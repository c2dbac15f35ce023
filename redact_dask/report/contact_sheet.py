"""A contact sheet: some redacted frames, decoded from the published copies.

Nothing is ever read from a source. Of each video stream, the frame with the most detections is
shown, so that a person sees at a glance whether they were hidden.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from redact_dask import manifest, storage
from redact_dask.errors import VideoError
from redact_dask.media.demux import open_video
from redact_dask.media.stills import upright
from redact_dask.records import FACE

MOST = 48
"""Most frames of a sheet: a report with as many has some 2 MB."""
_SIDE = 480
"""Longer side of a picture, pixels: as wide as a phone shows it."""
_QUALITY = 80
"""JPEG quality: badly hidden faces can still be seen."""
_HALF_TICK_S = 5e-4
"""Seconds by which two containers may round the same time differently."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame of a published copy that is to be shown."""

    source: str
    """URL of the source."""
    output: str
    """URL of the published copy."""
    bytes_out: int
    """Size of the published copy, bytes."""
    tracks: dict[str, int]
    """Number of tracks that were hidden in the whole video, by label."""
    frame: int
    pts_s: float
    """Presentation time of the frame, seconds."""
    stream: int | None = None
    """Number of the video stream in the copy, from 0; None: it is the only one."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A redacted frame, or why it cannot be shown."""

    moment: Moment
    data: str
    """JPEG in base64; empty: the frame cannot be shown."""
    width: int = 0
    """Width of the JPEG, pixels."""
    height: int = 0
    """Height of the JPEG, pixels."""
    trouble: str = ""
    """Why the frame cannot be shown; empty: it can."""


def pictures(root: str, runs: Collection[str], count: int) -> list[Picture]:
    """Return some frames of videos that hide something, evenly spread over the runs.

    Parameters
    ----------
    root
        URL of the manifest.
    runs
        Names of the runs.
    count
        Most video streams to show, with one frame each.
    """
    return [_picture(moment) for moment in _moments(root, runs, count)]


def _moments(root: str, runs: Collection[str], count: int) -> list[Moment]:
    """Return one frame for each stream of videos that hide something, at most ``count``."""
    seen = _busiest_frames(root, runs, count)
    ids = pa.array({video for video, _ in seen}, pa.string())
    columns = ["video", "source", "output", "status", "bytes_out", "faces", "tracks"]
    columns += ["streams"]
    moments: dict[tuple[str, int], Moment] = {}
    for table in manifest.tables(root, "videos", columns, runs):
        known = pc.and_(pc.is_in(table["video"], ids), pc.equal(table["status"], "published"))
        for row in table.filter(known).to_pylist(maps_as_pydicts="strict"):
            # Rows of earlier versions count all labels as faces.
            row["tracks"] = row["tracks"] or {FACE: row["faces"]}
            del row["status"], row["faces"]
            if not any(row["tracks"].values()):
                continue
            video, streams = row.pop("video"), row.pop("streams") or [0]
            for place, number in enumerate(streams):
                if busiest := seen.get((video, number)):
                    only = place if len(streams) > 1 else None
                    moments[row["output"], number] = Moment(**row, **busiest, stream=only)
    found = [*moments.values()]
    if len(found) <= count:
        return found
    return [found[rank * len(found) // count] for rank in range(count)]


def _busiest_frames(
    root: str, runs: Collection[str], most: int
) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the frame with the most confidence in sum, and its time, by video id and stream.

    At most ``most`` files of the manifest are read, so not every video is found.
    """
    columns = ["video", "stream", "frame", "pts_s", "confidence"]
    frames: dict[tuple[str, int], dict[str, Any]] = {}
    for table in manifest.tables(root, "detections", columns, runs, most):
        # Rows of earlier versions name no stream.
        filled = table.set_column(1, "stream", pc.fill_null(table["stream"], 0))
        how: list[Any] = [("confidence", "sum"), ("pts_s", "min")]
        summed = filled.group_by(["video", "stream", "frame"]).aggregate(how)
        best = summed.group_by(["video", "stream"]).aggregate([("confidence_sum", "max")])
        joined = summed.join(best, ["video", "stream"])
        wanted = joined.filter(pc.equal(joined["confidence_sum"], joined["confidence_sum_max"]))
        for row in wanted.sort_by("frame").to_pylist():
            moment = {"frame": row["frame"], "pts_s": row["pts_s_min"]}
            frames.setdefault((row["video"], row["stream"]), moment)
    return frames


def _picture(moment: Moment) -> Picture:
    try:
        sizes = [info["size"] for info in storage.find(moment.output).values()]
        # Another file may have replaced the copy, and it may not be redacted.
        if sizes != [moment.bytes_out]:
            now = "not the one that was published" if sizes else "not there any more"
            return Picture(moment, "", trouble=f"the copy is {now}")
        image = _decoded(moment)
    except (VideoError, *storage.FAILURES) as error:
        return Picture(moment, "", trouble=str(error))
    if image is None:
        return Picture(moment, "", trouble=f"the copy has no frame at {moment.pts_s:.3f} s")
    image.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return Picture(moment, b64encode(file.getvalue()).decode(), *image.size)


def _decoded(moment: Moment) -> Image.Image | None:
    """Decode the frame; None: the copy has no frame at its time."""
    with open_video(moment.output, moment.stream) as (container, stream):
        if stream.time_base is None:
            return None
        container.seek(int(moment.pts_s / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            if frame.time is not None and frame.time >= moment.pts_s - _HALF_TICK_S:
                return upright(frame, stream)
    return None
