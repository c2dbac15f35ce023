"""A file of COCO comes back as it went out, and what would be misread is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from copied import SHA256, TWO, copy

from redact_dask.errors import UsageError
from redact_dask.review import coco, comparison

AT = datetime(2026, 2, 3, tzinfo=UTC)


def written(turns: int = 0) -> Any:
    return json.loads("".join(coco.lines(copy(TWO, turns))))


def read(folder: Path, content: Any) -> comparison.Sheet:
    file = folder / "annotations.json"
    file.write_text(json.dumps(content))
    return coco.read(file)


@pytest.mark.parametrize("turns", range(4))
def test_a_file_that_nobody_changed_makes_no_edit(tmp_path: Path, turns: int) -> None:
    sheet = read(tmp_path, written(turns))
    assert (sheet.frames, sheet.copies) == (60, {SHA256[:8]})
    assert comparison.edits(copy(TWO, turns), sheet, "ada", AT) == []


def test_what_is_written_has_what_the_documentation_names() -> None:
    content = written()
    assert content["images"][7] == {
        "id": 7,
        "width": 320,
        "height": 180,
        "file_name": "frame_000007.png",
    }
    assert content["categories"] == [{"id": 1, "name": "face"}, {"id": 2, "name": "plate"}]
    first = content["annotations"][0]
    assert (first["image_id"], first["category_id"], first["iscrowd"]) == (0, 1, 0)
    assert (first["bbox"], first["area"]) == ([20.123, 50.25, 40.0, 30.0], 1200.0)
    assert first["attributes"]["track_id"] == 0


def test_boxes_without_a_track_are_edits_of_their_own(tmp_path: Path) -> None:
    content = written()
    for x in (10, 200):
        new = {"id": 900 + x, "image_id": 50, "category_id": 1, "bbox": [x, 120, 30, 40]}
        content["annotations"].append(new)
    edits = comparison.edits(copy(TWO), read(tmp_path, content), "ada", AT)
    assert [edit.boxes for edit in edits] == [
        ((50, 10.0, 120.0, 40.0, 160.0),),
        ((50, 200.0, 120.0, 230.0, 160.0),),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content["images"].pop(3), "not every frame of a video"),
        (lambda content: content["images"][3].update(width=9), "images of several sizes"),
        (lambda content: content.pop("categories"), "lacks 'categories'"),
        (lambda content: content["annotations"][0].update(image_id=99), "lacks 99"),
        (lambda content: content["annotations"][0].update(bbox=[1, 2]), "not enough values"),
        (lambda content: content["annotations"][0].update(bbox=[1, 2, 3, 1e999]), "finite"),
    ],
)
def test_a_file_that_would_be_misread_is_refused(tmp_path: Path, change: Any, told: str) -> None:
    content = written()
    change(content)
    with pytest.raises(UsageError, match=told):
        read(tmp_path, content)
