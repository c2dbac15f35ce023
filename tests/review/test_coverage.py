"""How much regions cover, also where there are too many pairs to compare at once."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from redact_dask.records import FACE, Region, RegionOrigin, Regions
from redact_dask.records.edits import Edit, EditKind
from redact_dask.review import coverage


def region(frame: int, track: int, x: float) -> Region:
    return Region(frame, track, x, 0, x + 10, 10, RegionOrigin.DETECTED, FACE, "faces")


def test_the_region_that_covers_most_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    regions = Regions.of([region(f, t, 3.0 * t) for f in (0, 2, 3) for t in range(5)])
    frame = np.array([3, 0, 1, 2, 2], np.int32)
    box = np.array([[x, 0, x + 10, 10] for x in (6, 1, 6, 14, 99)], np.float64)
    share, row = coverage.covered(frame, box, regions)
    assert share.tolist() == pytest.approx([1.0, 0.9, 0.0, 0.8, 0.0])
    assert row.tolist() == [12, 0, -1, 9, -1]
    monkeypatch.setattr(coverage, "_PAIRS", 4)
    again = coverage.covered(frame, box, regions)
    assert [one.tolist() for one in again] == [share.tolist(), row.tolist()]
    assert [one.tolist() for one in coverage.covered(frame[:0], box[:0], regions)] == [[], []]
    assert coverage.covered(frame, box, Regions.of(()))[0].tolist() == [0.0] * 5


def test_an_edit_that_hides_is_there_between_its_boxes_and_one_that_shows_is_not() -> None:
    boxes = ((2, 0.0, 0.0, 10.0, 10.0), (4, 20.0, 0.0, 30.0, 10.0))
    at = datetime(2026, 2, 3, tzinfo=UTC)
    hide, show = (
        Edit("a.mp4", "0" * 16, None, kind, FACE, boxes, "ada", at)
        for kind in (EditKind.HIDE, EditKind.SHOW)
    )
    found = coverage.boxes_of([hide, show])
    told = sorted((one.track, one.frame, one.x0) for one in found)
    assert told == [(0, 2, 0.0), (0, 3, 10.0), (0, 4, 20.0), (1, 2, 0.0), (1, 4, 20.0)]
    assert found.frame.tolist() == sorted(found.frame.tolist())
