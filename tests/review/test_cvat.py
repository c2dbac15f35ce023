"""A file of CVAT comes back as it went out; and files as its documentation shows them are read."""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from copied import SHA256, TWO, copy

from redact_dask.errors import UsageError
from redact_dask.review import comparison, cvat

AT = datetime(2026, 2, 3, tzinfo=UTC)
TRACK = """\
<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>5</id>
      <name>street</name>
      <size>20</size>
      <mode>interpolation</mode>
      <overlap>5</overlap>
      <bugtracker></bugtracker>
      <flipped>False</flipped>
      <created>2026-02-03 12:32:09.868194+03:00</created>
      <labels><label><name>face</name><attributes></attributes></label></labels>
      <segments><segment><id>5</id><start>0</start><stop>19</stop></segment></segments>
      <owner><username>ada</username><email></email></owner>
      <original_size><width>640</width><height>480</height></original_size>
    </task>
    <dumped>2026-02-03 16:05:07.134046+03:00</dumped>
  </meta>
  <track id="0" label="face">{}</track>
</annotations>
"""
"""A file with all elements of the documented one, and a track to be filled in."""


def box(frame: int, x: float, outside: int = 0, more: str = "") -> str:
    place = f'xtl="{x:.2f}" ytl="10.00" xbr="{x + 50:.2f}" ybr="40.00"'
    return (
        f'<box frame="{frame}" {place} outside="{outside}" occluded="0" keyframe="1"{more}></box>'
    )


def read(folder: Path, text: str) -> comparison.Sheet:
    file = folder / "annotations.xml"
    file.write_text(text)
    return cvat.read(file)


@pytest.mark.parametrize("turns", range(4))
def test_a_file_that_nobody_changed_makes_no_edit(tmp_path: Path, turns: int) -> None:
    some = copy(TWO, turns)
    sheet = read(tmp_path, "".join(cvat.lines(some)))
    assert sheet.size == ((180, 320) if turns % 2 else (320, 180))
    assert (sheet.frames, sheet.copies) == (60, {SHA256[:8]})
    assert len(sheet.boxes) == len(TWO)
    assert comparison.edits(some, sheet, "ada", AT) == []


def test_what_is_written_has_what_the_documentation_names() -> None:
    root = ET.fromstring("".join(cvat.lines(copy(TWO))))
    assert root.findtext("version") == "1.1"
    task = root.find("meta/task")
    assert task is not None
    assert (task.findtext("size"), task.findtext("mode")) == ("60", "interpolation")
    assert [label.findtext("name") for label in task.iter("label")] == ["face", "plate"]
    assert task.findtext("original_size/width") == "320"
    face, other, plate = root.findall("track")
    assert (plate.get("label"), plate.get("source")) == ("plate", "auto")
    assert {*face[0].keys()} == {
        *("frame", "outside", "occluded", "keyframe", "xtl", "ytl", "xbr", "ybr", "z_order")
    }
    assert (face[0].get("xtl"), face[0].get("ybr")) == ("20.12", "80.25")
    # It ends, and with its hole, and not with the video.
    away = [[b.get("frame") for b in track if b.get("outside") == "1"] for track in (face, other)]
    assert away == [["30"], ["20"]]
    attributes = {one.get("name"): one.text for one in face[0]}
    assert attributes == {"track": "0", "copy": SHA256[:8], "why": "detected"}
    assert {one.text for one in task.iter("name")} >= {*attributes}


def test_the_documented_example_is_read(tmp_path: Path) -> None:
    """Polygons, each of which is away on the frame after it, as CVAT's page shows them."""
    shapes = "".join(
        f'<polygon frame="{frame}" points="{points}" outside="{outside}" occluded="0" '
        'keyframe="1"></polygon>'
        for frame, points in (
            (0, "324.79,213.16;323.74,227.90;347.42,237.37;318.47,191.58"),
            (6, "305.32,237.90;312.16,207.90;352.69,206.32"),
        )
        for frame, outside in ((frame, 0), (frame + 1, 1))
    )
    sheet = read(tmp_path, TRACK.format(shapes))
    assert (sheet.frames, sheet.size, sheet.copies) == (20, (640, 480), frozenset())
    assert sheet.boxes.frame.tolist() == [0, 6]
    assert sheet.boxes.box.tolist() == [
        [318.47, 191.58, 347.42, 237.37],
        [305.32, 206.32, 352.69, 237.9],
    ]
    assert [region.label for region in sheet.boxes] == ["face", "face"]


def test_boxes_between_key_frames_lie_on_the_straight_way(tmp_path: Path) -> None:
    sheet = read(tmp_path, TRACK.format(box(4, 100) + box(8, 140) + box(10, 140, outside=1)))
    assert sheet.boxes.frame.tolist() == [*range(4, 10)]
    assert sheet.boxes.box[:, 0].tolist() == pytest.approx([100, 110, 120, 130, 140, 140])


def test_a_track_without_an_end_stays_until_the_last_frame(tmp_path: Path) -> None:
    sheet = read(tmp_path, TRACK.format(box(15, 100)))
    assert sheet.boxes.frame.tolist() == [15, 16, 17, 18, 19]


def test_the_archive_that_cvat_makes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "task.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("annotations.xml", TRACK.format(box(3, 7) + box(4, 7, 1)))
    assert cvat.read(file).boxes.frame.tolist() == [3]


def test_a_turned_box_is_hidden_with_its_corners(tmp_path: Path) -> None:
    sheet = read(tmp_path, TRACK.format(box(3, 100, more=' rotation="90"') + box(4, 7, 1)))
    assert sheet.boxes.box.tolist() == [pytest.approx([110, 0, 140, 50])]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TRACK.format('<mask frame="3" outside="0" rle="1"/>'), "the shape mask, which has no box"),
        (TRACK.format(box(20, 7)), "a shape on frame 20 of 20"),
        (TRACK.format(box(-1, 7)), "a shape on frame -1 of 20"),
        (TRACK.format(box(3, float("nan"))), "no finite place"),
        (TRACK.format(box(3, 7)).replace('xtl="7.00"', ""), "lacks 'xtl'"),
        (re.sub("<size>.*</size>", "", TRACK.format("")), "lacks 'size'"),
        (TRACK.replace("<mode>", "<frame_filter>step=2</frame_filter><mode>"), "leaves out frames"),
        (TRACK.replace("track", "image"), "it holds single images"),
        (TRACK.format("")[:300], "unclosed token"),
        (
            TRACK.replace("<annotations>", '<!DOCTYPE a [<!ENTITY b "c">]><annotations>', 1),
            "it has a document type",
        ),
    ],
)
def test_a_file_that_would_be_misread_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        read(tmp_path, text)
    assert 'export it from CVAT as "CVAT for video 1.1"' in str(error.value)
