"""What gives reason to doubt a stream, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from doubted import BOX, detections, regions, stream

from redact_dask.records import FACE
from redact_dask.records.edits import Edit, EditBox, EditKind
from redact_dask.review import examine
from redact_dask.review.doubts import Doubt, Kind, Stream

AT = datetime(2026, 2, 3, tzinfo=UTC)


def edit(kind: EditKind, *boxes: EditBox) -> Edit:
    return Edit("a.mp4", "0123456789abcdef", None, kind, FACE, boxes, "ada", AT)


def kinds(some: Stream) -> list[Kind]:
    return sorted(doubt.kind for doubt in examine.of_stream(some))


def only(some: Stream, kind: Kind) -> Doubt:
    (found,) = (doubt for doubt in examine.of_stream(some) if doubt.kind is kind)
    return found


def test_a_face_that_is_hidden_throughout_is_not_doubted() -> None:
    assert kinds(stream(detections(range(0, 100, 2)), regions(range(100), range(0, 99, 2)))) == []
    assert kinds(stream([], [])) == []


def test_a_face_that_was_seen_and_not_hidden_is_doubted_once() -> None:
    beside = (200.5, 20.5, 240.5, 60.5)
    moving = [
        replace(one, x0=one.x0 + one.frame, x1=one.x1 + one.frame)
        for one in detections(range(20, 40, 2), 0.6, (10.5, 100.5, 50.5, 140.5))
    ]
    seen = [*detections(range(100)), *moving, *detections([50], 0.4, beside)]
    some = stream(seen, regions(range(100), range(100)))
    face, glimpse = sorted(examine.of_stream(some), key=lambda doubt: -doubt.weight)
    assert (face.kind, face.first, face.last, face.start_s) == (Kind.OPEN, 20, 38, 2.0)
    assert face.why == "seen 10 times, at best with 0.60, and not hidden"
    assert (glimpse.kind, glimpse.first, glimpse.box) == (Kind.OPEN, 50, beside)
    assert 0.5 < face.weight < 0.6
    assert glimpse.weight == pytest.approx(0.2)


def test_a_region_that_covers_half_of_a_face_does_not_hide_it() -> None:
    x0, y0, x1, _ = BOX
    half = regions(range(100), range(100), box=(x0, y0, x1, y0 + 20))
    assert Kind.OPEN in kinds(stream(detections(range(100)), half))


def test_what_a_person_draws_is_hidden_and_what_they_show_is_doubted_as_theirs() -> None:
    seen = detections(range(20, 40))
    drawn = edit(EditKind.HIDE, (20, 90, 40, 150, 100), (39, 90, 40, 150, 100))
    assert kinds(stream(seen, [], [drawn])) == []
    # The edit hides only where it is.
    assert kinds(stream(detections(range(20, 60)), [], [drawn])) == [Kind.OPEN]
    shown = edit(EditKind.SHOW, *((frame, *BOX) for frame in range(20, 40)))
    doubt = only(stream(seen, [], [shown]), Kind.SHOWN)
    assert (doubt.first, doubt.last, doubt.label) == (20, 39, FACE)
    assert doubt.why == "ada shows it, and a detector is sure with 0.90"
    assert kinds(stream(seen, [], [shown])) == [Kind.SHOWN]
    # It is doubted before the next run has followed the edit, too.
    hidden = regions(range(15, 45), range(20, 40))
    assert kinds(stream(seen, hidden, [shown])) == [Kind.SHOWN]
    unsure = detections(range(20, 40), 0.3)
    assert kinds(stream(unsure, hidden, [shown])) == []


def test_a_track_that_ends_inside_the_picture_is_doubted_at_its_end() -> None:
    some = stream(detections(range(30)), regions(range(35), range(30)))
    doubt = only(some, Kind.ENDS)
    assert (doubt.first, doubt.last, doubt.track) == (34, 44, 0)
    assert doubt.start_s == pytest.approx(3.4)
    begins = stream(detections(range(50, 100)), regions(range(45, 100), range(50, 100)))
    doubt = only(begins, Kind.BEGINS)
    assert (doubt.first, doubt.last) == (35, 45)


def test_ends_at_a_cut_or_at_the_border_or_of_a_doubtful_track_are_none() -> None:
    elsewhere = (200.5, 20.5, 240.5, 60.5)
    padded = regions(range(65), range(60), track=1, box=elsewhere)
    at_a_cut = regions(range(32), range(30))
    seen = [*detections(range(30)), *detections(range(60), 0.4, elsewhere)]
    assert Kind.ENDS not in kinds(stream(seen, [*at_a_cut, *padded]))
    border = regions(range(35), range(30), box=(279, 50.5, 318, 90.5))
    assert Kind.ENDS not in kinds(stream(detections(range(30), box=(280, 52, 318, 90)), border))


def test_gaps_glimpses_and_weak_tracks_are_doubted() -> None:
    hidden = regions(range(100), [*range(40), *range(50, 100)])
    doubt = only(stream(detections([*range(40), *range(50, 100)]), hidden), Kind.GAP)
    assert (doubt.first, doubt.last) == (39, 50)
    assert doubt.why == "not seen for 1.1 s, and hidden on the way between"
    once = stream(detections([50], 0.35), regions(range(45, 56), [50]))
    assert kinds(once) == [Kind.ONCE, Kind.WEAK]


def test_frames_that_no_detector_looks_at_are_no_gap() -> None:
    frames = range(0, 100, 6)
    assert kinds(stream(detections(frames), regions(range(100), frames))) == []


def test_what_one_of_several_detectors_saw_is_doubted() -> None:
    other = (200.5, 20.5, 240.5, 60.5)
    seen = [*detections(range(100)), *detections(range(100), 0.8, other, "yunet")]
    both = regions(range(100), range(100), who="faces,yunet")
    alone = regions(range(100), range(100), track=1, box=other, who="yunet")
    doubt = only(stream(seen, [*both, *alone]), Kind.ALONE)
    assert (doubt.track, doubt.why) == (1, "yunet saw it, and faces did not")


def test_a_leak_of_an_audit_is_doubted_until_somebody_hides_there() -> None:
    some = stream([], [])
    (doubt,) = examine.of_audit(some, 25, "bob", FACE)
    assert (doubt.kind, doubt.first, doubt.weight, doubt.box) == (Kind.LEAK, 25, 1.0, None)
    shown, drawn = (edit(kind, (20, *BOX), (30, *BOX)) for kind in (EditKind.SHOW, EditKind.HIDE))
    assert [*examine.of_audit(stream([], [], [shown]), 25, "bob", FACE)]
    assert not [*examine.of_audit(stream([], [], [drawn]), 25, "bob", FACE)]


def test_an_edit_settles_the_doubts_about_a_track_at_its_place() -> None:
    seen, hidden = detections(range(30)), regions(range(35), range(30))
    drawn = edit(EditKind.HIDE, (35, 90, 40, 150, 100), (60, 90, 40, 150, 100))
    assert kinds(stream(seen, hidden, [drawn])) == []
    away = edit(EditKind.HIDE, (35, 0, 0, 20, 20), (60, 0, 0, 20, 20))
    assert kinds(stream(seen, hidden, [away])) == [Kind.ENDS]
