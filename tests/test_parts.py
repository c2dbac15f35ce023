"""The files of a dataset: merged as they come, and never with a row missing or doubled."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from redact_dask import parts, storage
from redact_dask.parts import Parts


def table(number: int) -> pa.Table:
    return pa.table({"n": [number, number]})


def rows(folder: Path) -> list[int]:
    found = [pq.read_table(url.removeprefix("file://")) for url in parts.current(str(folder))]
    return sorted(n for one in found for n in one["n"].to_pylist())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def twice(most: int) -> list[int]:
    return sorted([*range(most)] * 2)


def test_small_files_become_one(tmp_path: Path) -> None:
    writer = Parts(str(tmp_path), "run-a")
    for number in range(70):
        writer.append(table(number))
        assert rows(tmp_path) == twice(number + 1)
    assert len(names(tmp_path)) == 7
    writer.merge()
    assert names(tmp_path) == ["run-a-000000-000063.parquet", "run-a-000064-000069.parquet"]
    assert rows(tmp_path) == twice(70)


def test_a_merged_file_has_its_rows_in_order_and_its_schema(tmp_path: Path) -> None:
    writer = Parts(str(tmp_path), "run")
    for number in (2, 1, 0):
        writer.append(table(number).replace_schema_metadata({"unit": "frames"}))
    writer.merge()
    (path,) = tmp_path.iterdir()
    assert pq.read_table(path)["n"].to_pylist() == [2, 2, 1, 1, 0, 0]
    assert pq.read_schema(path).metadata == {b"unit": b"frames"}


def test_a_file_alone_stays_as_it_is(tmp_path: Path) -> None:
    writer = Parts(str(tmp_path), "run")
    writer.merge()
    writer.append(table(0))
    writer.merge()
    writer.merge()
    assert names(tmp_path) == ["run-000000-000000.parquet"]


@pytest.mark.parametrize("removed", range(4))
def test_killed_while_files_are_replaced(
    removed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [removed]

    def remove(url: str) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        Path(url).unlink()

    writer, other = Parts(str(tmp_path), "run-1"), Parts(str(tmp_path), "run-2")
    for number in range(4):
        writer.append(table(number))
    other.append(table(4))
    with monkeypatch.context() as killed:
        killed.setattr(storage, "remove", remove)
        with pytest.raises(KeyboardInterrupt):
            writer.merge()
    assert len(names(tmp_path)) == 6 - removed
    assert rows(tmp_path) == twice(5)
    parts.remove_replaced(str(tmp_path))
    assert len(names(tmp_path)) == 2
    assert rows(tmp_path) == twice(5)


def test_other_files_are_read_and_parts_of_files_are_not(tmp_path: Path) -> None:
    pq.write_table(table(0), tmp_path / "run-0123456789abcdef.parquet")
    (tmp_path / ".run-000000-000000.parquet.x.part").write_bytes(b"PAR1")
    assert rows(tmp_path) == [0, 0]
    assert parts.current(str(tmp_path / "missing")) == []
