"""What people have changed in another tool, as edits: its boxes, compared with a copy's regions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from redact_dask.errors import UsageError
from redact_dask.records import ORIGINS, RegionOrigin, Regions
from redact_dask.records.edits import Edit, EditKind
from redact_dask.review.copied_stream import CopiedStream
from redact_dask.review.coverage import pairs

_SAME = 0.1
"""Largest difference of the sides of two boxes that are the same, pixels: tools round them to
hundredths, and the manifest has floats of 32 bits."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file of another tool says about a stream."""

    frames: int
    """Number of frames, as the file tells it."""
    size: tuple[int, int]
    """Width and height of the upright picture, pixels."""
    copies: frozenset[str]
    """First digits of the SHA-256 of the copies that its boxes were exported from."""
    boxes: Regions
    """What is to be hidden, on the upright picture."""


def tag(copy: CopiedStream) -> str:
    """Return what a file says of the copy that it was exported from."""
    return copy.sha256[:8]


def edits(copy: CopiedStream, sheet: Sheet, by: str, at: datetime, why: str = "") -> list[Edit]:
    """Return the edits that make a copy hide what a file says, and nothing else.

    A box that is no region of its label hides, a region that is no box is shown, and a moved box is
    both. What an edit has drawn cannot be shown: the edit is undone, and what is left of it hides.

    Parameters
    ----------
    copy
        The copy that the file was exported from.
    sheet
        What the file says.
    by, at, why
        Name of the person, when, and their reason.

    Raises
    ------
    UsageError
        The file is about another video, or another copy; or the copy does not follow all edits.
    """
    _check(copy, sheet)
    stored = [copy.upright.stored(box) for box in sheet.boxes.box.tolist()]
    new = replace(sheet.boxes, box=np.array(stored, np.float64).reshape(-1, 4))
    same = _same(copy.regions, new)
    is_gone = np.ones(len(copy.regions), np.bool_)
    is_gone[[*same.values()]] = False
    drawn = copy.regions.origin == ORIGINS.index(RegionOrigin.DRAWN)
    touched = np.unique(copy.regions.track[is_gone & drawn])
    undone = {_drawing(copy, track) for track in touched.tolist()}
    is_new = np.ones(len(new), np.bool_)
    for box, region in same.items():
        is_new[box] = copy.regions.track[region] in touched and drawn[region]
    blank = Edit(copy.path, copy.video, copy.stream, EditKind.HIDE, "", (), by, at, why)
    undo = replace(blank, kind=EditKind.UNDO)
    show = replace(blank, kind=EditKind.SHOW)
    return [
        *(replace(undo, label=edit.label, undoes=edit.id) for edit in sorted(undone, key=_id)),
        *_grouped(show, copy.regions[is_gone & ~drawn], by_run=False),
        *_grouped(blank, new[is_new], by_run=True),
    ]


def check_current(copy: CopiedStream) -> None:
    """Raise `UsageError` if a copy does not follow all edits in force: its file would be old."""
    if not copy.is_current:
        raise UsageError(
            f"{copy.path} has edits that its copy does not follow yet: let `redact-dask run SOURCE "
            "DEST` make it again, and export that"
        )


def _check(copy: CopiedStream, sheet: Sheet) -> None:
    if (sheet.frames, sheet.size) != (copy.frames, copy.upright.size):
        raise UsageError(
            f"the file is about {sheet.frames} frames of {sheet.size[0]}x{sheet.size[1]} pixels, "
            f"but {copy.path} has {copy.frames} of {copy.upright.size[0]}x{copy.upright.size[1]}: "
            "give the file of this video, with all of its frames"
        )
    if sheet.copies - {tag(copy)}:
        raise UsageError(
            f"the file was exported from an earlier copy of {copy.path}: export it again, and make "
            "the changes there"
        )
    check_current(copy)


def _same(regions: Regions, boxes: Regions) -> dict[int, int]:
    """Return the region that each box is, by row; each region is one box at most."""
    own, theirs = (rows.kinds[:, 0][rows.kind] for rows in (regions, boxes))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for box, region in pairs(boxes.frame, regions):
        is_same = np.abs(boxes.box[box] - regions.box[region]).max(axis=1, initial=0) <= _SAME
        is_same &= theirs[box] == own[region]
        for one, other in zip(box[is_same].tolist(), region[is_same].tolist(), strict=True):
            if one not in found and other not in taken:
                found[one] = other
                taken.add(other)
    return found


def _drawing(copy: CopiedStream, track: int) -> Edit:
    """Return the edit in force that has drawn a track: a box of it is a region of the track."""
    rows = copy.regions[copy.regions.track == track]
    at = dict(zip(rows.frame.tolist(), rows.box, strict=True))
    width, height = copy.upright.width, copy.upright.height
    for edit in copy.edits:
        if edit.kind is EditKind.HIDE and edit.label in rows.kinds[rows.kind, 0]:
            for frame, *sides in edit.boxes:
                inside = np.clip(sides, 0, [width, height, width, height])
                if frame in at and np.abs(at[frame] - inside).max() <= _SAME:
                    return edit
    raise UsageError(f"no edit in force has drawn track {track} of {copy.path}: undo it by hand")


def _grouped(blank: Edit, rows: Regions, *, by_run: bool) -> Iterator[Edit]:
    """Yield an edit for each track, or for each run of its consecutive frames.

    An edit that hides is followed between its boxes, so that it must not reach over a hole.
    """
    label = rows.kinds[:, 0][rows.kind]
    for name in np.unique(label):
        alike = rows[label == name]
        again = _occurrence(alike)
        order = np.lexsort((alike.frame, again, alike.track))
        alike, again = alike[order], again[order]
        step = np.diff(alike.frame)
        is_cut = (np.diff(alike.track) != 0) | (np.diff(again) != 0)
        cuts = np.flatnonzero(is_cut | (by_run & (step != 1))) + 1
        for part in np.split(np.arange(len(alike)), cuts):
            frames, sides = alike.frame[part].tolist(), alike.box[part].tolist()
            boxes = tuple((frame, *box) for frame, box in zip(frames, sides, strict=True))
            yield replace(blank, label=str(name), boxes=boxes)


def _occurrence(rows: Regions) -> NDArray[np.intp]:
    """Return how many boxes of its track each row has before it on its frame."""
    order = np.lexsort((rows.frame, rows.track))
    frame, track = rows.frame[order], rows.track[order]
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = (np.diff(frame) != 0) | (np.diff(track) != 0)
    place = np.arange(len(rows))
    found = np.empty(len(rows), np.intp)
    found[order] = place - np.maximum.accumulate(np.where(is_first, place, 0))
    return found


def _id(edit: Edit) -> str:
    return edit.id
