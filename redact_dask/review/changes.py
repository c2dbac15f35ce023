"""From what a page sends to an edit: checked, and in pixels of the stored picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from redact_dask.errors import UsageError
from redact_dask.records import RegionOrigin
from redact_dask.records.edits import Edit, EditBox, EditKind, taken_back
from redact_dask.review.display import Display
from redact_dask.review.marks import Marks

_LONGEST_REASON = 500
"""Most characters of a reason."""
_SHORTEST = 1.0
"""Least side of a box, pixels of the shown picture."""


class Changes:
    """Makes the edits of one person to one stream of a video.

    Parameters
    ----------
    path, video, stream
        As those of `Edit`.
    by
        Name of the person.
    labels
        What may be drawn.
    """

    def __init__(
        self, path: str, video: str, stream: int | None, by: str, labels: Collection[str]
    ) -> None:
        self._path, self._video, self._stream = path, video, stream
        self._by = by
        self._labels = labels

    def hide(self, given: Mapping[str, Any], frames: int, display: Display) -> Edit:
        """Return an edit that hides what was drawn.

        Parameters
        ----------
        given
            The ``label``, the ``boxes`` with their frames, pixels of the shown picture, and why.
        frames
            Number of frames of the stream.
        display
            How its pictures are shown.

        Raises
        ------
        UsageError
            Something of it is wrong.
        """
        label, boxes = given.get("label"), given.get("boxes")
        if label not in self._labels:
            raise UsageError(f"{label!r} is no label that is known: choose one of those shown")
        if not isinstance(boxes, list) or not boxes:
            raise UsageError("there is no box: draw one first")
        found = sorted(_stored(box, frames, display) for box in boxes)
        if len({frame for frame, *_ in found}) < len(found):
            raise UsageError("a frame has two boxes: draw one on each frame")
        return self._edit(EditKind.HIDE, str(label), found, given)

    def show(self, given: Mapping[str, Any], frames: int, marks: Marks) -> Edit:
        """Return an edit that shows what is hidden of a track.

        Parameters
        ----------
        given
            The ``track``, the ``first`` and the ``last`` frame, and why.
        frames
            Number of frames of the stream.
        marks
            What is hidden.

        Raises
        ------
        UsageError
            Nothing is hidden there, or a person has drawn it.
        """
        track, first, last = (_whole(given.get(name)) for name in ("track", "first", "last"))
        found = marks.of_track(track, range(max(first, 0), min(last + 1, frames)))
        if not found:
            raise UsageError(f"nothing of track {track} is hidden there any more")
        if found[0].origin is RegionOrigin.DRAWN:
            raise UsageError(f"a person has drawn track {track}: undo that edit instead")
        boxes = [(one.frame, one.x0, one.y0, one.x1, one.y1) for one in found]
        return self._edit(EditKind.SHOW, found[0].label, boxes, given)

    def undo(self, given: Mapping[str, Any], edits: Sequence[Edit]) -> Edit:
        """Return an edit that takes another one back.

        Parameters
        ----------
        given
            Id of the edit that it ``undoes``, and why.
        edits
            All edits of the video.

        Raises
        ------
        UsageError
            There is no such edit, or it is undone already.
        """
        known = {edit.id: edit for edit in edits}
        undone = known.get(str(given.get("undoes")))
        if undone is None:
            raise UsageError("this video has no such edit")
        if undone.id in taken_back(edits):
            raise UsageError(f"the edit of {undone.by} is undone already")
        return self._edit(EditKind.UNDO, undone.label, (), given, undone)

    def _edit(
        self,
        kind: EditKind,
        label: str,
        boxes: Sequence[EditBox],
        given: Mapping[str, Any],
        undone: Edit | None = None,
    ) -> Edit:
        why = given.get("why", "")
        if not isinstance(why, str) or len(why) > _LONGEST_REASON:
            raise UsageError(f"the reason must have at most {_LONGEST_REASON} characters")
        return Edit(
            path=self._path,
            video=self._video,
            stream=undone.stream if undone else self._stream,
            kind=kind,
            label=label,
            boxes=tuple(boxes),
            by=self._by,
            at=datetime.now(UTC),
            why=" ".join(why.split()),
            undoes=undone.id if undone else "",
        )


def _whole(number: Any) -> int:
    if not isinstance(number, int):
        raise UsageError("this tells no track and no frames")
    return number


def _stored(box: Any, frames: int, display: Display) -> EditBox:
    """Return a box that came over the network, on the stored picture and inside it."""
    if (
        not isinstance(box, list)
        or len(box) != 5
        or not isinstance(box[0], int)
        or not all(isinstance(side, int | float) and isfinite(side) for side in box)
    ):
        raise UsageError("this is no box: it needs a frame and four edges")
    frame, *sides = box
    wide, high = display.size
    x0, x1 = (min(max(float(side), 0.0), wide) for side in (sides[0], sides[2]))
    y0, y1 = (min(max(float(side), 0.0), high) for side in (sides[1], sides[3]))
    if not 0 <= frame < frames or min(x1 - x0, y1 - y0) < _SHORTEST:
        raise UsageError(f"the box on frame {frame} is not inside the video: draw it again")
    return (frame, *display.stored((x0, y0, x1, y1)))
