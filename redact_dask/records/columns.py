"""What was seen, and what will be hidden: one array for each column, not one object for each row.

An hour with twenty faces on each frame has two million of them. As objects, they would take some
gigabytes; rows are made only for a frame or a batch at a time.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

FACE = "face"
"""Label of a face."""

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
    DRAWN = "drawn"


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
    label: str
    """Class of the thing, such as ``face``."""
    detectors: str
    """Registered names of the detectors that found its track, sorted, with commas between them."""


class _Columns:
    """One array for each column: a value for each row, but for ``kinds``."""

    __slots__ = ()

    frame: NDArray[np.int32]
    """Number of the frame, one for each row."""
    kind: NDArray[np.uint16]
    """Number of the row of ``kinds``, one for each row."""
    kinds: NDArray[np.str_]
    """Label of each kind and who found it, ascending, shape (kinds, 2)."""

    @classmethod
    def of(cls, rows: Iterable[Any]) -> Self:
        """Return the columns of some rows."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.frame)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(
            map(np.array_equal, self.arrays.values(), other.arrays.values())
        )

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, chosen: Chosen) -> Self:
        """Return some of the rows, as NumPy selects them."""
        return type(self)(**{n: c if n == "kinds" else c[chosen] for n, c in self.arrays.items()})

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Return the rows of all parts, in their order."""
        found = [cls.of(()), *parts]
        kinds, number = numbered(kind for part in found for kind in part.kinds.tolist())
        columns = {
            name: np.concatenate([part.arrays[name] for part in found]) for name in found[0].arrays
        }
        renumbered = (
            np.array([number[label, who] for label, who in part.kinds.tolist()], np.uint16)
            for part in found
        )
        kind = [new[part.kind] for new, part in zip(renumbered, found, strict=True)]
        return cls(**columns | {"kind": np.concatenate(kind), "kinds": kinds})

    def only(self, is_wanted: Callable[[str], bool]) -> Self:
        """Return the rows whose labels are wanted."""
        wanted = np.array([is_wanted(label) for label, _ in self.kinds.tolist()], np.bool_)
        return self if wanted.all() else self[wanted[self.kind]]

    @property
    def labels(self) -> list[str]:
        """Labels that the rows may have, sorted."""
        return sorted({label for label, _ in self.kinds.tolist()})

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
        np.savez_compressed(content, allow_pickle=False, **self.arrays)
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
        except (BadZipFile, EOFError, TypeError, zlib.error) as error:
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
        kinds, number = numbered((d.label, d.detector) for d in found)
        return cls(
            np.array([d.frame for d in found], np.int32),
            np.array([(d.x0, d.y0, d.x1, d.y1) for d in found], np.float64).reshape(-1, 4),
            np.array([d.confidence for d in found], np.float64),
            np.array([number[d.label, d.detector] for d in found], np.uint16),
            kinds,
        )

    def __iter__(self) -> Iterator[Detection]:
        columns = (self.frame, self.box, self.confidence, self.kind)
        kinds = self.kinds.tolist()
        for frame, sides, confidence, kind in zip(*(c.tolist() for c in columns), strict=True):
            (x0, y0, x1, y1), (label, detector) = sides, kinds[kind]
            yield Detection(frame, x0, y0, x1, y1, confidence, label, detector)


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
    kind: NDArray[np.uint16]
    """Number of the row of ``kinds``, shape (n,)."""
    kinds: NDArray[np.str_]
    """Label and detectors of each kind, ascending, shape (kinds, 2)."""

    @classmethod
    def of(cls, rows: Iterable[Region]) -> Regions:
        """Return the columns of some regions, which are sorted by frame."""
        found = list(rows)
        kinds, number = numbered((r.label, r.detectors) for r in found)
        return cls(
            np.array([r.frame for r in found], np.int32),
            np.array([r.track for r in found], np.int32),
            np.array([(r.x0, r.y0, r.x1, r.y1) for r in found], np.float64).reshape(-1, 4),
            np.array([ORIGINS.index(r.origin) for r in found], np.uint8),
            np.array([number[r.label, r.detectors] for r in found], np.uint16),
            kinds,
        )

    def __iter__(self) -> Iterator[Region]:
        columns = (self.frame, self.track, self.box, self.origin, self.kind)
        kinds = self.kinds.tolist()
        for frame, track, sides, origin, kind in zip(*(c.tolist() for c in columns), strict=True):
            (x0, y0, x1, y1), (label, names) = sides, kinds[kind]
            yield Region(frame, track, x0, y0, x1, y1, ORIGINS[origin], label, names)

    def within(self, frames: range) -> Regions:
        """Return the regions of consecutive frames."""
        first, stop = np.searchsorted(self.frame, [frames.start, frames.stop])
        return self[first:stop]

    @property
    def tracks(self) -> tuple[tuple[str, int], ...]:
        """Label and number of the tracks with this label, sorted by label."""
        kind = self.kind[np.unique(self.track, return_index=True)[1]]
        counts = Counter(self.kinds[kind, 0].tolist())
        return tuple(sorted(counts.items()))


def numbered(
    kinds: Iterable[Iterable[str]],
) -> tuple[NDArray[np.str_], dict[tuple[str, ...], int]]:
    """Return kinds as a column, ascending and each once, and the number of each."""
    ascending = sorted({tuple(kind) for kind in kinds})
    number = {kind: n for n, kind in enumerate(ascending)}
    return np.array(ascending, np.str_).reshape(-1, 2), number
