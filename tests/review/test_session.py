"""What a page sends becomes an edit of the stored picture, or is refused in a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fixture_types import Ffmpeg
from made_up import VIDEO
from published_rows import write
from several_cameras import camera, together

from redact_dask import storage
from redact_dask.errors import SourceError, UsageError
from redact_dask.manifest import edits
from redact_dask.pages.server import NotShown
from redact_dask.records.edits import Edit, EditKind
from redact_dask.review import pairs
from redact_dask.review.session import Session
from redact_dask.sources import listing

HIDE: dict[str, Any] = {
    "kind": "hide", "stream": 0, "label": "face", "boxes": [[9, 10, 20, 50, 60], [3, 1, 2, 30, 40]],
}  # fmt: skip
SHOW: dict[str, Any] = {"kind": "show", "stream": 0, "track": 1, "first": 10, "last": 20}


def kept(redacted: Path) -> list[Edit]:
    return edits.read(str(redacted / "_manifest"))


def test_the_ranking_decides_the_order(session: Session) -> None:
    told = session.state()
    assert [(one["path"], one["doubts"]) for one in told["videos"]] == [
        ("car 1/night <b>.mp4", 2),
        ("car 2/day.mp4", 0),
    ]
    assert told["labels"] == ["face", "plate"]


def test_boxes_are_kept_by_frame_and_inside_the_picture(session: Session, redacted: Path) -> None:
    boxes = [*HIDE["boxes"], [20, -50, 170, 30, 400]]
    told = session.edit(0, HIDE | {"boxes": boxes})
    (edit,) = kept(redacted)
    assert edit.boxes == ((3, 1, 2, 30, 40), (9, 10, 20, 50, 60), (20, 0, 170, 30, 180))
    # The mark between two boxes lies on the straight line.
    (mark,) = (mark for mark in session.marks(0, 0, 0)[6] if mark["edit"] == edit.id)
    assert mark["box"] == pytest.approx((5.5, 11, 40, 50))
    assert told["streams"][0]["tracks"][0]["edit"] == edit.id


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"label": "dog"}, "'dog' is no label"),
        ({"label": ["face"]}, "is no label"),
        ({"boxes": []}, "draw one first"),
        ({"boxes": [[3, 1, 2, 30]]}, "is no box"),
        ({"boxes": [["3", 1, 2, 30, 40]]}, "is no box"),
        ({"boxes": [[3, 1, 2, 30, float("nan")]]}, "is no box"),
        ({"boxes": [[90, 1, 2, 30, 40]]}, "the box on frame 90 is not inside the video"),
        ({"boxes": [[3, 30, 2, 1, 40]]}, "the box on frame 3 is not inside the video"),
        ({"boxes": [[3, 400, 2, 500, 40]]}, "the box on frame 3 is not inside the video"),
        ({"boxes": [[3, 1, 2, 30, 40], [3, 1, 2, 30, 41]]}, "a frame has two boxes"),
        ({"why": "x" * 501}, "at most 500 characters"),
        ({"why": 5}, "at most 500 characters"),
        ({"stream": 1}, "no such stream"),
        ({"kind": "show", "track": "0"}, "no track"),
        (SHOW | {"track": 7}, "nothing of track 7 is hidden"),
        (SHOW | {"first": 60, "last": 80}, "nothing of track 1 is hidden there"),
        ({"kind": "undo", "undoes": "0"}, "no such edit"),
        ({"kind": "other"}, "no edit"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_kept(
    session: Session, redacted: Path, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        session.edit(0, HIDE | change)
    assert kept(redacted) == []


def test_nothing_is_shown_twice_since_a_second_edit_would_show_what_lies_beside_it(
    session: Session, redacted: Path
) -> None:
    session.edit(0, SHOW)
    with pytest.raises(UsageError, match="nothing of track 1 is hidden there any more"):
        session.edit(0, SHOW)
    session.edit(0, SHOW | {"first": 0, "last": 99})
    frames = [[box[0] for box in edit.boxes] for edit in kept(redacted)]
    assert frames == [[*range(10, 21)], [*range(5, 10), *range(21, 40)]]


def test_two_people_edit_at_once_and_both_stay(
    session: Session, filmed: Path, redacted: Path
) -> None:
    destination = storage.canonical(str(redacted))
    other = Session(pairs.listed(str(filmed), destination), destination, "bob")
    for one in (session, other):
        one.video(0)
    session.edit(0, SHOW)
    with pytest.raises(UsageError, match="any more"):  # Ann has shown it.
        other.edit(0, SHOW)
    told = other.edit(0, HIDE)
    assert [(one["by"], one["kind"]) for one in told["edits"]] == [("bob", "hide"), ("ann", "show")]
    other.edit(0, {"kind": "undo", "stream": 0, "undoes": kept(redacted)[0].id, "why": "a child"})
    with pytest.raises(UsageError, match="the edit of ann is undone already"):
        session.edit(0, {"kind": "undo", "stream": 0, "undoes": kept(redacted)[0].id})
    undo = session.video(0)["edits"][1]["undo"]
    assert (undo["by"], undo["why"]) == ("bob", "a child")
    assert any(mark["track"] == 1 for mark in session.marks(0, 0, 0)[15])
    other.close()


def test_what_a_person_has_drawn_is_undone_rather_than_shown(session: Session) -> None:
    drawn = session.edit(0, HIDE)["streams"][0]["tracks"][0]["track"]
    with pytest.raises(UsageError, match="undo that edit instead"):
        session.edit(0, SHOW | {"track": drawn, "first": 0, "last": 80})


def test_a_source_that_has_changed_since_is_not_edited(
    filmed: Path, redacted: Path, tmp_path: Path
) -> None:
    source, destination = tmp_path / "source", storage.canonical(str(redacted))
    shutil.copytree(filmed, source)
    session = Session(pairs.listed(str(source), destination), destination, "ann")
    session.video(0)
    with (source / "car 1/night <b>.mp4").open("ab") as video:
        video.write(b"later")
    with pytest.raises(UsageError, match="has changed since its copy was made: redact it again"):
        session.edit(0, HIDE)
    assert kept(redacted) == []
    session.close()
    later = Session(pairs.listed(str(source), destination), destination, "ann")
    with pytest.raises(NotShown, match="has changed since"):
        later.video(0)


def test_a_copy_that_another_file_has_replaced_is_not_shown(
    session: Session, redacted: Path
) -> None:
    with (redacted / "car 1/night <b>.mp4").open("ab") as video:
        video.write(b"later")
    with pytest.raises(NotShown, match="not the one that was published"):
        session.video(0)


def test_edits_that_the_copy_follows_are_told_as_such(session: Session, redacted: Path) -> None:
    session.edit(0, HIDE)
    assert session.video(0)["edits"][0]["is_followed"] is False


@pytest.mark.parametrize("path", [None, "car 2/day.mp4", "car 3/none.mp4"])
def test_one_video_may_be_named(filmed: Path, redacted: Path, path: str | None) -> None:
    destination = storage.canonical(str(redacted))
    if path == "car 3/none.mp4":
        with pytest.raises(SourceError, match=r"no video car 3/none\.mp4 is both in"):
            pairs.listed(str(filmed), destination, path)
    else:
        found = [copy.source.path for copy in pairs.listed(str(filmed), destination, path)]
        assert found == ([path] if path else ["car 1/night <b>.mp4", "car 2/day.mp4"])


def test_the_edit_of_a_turned_camera_is_in_pixels_of_its_stored_picture(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    """Of two cameras, the second is turned, and its pixels are twice as wide as high."""
    one = camera(ffmpeg, tmp_path / "one.mp4", "-vf", "null")
    other = camera(ffmpeg, tmp_path / "other.mp4", "-aspect", "32:9")
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation:v", 90, "-i", other, "-c", "copy", turned)
    source = tmp_path / "source" / "both.mp4"
    source.parent.mkdir()
    together(ffmpeg, source, one, turned)
    redacted = tmp_path / "redacted"
    (video,) = listing.list_videos(str(source.parent), str(redacted))
    redacted.mkdir()
    shutil.copy(source, redacted)
    row = {"video": video.id, "path": "both.mp4", "version": video.version, "streams": [0, 1]}
    row |= {"output": storage.canonical(str(redacted / "both.mp4")), "frames": 60}
    row |= {"duration_s": 2.0, "bytes_out": source.stat().st_size, "source": video.source}
    destination = write(redacted, {"videos": [VIDEO | row]})
    session = Session(pairs.listed(str(source.parent), destination), destination, "ann")
    streams = session.video(0)["streams"]
    assert [(one["stream"], tuple(one["size"])) for one in streams] == [
        (0, (320, 180)),
        (1, (180, 640)),
    ]
    session.edit(0, HIDE | {"stream": 1, "boxes": [[3, 10, 20, 50, 120]]})
    (edit,) = kept(redacted)
    assert (edit.stream, edit.kind) == (1, EditKind.HIDE)
    # A counter-clockwise quarter turn shows (x, y) at (y, 640 - x).
    assert edit.boxes == ((3, 260, 10, 310, 50),)
    session.close()


def test_names_and_damaged_edits_are_told(filmed: Path, redacted: Path) -> None:
    destination = storage.canonical(str(redacted))
    found = pairs.listed(str(filmed), destination)
    with pytest.raises(UsageError, match="give one with --as"):
        Session(found, destination, "a/b")
    (redacted / "_manifest" / "edits").mkdir()
    (redacted / "_manifest" / "edits" / "bad.parquet").write_bytes(b"bad")
    with pytest.raises(UsageError, match="holds no edits that can be read"):
        Session(found, destination, "ann")
