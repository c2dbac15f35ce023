"""Reading an annotated dataset: clips with what they truly show, and clips that show nothing."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from redact_dask.bench.leakage.metric import Annotation
from redact_dask.errors import SourceError, VideoError
from redact_dask.media.demux import SeveralStreams, open_video
from redact_dask.records import FACE

_COLUMNS = ("clip", "frame", "track", "x0", "y0", "x1", "y1", "height", "readable")


@dataclass(frozen=True, slots=True)
class Dataset:
    """Annotated clips, and clips on which nothing is to be hidden."""

    folder: Path
    """Folder of the clips."""
    truth: Mapping[str, Mapping[int, Sequence[Annotation]]]
    """What is there, by clip and frame."""
    face_free: tuple[str, ...]
    """Names of the clips on which nothing is to be hidden."""

    @property
    def clips(self) -> tuple[str, ...]:
        """Names of all clips."""
        return (*self.truth, *self.face_free)

    def labels_of(self, clip: str) -> list[str]:
        """Return the labels that the truth tells of on a clip, sorted."""
        return sorted({one.label for frame in self.truth[clip].values() for one in frame})


def read(folder: Path, face_free: Sequence[str], truth: Path | None = None) -> Dataset:
    """Read the dataset in a folder of clips.

    The columns of the truth are clip, frame, track, x0, y0, x1, y1 (pixels of the stored picture),
    height (pixels), and readable (0 or 1). Where a column label is missing, all are faces.

    Parameters
    ----------
    folder
        Folder of the clips.
    face_free
        Names of the clips on which nothing is to be hidden.
    truth
        CSV file of what is there. Default: ``truth.csv`` in the folder.

    Raises
    ------
    SourceError
        The file or a clip is missing, a row is wrong, or a face-free clip has rows.
    """
    file = truth or folder / "truth.csv"
    dataset = Dataset(folder, _truth(file), tuple(dict.fromkeys(face_free)))
    for clip in dataset.clips:
        if not (folder / clip).is_file():
            raise SourceError(f"there is no clip {clip} in {folder}")
        _check_streams(folder / clip)
    for clip in face_free:
        if clip in dataset.truth:
            raise SourceError(f"--face-free {clip}: {file} has something on it")
    return dataset


def _check_streams(clip: Path) -> None:
    """Raise `SourceError` if a clip has several video streams: the truth tells of one."""
    with suppress(VideoError):
        try:
            with open_video(str(clip)):
                pass
        except SeveralStreams as error:
            raise SourceError(f"{clip}: {error}; split it into one each") from None


def _truth(file: Path) -> dict[str, dict[int, list[Annotation]]]:
    truth: defaultdict[str, defaultdict[int, list[Annotation]]]
    truth = defaultdict(lambda: defaultdict(list))
    try:
        with file.open(newline="") as lines:
            reader = csv.DictReader(lines)
            if missing := set(_COLUMNS).difference(reader.fieldnames or ()):
                raise SourceError(f"{file} has no column {', '.join(sorted(missing))}")
            for row in reader:
                try:
                    truth[row["clip"]][int(row["frame"])].append(_annotation(row))
                except (TypeError, ValueError) as error:
                    raise SourceError(f"{file}, line {reader.line_num}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read the truth {file}: {error}") from None
    if not truth:
        raise SourceError(f"{file} names nothing that is to be hidden")
    return {clip: dict(truth[clip]) for clip in sorted(truth)}


def _annotation(row: Mapping[str, str]) -> Annotation:
    x0, y0, x1, y1, height = (float(row[key]) for key in ("x0", "y0", "x1", "y1", "height"))
    if not (x0 < x1 and y0 < y1 and math.isfinite(x1 - x0 + y1 - y0 + height)):
        raise ValueError("a box needs finite x0 < x1 and y0 < y1, and a height")
    if row["readable"] not in {"0", "1"}:
        raise ValueError(f"readable is {row['readable']!r}, neither 0 nor 1")
    label = row.get("label", FACE)
    if not label:
        raise ValueError("label is empty; leave the column out if all are faces")
    track = f"{row['clip']} {label} {row['track']}"
    return Annotation(track, (x0, y0, x1, y1), height, row["readable"] == "1", label)
