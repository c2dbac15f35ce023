"""The dataset of edits: what is written is read again, and an altered edit is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from redact_dask.errors import UsageError
from redact_dask.manifest import edits
from redact_dask.records.edits import Edit, EditKind

HIDE = Edit(
    *("cam/a.mp4", "0123456789abcdef", 1, EditKind.HIDE, "face"),
    boxes=((3, 1.0, 2.0, 30.0, 40.0), (9, 1.5, 2.25, 30.0, 41.0)),
    by="ada",
    at=datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC),
    why="missed",
)
SHOW = replace(HIDE, kind=EditKind.SHOW, stream=None, at=HIDE.at + timedelta(seconds=1))


def test_edits_are_read_as_they_were_written(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert edits.read(root) == []
    edits.append(root, [SHOW])
    edits.append(root, [HIDE])
    assert edits.read(root) == [HIDE, SHOW]
    undo = replace(HIDE, kind=EditKind.UNDO, boxes=(), undoes=HIDE.id, at=SHOW.at)
    edits.append(root, [undo])
    assert edits.by_video(root) == {HIDE.video: (SHOW,)}
    edits.append(root, [replace(undo, undoes=SHOW.id)])
    assert edits.by_video(root) == {}


def test_an_altered_edit_is_refused(tmp_path: Path) -> None:
    edits.append(str(tmp_path), [HIDE])
    (file,) = (tmp_path / "edits").iterdir()
    table = pq.read_table(file)
    place = table.schema.get_field_index("by")
    pq.write_table(table.set_column(place, "by", [["bob"]]), file)
    with pytest.raises(UsageError, match=f"edit {HIDE.id} in .* was altered"):
        edits.read(str(tmp_path))


def test_a_damaged_file_of_edits_is_refused(tmp_path: Path) -> None:
    edits.append(str(tmp_path), [HIDE])
    (file,) = (tmp_path / "edits").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UsageError, match="holds no edits that can be read"):
        edits.read(str(tmp_path))
