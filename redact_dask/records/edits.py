"""What a person changes about what is hidden in a video."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

EditBox = tuple[int, float, float, float, float]
"""Number of a frame, and x0, y0, x1, y1 there, pixels of the stored picture."""


class EditKind(StrEnum):
    """What an edit does."""

    HIDE = "hide"
    """It hides its boxes. Between two of them, the box is followed along the camera's motion."""
    SHOW = "show"
    """It shows what tracking hides at its boxes; on frames without a box, nothing changes."""
    UNDO = "undo"
    """It takes another edit back."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A person's change to one version of one video. It is never altered, but may be undone."""

    path: str
    """Path of the video below the source's root."""
    video: str
    """Id of this version of the video; see `video_id`."""
    stream: int | None
    """Number of the video stream, as in `StreamInfo`; None: there is no other."""
    kind: EditKind
    label: str
    """What the thing is, such as ``face``."""
    boxes: tuple[EditBox, ...]
    """By frame, ascending, each frame once; none if it undoes another edit."""
    by: str
    """Name of the person."""
    at: datetime
    """When, with the time zone."""
    why: str = ""
    """The person's reason, in their words."""
    undoes: str = ""
    """Id of the edit that is taken back."""

    @property
    def id(self) -> str:
        """Hash of all that the edit tells: 16 hexadecimal digits of a SHA-256."""
        told = [str(getattr(self, field.name)) for field in fields(self) if field.name != "boxes"]
        told += [str((frame, *map(float, sides))) for frame, *sides in self.boxes]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def in_force(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits that hide or show and are not undone, by time."""
    known = [*edits]
    undone = taken_back(known)
    by_time = sorted(known, key=lambda edit: (edit.at, edit.id))
    return tuple(edit for edit in by_time if not edit.undoes and edit.id not in undone)


def taken_back(edits: Iterable[Edit]) -> frozenset[str]:
    """Return the ids of the edits that are undone.

    An undo may be undone, too.
    """
    undone: set[str] = set()
    for edit in sorted(edits, key=lambda edit: (edit.at, edit.id), reverse=True):
        if edit.undoes and edit.id not in undone:
            undone.add(edit.undoes)
    return frozenset(undone)
