"""What was written is read, by whatever version it was written."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_up import ROWS

from redact_dask import manifest, storage
from redact_dask.manifest import SCHEMAS, Writer


def test_rows_come_in_batches_of_the_runs_that_are_wanted(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in ("run-1", "run-2", "run-3"):
        writer = Writer(root, run)
        writer.add({"chunks": [ROWS["chunks"] | {"host": run}]})
        writer.close()
    # Somebody has put the rows of all runs into one file.
    folder = Path(root) / "chunks"
    pq.write_table(manifest.read(root, "chunks"), folder / "all.parquet")
    found = manifest.tables(root, "chunks", ["host"])
    hosts = [name for table in found for name in table["host"].to_pylist()]
    assert sorted(hosts) == sorted(2 * ["run-1", "run-2", "run-3"])

    read = []
    monkeypatch.setattr(
        storage,
        "read",
        lambda url, real=storage.read: (read.append(Path(url).name), real(url))[1],
    )
    found = manifest.tables(root, "chunks", ["host"], {"run-2"})
    assert [name for table in found for name in table["host"].to_pylist()] == ["run-2", "run-2"]
    assert read == ["all.parquet", "run-2-000000-000000.parquet"]
    read.clear()
    assert sum(table.num_rows for table in manifest.tables(root, "chunks", ["host"], most=2)) == 4
    assert read == ["all.parquet", "run-2-000000-000000.parquet"]


def test_what_an_older_version_did_not_write_is_null(root: str) -> None:
    writer = Writer(root, "run-1")
    writer.add({"chunks": [ROWS["chunks"]]})
    writer.close()
    (path,) = (Path(root) / "chunks").iterdir()
    pq.write_table(pq.read_table(path).drop_columns(["calls"]), path)
    (table,) = manifest.tables(root, "chunks", ["calls", "frames"], ["run-1"])
    assert table.to_pylist() == [{"calls": None, "frames": 300}]
    assert manifest.read(root, "chunks", ["calls", "frames"]).to_pylist() == table.to_pylist()


def test_there_is_nothing_before_the_first_run(root: str) -> None:
    table = manifest.read(root, "videos")
    assert table.num_rows == 0
    assert table.schema.names == SCHEMAS["videos"].names
    assert list(manifest.published(root)) == []


def test_only_published_videos_count_as_published(root: str) -> None:
    quarantined = ROWS["videos"] | {"status": "quarantined", "output": None, "bytes_out": None}
    writer = Writer(root, "run-1")
    writer.add({"videos": [quarantined, ROWS["videos"]]})
    writer.flush()
    (row,) = manifest.published(root)
    assert row["video"] == "0123456789abcdef"
    assert (row["source"], row["output"]) == ("file:///fleet/ü 1.mp4", "file:///redacted/ü 1.mp4")
    assert (row["fingerprint"], row["bytes_out"]) == ("fedcba9876543210", 6)
