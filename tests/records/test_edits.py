"""What is left of edits when some are undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from redact_dask.records.edits import Edit, EditKind, in_force

FIRST = Edit(
    *("cam/a.mp4", "0123456789abcdef", None, EditKind.HIDE, "face"),
    boxes=((3, 1.0, 2.0, 30.0, 40.0),),
    by="ada",
    at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
)


def undo(edit: Edit, minutes: int) -> Edit:
    at = FIRST.at + timedelta(minutes=minutes)
    return replace(FIRST, kind=EditKind.UNDO, boxes=(), at=at, undoes=edit.id)


def test_an_edit_that_is_undone_is_not_in_force() -> None:
    second = replace(FIRST, kind=EditKind.SHOW, at=FIRST.at + timedelta(minutes=1))
    assert in_force([undo(FIRST, 2), second, FIRST]) == (second,)


def test_an_undo_may_be_undone() -> None:
    taken_back = undo(FIRST, 1)
    assert in_force([FIRST, taken_back, undo(taken_back, 2)]) == (FIRST,)


def test_the_id_tells_all_that_the_edit_tells() -> None:
    others = [
        replace(FIRST, boxes=((3, 1.0, 2.0, 30.0, 40.5),)),
        replace(FIRST, by="bob"),
        replace(FIRST, stream=0),
        replace(FIRST, why="missed"),
    ]
    assert len({edit.id for edit in (FIRST, *others)}) == 5
