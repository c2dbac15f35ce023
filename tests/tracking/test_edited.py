"""What people draw is hidden, and what they show is shown, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from redact_dask.records import FACE, Region, RegionOrigin, Regions
from redact_dask.records.edits import Edit, EditBox, EditKind
from redact_dask.tracking import edited

TIMES = [frame / 30 for frame in range(60)]
SIZE = (320, 180)


def edit(kind: EditKind, *boxes: EditBox, label: str = FACE) -> Edit:
    at = datetime(2026, 2, 3, tzinfo=UTC)
    return Edit("a.mp4", "0123456789abcdef", None, kind, label, boxes, "ada", at)


def tracked(*tracks: tuple[float, range], label: str = FACE) -> Regions:
    """Return tracks of boxes of 20 x 20 pixels that stand at some x."""
    found = [
        Region(frame, number, x, 50, x + 20, 70, RegionOrigin.DETECTED, label, "faces")
        for number, (x, frames) in enumerate(tracks)
        for frame in frames
    ]
    return Regions.of(sorted(found, key=lambda region: (region.frame, region.track)))


def test_a_drawn_box_is_hidden_between_its_frames() -> None:
    drawn = edit(EditKind.HIDE, (10, 0, 0, 20, 20), (20, 100, 0, 120, 20))
    regions = [*edited.apply(tracked((200, range(60))), [drawn], TIMES, *SIZE)]
    own = [region for region in regions if region.track == 1]
    assert [region.frame for region in own] == [*range(10, 21)]
    assert {region.origin for region in own} == {RegionOrigin.DRAWN}
    assert (own[5].x0, own[5].x1) == pytest.approx((50, 70))
    assert {(region.label, region.detectors) for region in own} == {(FACE, "person")}
    assert len(regions) == 60 + 11
    assert regions == sorted(regions, key=lambda region: (region.frame, region.track))


def test_a_drawn_box_goes_with_the_camera_and_covers_the_straight_way_too() -> None:
    steps = [None, *[(1.0, 8.0 if frame < 5 else 0.0, 0.0) for frame in range(1, 60)]]
    drawn = edit(EditKind.HIDE, (0, 50, 0, 70, 20), (10, 82, 0, 102, 20))
    regions = [*edited.apply(Regions.of(()), [drawn], TIMES, *SIZE, steps)]
    assert regions[5].x1 >= 50 + 32 + 20 - 1e-6
    assert regions[5].x0 <= 50 + 16 + 1e-6


def test_a_drawn_box_stays_inside_the_picture() -> None:
    drawn = edit(EditKind.HIDE, (0, -10, 100, 30, 250), (1, -50, 0, -10, 20), (99, 0, 0, 9, 9))
    (region,) = edited.apply(Regions.of(()), [drawn], TIMES, *SIZE)
    assert (region.x0, region.y0, region.x1, region.y1) == (0, 100, 30, 180)


def test_one_track_is_shown_and_its_neighbour_is_not() -> None:
    regions = tracked((100, range(60)), (108, range(60)))
    boxes = [(frame, 101.0, 50.0, 121.0, 70.0) for frame in range(10, 30)]
    left = edited.apply(regions, [edit(EditKind.SHOW, *boxes)], TIMES, *SIZE)
    assert (left.track == 1).sum() == 60
    assert left.frame[left.track == 0].tolist() == [*range(10), *range(30, 60)]


def test_a_track_of_another_label_or_place_is_not_shown() -> None:
    regions = tracked((100, range(60)))
    of_a_plate = edit(EditKind.SHOW, (5, 100, 50, 120, 70), label="plate")
    beside = edit(EditKind.SHOW, (5, 112, 50, 132, 70))
    left = edited.apply(regions, [of_a_plate, beside], TIMES, *SIZE)
    assert np.array_equal(left.frame, regions.frame)


def test_what_is_drawn_stays_hidden_whatever_is_shown() -> None:
    drawn = edit(EditKind.HIDE, (5, 100, 50, 120, 70))
    shown = edit(EditKind.SHOW, (5, 100, 50, 120, 70))
    for edits in ([drawn, shown], [shown, drawn]):
        left = [*edited.apply(tracked((100, range(5, 6))), edits, TIMES, *SIZE)]
        assert [region.origin for region in left] == [RegionOrigin.DRAWN]
