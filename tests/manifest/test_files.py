"""The files of a dataset: merged as they come, and never with a row missing or doubled."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import names

from redact_dask import storage
from redact_dask.manifest import files
from redact_dask.manifest.files import Parts


def table(number: int) -> pa.Table:
    return pa.table({"n": [number, number]})


def rows(folder: Path) -> list[int]:
    found = [pq.read_table(url.removeprefix("file://")) for url in files.current(str(folder))]
    return sorted(n for one in found for n in one["n"].to_pylist())


def twice(most: int) -> list[int]:
    return sorted([*range(most)] * 2)


def test_small_files_become_one(tmp_path: Path) -> None:
    writer = Parts(str(tmp_path), "run-a")
    for number in range(70):
        writer.append([table(number)])
        assert rows(tmp_path) == twice(number + 1)
    assert len(names(tmp_path)) == 7
    writer.merge()
    assert names(tmp_path) == ["run-a-000000-000063.parquet", "run-a-000064-000069.parquet"]
    assert rows(tmp_path) == twice(70)


def test_a_merged_file_has_its_rows_in_order_and_its_schema(tmp_path: Path) -> None:
    writer = Parts(str(tmp_path), "run")
    for number in (2, 1, 0):
        writer.append([table(number).replace_schema_metadata({"unit": "frames"})])
    writer.merge()
    (path,) = tmp_path.iterdir()
    assert pq.read_table(path)["n"].to_pylist() == [2, 2, 1, 1, 0, 0]
    assert pq.read_schema(path).metadata == {b"unit": b"frames"}


def test_a_file_alone_stays_as_it_is(tmp_path: Path) -> None:
    writer = Parts(str(tmp_path), "run")
    writer.merge()
    writer.append([table(0)])
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
        writer.append([table(number)])
    other.append([table(4)])
    with monkeypatch.context() as killed:
        killed.setattr(storage, "remove", remove)
        with pytest.raises(KeyboardInterrupt):
            writer.merge()
    assert len(names(tmp_path)) == 6 - removed
    assert rows(tmp_path) == twice(5)
    files.remove_replaced(str(tmp_path))
    assert len(names(tmp_path)) == 2
    assert rows(tmp_path) == twice(5)


def test_who_reads_while_files_are_merged_has_each_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers = [Parts(str(tmp_path), f"run-{number}") for number in range(2)]
    for number in range(6):
        writers[number % 2].append([table(number)])
    reads, read = [], storage.read

    def merged_meanwhile(url: str) -> bytes:
        reads.append(url)
        if len(reads) == 2:
            for writer in writers:
                writer.merge()
        return read(url)

    monkeypatch.setattr(storage, "read", merged_meanwhile)
    contents = [pq.read_table(pa.BufferReader(one)) for one in files.contents(str(tmp_path))]
    assert sorted(n for one in contents for n in one["n"].to_pylist()) == twice(6)


def test_the_last_file_may_be_merged_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.last_content(str(tmp_path / "missing")) is None
    writer = Parts(str(tmp_path), "run")
    for number in range(2):
        writer.append([table(number)])
    read = storage.read

    def merged_before(url: str) -> bytes:
        monkeypatch.setattr(storage, "read", read)
        writer.merge()
        return read(url)

    monkeypatch.setattr(storage, "read", merged_before)
    content = files.last_content(str(tmp_path))
    assert content
    assert pq.read_table(pa.BufferReader(content))["n"].to_pylist() == [0, 0, 1, 1]


def test_a_file_that_is_gone_for_good_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Parts(str(tmp_path), "run").append([table(0)])

    def gone(url: str) -> bytes:
        raise FileNotFoundError(url)

    monkeypatch.setattr(storage, "read", gone)
    with pytest.raises(FileNotFoundError):
        list(files.contents(str(tmp_path)))


def test_other_files_are_read_and_parts_of_files_are_not(tmp_path: Path) -> None:
    pq.write_table(table(0), tmp_path / "run-0123456789abcdef.parquet")
    (tmp_path / ".run-000000-000000.parquet.x.part").write_bytes(b"PAR1")
    assert rows(tmp_path) == [0, 0]
    assert files.current(str(tmp_path / "missing")) == []
