"""What was seen, and what will be hidden: one array for each column, not one object for each row.

An hour with twenty faces on each frame has two million of them. As objects, they would take some
gigabytes; rows are made only for a frame or a batch at a time.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Chosen = slice | NDArray[np.bool_] | NDArray[np.intp]
"""Which rows: a part, a mask, or their numbers in the wanted order."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Something to hide, as a detector saw it on one frame."""

    frame: int
    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float
    """Between 0 and 1."""
    label: str
    """Class of the thing, such as ``face``."""
    detector: str
    """Registered name of the detector."""


class RegionOrigin(StrEnum):
    """Why a region is hidden on a frame: what its box comes from."""

    DETECTED = "detected"
    INTERPOLATED = "interpolated"
    PADDED = "padded"


ORIGINS = tuple(RegionOrigin)
"""Origins by the number that stands for each in a column."""


@dataclass(frozen=True, slots=True)
class Region:
    """An area that will be hidden on one frame, with its margin, inside the picture."""

    frame: int
    track: int
    """Number of the track in its video, from 0."""
    x0: float
    y0: float
    x1: float
    y1: float
    origin: RegionOrigin


class _Columns:
    """One array for each column."""

    __slots__ = ()

    frame: NDArray[np.int32]
    """Number of the frame, one for each row."""

    def __len__(self) -> int:
        return len(self.frame)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(
            map(np.array_equal, self.arrays.values(), other.arrays.values())
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All columns, by name."""
        return {column.name: getattr(self, column.name) for column in fields(self)}  # type: ignore[arg-type]

    @property
    def digest(self) -> str:
        """Hash of all columns: 16 hexadecimal digits of a SHA-256."""
        found = hashlib.sha256()
        for column in self.arrays.values():
            found.update(column.tobytes())
        return found.hexdigest()[:16]

    def to_bytes(self) -> bytes:
        """Return the columns as the content of a file."""
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **self.arrays)
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return the columns of a file.

        Raises
        ------
        ValueError
            The file is damaged, or holds other columns.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as columns:
                return cls(**columns)
        except (BadZipFile, EOFError, TypeError) as error:
            raise ValueError(str(error)) from None


@dataclass(frozen=True, slots=True, eq=False)
class Detections(_Columns):
    """Any number n of detections."""

    frame: NDArray[np.int32]
    """Shape (n,)."""
    box: NDArray[np.float64]
    """Shape (n, 4): x0, y0, x1, y1."""
    confidence: NDArray[np.float64]
    """Between 0 and 1, shape (n,)."""
    kind: NDArray[np.uint16]
    """Number of the row of ``kinds``, shape (n,)."""
    kinds: NDArray[np.str_]
    """Label and detector of each kind, ascending, shape (kinds, 2)."""

    @classmethod
    def of(cls, rows: Iterable[Detection]) -> Detections:
        """Return the columns of some detections."""
        found = list(rows)
        kinds = sorted({(d.label, d.detector) for d in found})
        number = {kind: n for n, kind in enumerate(kinds)}
        return cls(
            np.array([d.frame for d in found], np.int32),
            np.array([(d.x0, d.y0, d.x1, d.y1) for d in found], np.float64).reshape(-1, 4),
            np.array([d.confidence for d in found], np.float64),
            np.array([number[d.label, d.detector] for d in found], np.uint16),
            np.array(kinds, np.str_).reshape(-1, 2),
        )

    @classmethod
    def joined(cls, parts: Sequence[Detections]) -> Detections:
        """Return the detections of all parts, in their order."""
        parts = [cls.of(()), *parts]
        kinds = sorted({(label, name) for part in parts for label, name in part.kinds.tolist()})
        number = {kind: n for n, kind in enumerate(kinds)}
        renumbered = (
            np.array([number[label, name] for label, name in part.kinds.tolist()], np.uint16)
            for part in parts
        )
        return cls(
            np.concatenate([part.frame for part in parts]),
            np.concatenate([part.box for part in parts]),
            np.concatenate([part.confidence for part in parts]),
            np.concatenate([new[part.kind] for new, part in zip(renumbered, parts, strict=True)]),
            np.array(kinds, np.str_).reshape(-1, 2),
        )

    def __iter__(self) -> Iterator[Detection]:
        columns = (self.frame, self.box, self.confidence, self.kind)
        kinds = self.kinds.tolist()
        for frame, sides, confidence, kind in zip(*(c.tolist() for c in columns), strict=True):
            (x0, y0, x1, y1), (label, detector) = sides, kinds[kind]
            yield Detection(frame, x0, y0, x1, y1, confidence, label, detector)

    def __getitem__(self, chosen: Chosen) -> Detections:
        """Return some of the rows, as NumPy selects them."""
        columns: tuple[NDArray[Any], ...] = (self.frame, self.box, self.confidence, self.kind)
        frame, box, confidence, kind = (column[chosen] for column in columns)
        return Detections(frame, box, confidence, kind, self.kinds)


@dataclass(frozen=True, slots=True, eq=False)
class Regions(_Columns):
    """Any number n of regions, sorted by frame."""

    frame: NDArray[np.int32]
    """Shape (n,)."""
    track: NDArray[np.int32]
    """Number of the track in its video, from 0, shape (n,)."""
    box: NDArray[np.float64]
    """Shape (n, 4): x0, y0, x1, y1."""
    origin: NDArray[np.uint8]
    """Number of the origin in ``ORIGINS``, shape (n,)."""

    @classmethod
    def of(cls, rows: Iterable[Region]) -> Regions:
        """Return the columns of some regions, which are sorted by frame."""
        found = list(rows)
        return cls(
            np.array([r.frame for r in found], np.int32),
            np.array([r.track for r in found], np.int32),
            np.array([(r.x0, r.y0, r.x1, r.y1) for r in found], np.float64).reshape(-1, 4),
            np.array([ORIGINS.index(r.origin) for r in found], np.uint8),
        )

    @classmethod
    def joined(cls, parts: Iterable[Regions]) -> Regions:
        """Return the regions of all parts, in their order."""
        columns = [part.arrays.values() for part in (cls.of(()), *parts)]
        return cls(*map(np.concatenate, zip(*columns, strict=True)))

    def __iter__(self) -> Iterator[Region]:
        columns = (column.tolist() for column in self.arrays.values())
        for frame, track, (x0, y0, x1, y1), origin in zip(*columns, strict=True):
            yield Region(frame, track, x0, y0, x1, y1, ORIGINS[origin])

    def __getitem__(self, chosen: Chosen) -> Regions:
        """Return some of the rows, as NumPy selects them."""
        return Regions(*(column[chosen] for column in self.arrays.values()))

    def within(self, frames: range) -> Regions:
        """Return the regions of consecutive frames."""
        first, stop = np.searchsorted(self.frame, [frames.start, frames.stop])
        return self[first:stop]
