"""What people change in another tool becomes the edits that make the copy so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from copied import SHA256, TWO, copy, region

from redact_dask.errors import UsageError
from redact_dask.records import FACE, Region, RegionOrigin, Regions
from redact_dask.records.edits import Edit, EditKind
from redact_dask.review import comparison
from redact_dask.review.comparison import Sheet
from redact_dask.review.copied_stream import CopiedStream
from redact_dask.tracking import edited

AT = datetime(2026, 2, 3, tzinfo=UTC)
TIMES = [frame / 30 for frame in range(60)]


def sheet(boxes: Sequence[Region]) -> Sheet:
    rows = Regions.of(sorted(boxes, key=lambda one: (one.frame, one.track)))
    return Sheet(60, (320, 180), frozenset({SHA256[:8]}), rows)


def edits(some: CopiedStream, boxes: Sequence[Region]) -> list[Edit]:
    found = comparison.edits(some, sheet(boxes), "ada", AT, "wrong")
    assert {(one.by, one.at, one.why, one.path, one.video) for one in found} <= {
        ("ada", AT, "wrong", some.path, some.video)
    }
    return found


def hidden(regions: Regions) -> set[tuple[int, str, int]]:
    """Return frame, label and rounded left edge of each region."""
    return {(one.frame, one.label, round(one.x0)) for one in regions}


def test_a_new_track_hides_and_a_track_that_is_gone_is_shown() -> None:
    new = [region(frame, 77, 150) for frame in range(20, 25)]
    left = [one for one in TWO if one.track != 2]
    show, hide = edits(copy(TWO), [*left, *new])
    assert (show.kind, show.label, [box[0] for box in show.boxes]) == (
        *(EditKind.SHOW, "plate"),
        [5, 6, 7],
    )
    assert (hide.kind, hide.label, len(hide.boxes)) == (EditKind.HIDE, FACE, 5)
    assert hide.boxes[0] == (20, 150.0, 50.25, 190.0, 80.25)


def test_a_track_that_is_away_on_some_frames_is_shown_there() -> None:
    (show,) = edits(copy(TWO), [one for one in TWO if one.track or not 12 <= one.frame < 15])
    assert (show.kind, [box[0] for box in show.boxes]) == (EditKind.SHOW, [12, 13, 14])


def test_a_moved_box_is_shown_where_it_was_and_hidden_where_it_is() -> None:
    boxes = [replace(one, x0=one.x0 - 9) if one.frame in (3, 4, 9) else one for one in TWO[:30]]
    show, *hides = edits(copy(TWO[:30]), boxes)
    assert (show.kind, [box[0] for box in show.boxes]) == (EditKind.SHOW, [3, 4, 9])
    # Nothing is drawn over the hole between them.
    assert [(one.kind, [box[0] for box in one.boxes]) for one in hides] == [
        (EditKind.HIDE, [3, 4]),
        (EditKind.HIDE, [9]),
    ]


def test_a_box_of_another_label_is_another_box() -> None:
    boxes = [replace(one, label="plate") if one.track == 1 else one for one in TWO]
    show, *hides = edits(copy(TWO), boxes)
    assert (show.kind, show.label) == (EditKind.SHOW, FACE)
    assert {(one.kind, one.label) for one in hides} == {(EditKind.HIDE, "plate")}


def test_two_regions_at_one_place_are_two() -> None:
    twice = [region(5, 0, 20), region(5, 1, 20)]
    assert edits(copy(twice), twice) == []
    (show,) = edits(copy(twice), twice[:1])
    assert len(show.boxes) == 1


def test_what_an_edit_has_drawn_is_undone_and_what_is_left_of_it_hides() -> None:
    boxes = tuple((frame, 250.0, 50.25, 290.0, 80.25) for frame in range(30, 34))
    drawn = Edit("a.mp4", "0" * 16, None, EditKind.HIDE, FACE, boxes, "bob", AT)
    own = [region(frame, 9, 250, origin=RegionOrigin.DRAWN) for frame in range(30, 34)]
    some = copy([*TWO, *own], edits=[drawn])
    assert edits(some, [*TWO, *own]) == []
    undo, hide = edits(some, [*TWO, *own[:3]])
    assert (undo.kind, undo.undoes, undo.boxes) == (EditKind.UNDO, drawn.id, ())
    assert (hide.kind, [box[0] for box in hide.boxes]) == (EditKind.HIDE, [30, 31, 32])


def test_the_edits_make_the_copy_what_the_file_says() -> None:
    before = Regions.of(sorted(TWO, key=lambda one: (one.frame, one.track)))
    boxes = [replace(one, x0=one.x0 + 90, x1=one.x1 + 90) if one.track == 0 else one for one in TWO]
    boxes = [one for one in boxes if one.track != 2 and one.frame % 7]
    boxes += [region(frame, 80, 10, "plate") for frame in (2, 3, 30)]
    after = edited.apply(before, edits(copy(TWO), boxes), TIMES, 320, 180)
    assert hidden(after) == hidden(Regions.of(boxes))
    assert len(after) == len(boxes)


def test_a_file_of_another_video_or_an_earlier_copy_is_refused() -> None:
    some, good = copy(TWO), sheet(TWO)
    for wrong, told in (
        (replace(good, frames=59), "about 59 frames of 320x180 pixels, but cam/a & b.mp4 has 60"),
        (replace(good, size=(180, 320)), "of 180x320 pixels"),
        (replace(good, copies=frozenset({"0123abcd"})), "exported from an earlier copy"),
    ):
        with pytest.raises(UsageError, match=told):
            comparison.edits(some, wrong, "ada", AT)
    with pytest.raises(UsageError, match="edits that its copy does not follow yet"):
        comparison.edits(copy(TWO, current=False), good, "ada", AT)
    assert comparison.edits(some, replace(good, copies=frozenset()), "ada", AT) == []


def test_a_crowd_is_compared_in_time() -> None:
    rng = np.random.default_rng(1)
    crowd = [
        Region(f, t, x, y, x + 20, y + 25, RegionOrigin.DETECTED, FACE, "faces")
        for f in range(60)
        for t, (x, y) in enumerate(rng.uniform(0, 150, (40, 2)).round(2).tolist())
    ]
    assert edits(copy(crowd), crowd) == []
    assert len(edits(copy(crowd), crowd[1:])) == 1
