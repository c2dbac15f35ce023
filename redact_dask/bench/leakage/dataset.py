"""Reading an annotated dataset: clips with their true faces, and clips without any face."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from redact_dask.bench.leakage.metric import Face
from redact_dask.errors import SourceError, VideoError
from redact_dask.media.demux import SeveralStreams, open_video

_COLUMNS = ("clip", "frame", "track", "x0", "y0", "x1", "y1", "height", "readable")


@dataclass(frozen=True, slots=True)
class Dataset:
    """Annotated clips, and clips without any face."""

    folder: Path
    """Folder of the clips."""
    truth: Mapping[str, Mapping[int, Sequence[Face]]]
    """True faces, by clip and frame."""
    face_free: tuple[str, ...]
    """Names of the clips without any face."""

    @property
    def clips(self) -> tuple[str, ...]:
        """Names of all clips."""
        return (*self.truth, *self.face_free)


def read(folder: Path, face_free: Sequence[str]) -> Dataset:
    """Read the dataset in a folder of clips, which has their true faces in ``truth.csv``.

    The columns of ``truth.csv`` are clip, frame, track, x0, y0, x1, y1 (pixels of the stored
    picture), height (pixels), and readable (0 or 1).

    Parameters
    ----------
    folder
        Folder of the clips.
    face_free
        Names of the clips without any face.

    Raises
    ------
    SourceError
        The file or a clip is missing, a row is wrong, or a face-free clip has true faces.
    """
    truth = _truth(folder / "truth.csv")
    dataset = Dataset(folder, truth, tuple(dict.fromkeys(face_free)))
    for clip in dataset.clips:
        if not (folder / clip).is_file():
            raise SourceError(f"there is no clip {clip} in {folder}")
        _check_streams(folder / clip)
    for clip in face_free:
        if clip in truth:
            raise SourceError(f"--face-free {clip}: {folder / 'truth.csv'} has faces on it")
    return dataset


def _check_streams(clip: Path) -> None:
    """Raise `SourceError` if a clip has several video streams: the truth tells of one."""
    with suppress(VideoError):
        try:
            with open_video(str(clip)):
                pass
        except SeveralStreams as error:
            raise SourceError(f"{clip}: {error}; split it into one each") from None


def _truth(file: Path) -> dict[str, dict[int, list[Face]]]:
    truth: defaultdict[str, defaultdict[int, list[Face]]] = defaultdict(lambda: defaultdict(list))
    try:
        with file.open(newline="") as lines:
            reader = csv.DictReader(lines)
            if missing := set(_COLUMNS).difference(reader.fieldnames or ()):
                raise SourceError(f"{file} has no column {', '.join(sorted(missing))}")
            for row in reader:
                try:
                    truth[row["clip"]][int(row["frame"])].append(_face(row))
                except (TypeError, ValueError) as error:
                    raise SourceError(f"{file}, line {reader.line_num}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read the truth {file}: {error}") from None
    if not truth:
        raise SourceError(f"{file} names no face")
    return {clip: dict(truth[clip]) for clip in sorted(truth)}


def _face(row: Mapping[str, str]) -> Face:
    x0, y0, x1, y1, height = (float(row[key]) for key in ("x0", "y0", "x1", "y1", "height"))
    if not (x0 < x1 and y0 < y1 and math.isfinite(x1 - x0 + y1 - y0 + height)):
        raise ValueError("a box needs finite x0 < x1 and y0 < y1, and a height")
    if row["readable"] not in {"0", "1"}:
        raise ValueError(f"readable is {row['readable']!r}, neither 0 nor 1")
    return Face(f"{row['clip']} {row['track']}", (x0, y0, x1, y1), height, row["readable"] == "1")
