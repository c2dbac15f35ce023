"""The manifest keeps what it is given, explains itself, and names a video when all is there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from redact_dask import manifest, storage
from redact_dask.manifest import SCHEMAS, Writer

TIME = datetime(2026, 2, 3, 4, 5, 6, 789000, UTC)
BOX = {"x0": 1.5, "y0": 2.5, "x1": 30.25, "y1": 40.0}

ROWS: dict[str, dict[str, Any]] = {
    "detections": {
        "video": "0123456789abcdef",
        "frame": 7,
        "pts_s": 7 / 30,
        **BOX,
        "confidence": 0.5,
        "label": "face",
        "detector": "centerface",
    },
    "regions": {"video": "0123456789abcdef", "frame": 7, "track": 2, **BOX, "why": "padded"},
    "damage": {
        "video": "0123456789abcdef",
        "first_frame": 30,
        "last_frame": 59,
        "start_s": 1.0,
        "end_s": 59 / 30,
        "reason": "the packet at pts 512 is corrupt",
    },
    "chunks": {
        "video": "0123456789abcdef",
        "stage": "detect",
        "index": 3,
        "first_frame": 900,
        "last_frame": 1199,
        "frames": 300,
        "started": TIME,
        "ended": TIME,
        "seconds": [("decode", 1.5), ("detect", 2.25)],
        "worker": "worker-1",
        "host": "host-1",
        "calls": 300,
        "throttled": 2,
        "retried": 1,
    },
    "videos": {
        "video": "0123456789abcdef",
        "source": "file:///fleet/ü 1.mp4",
        "version": "5-1.0",
        "written": datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        "output": "file:///redacted/ü 1.mp4",
        "status": "published",
        "stage": None,
        "reason": None,
        "error": None,
        "frames": 1200,
        "frames_analysed": 1170,
        "frames_looked_at": 400,
        "frames_black": 30,
        "frames_copied": 900,
        "why_encoded": None,
        "faces": 3,
        "calls": 400,
        "throttled": 2,
        "retried": 1,
        "dollars": 0.4,
        "duration_s": 40.0,
        "seconds": 12.5,
        "bytes_in": 5_000_000_000,
        "bytes_out": 6,
        "sha256": "ab" * 32,
        "detectors": ["centerface-09189dea-f32"],
        "fingerprint": "fedcba9876543210",
        "versions": [("av", "18.0"), ("python", "3.13")],
        "finished": TIME,
    },
}


@pytest.fixture
def root(tmp_path: Path) -> str:
    """URL of a manifest that does not exist yet."""
    return str(tmp_path / "_manifest")


@pytest.mark.parametrize("name", SCHEMAS)
def test_rows_come_back(name: str, root: str) -> None:
    writer = Writer(root, "run-1")
    writer.add({name: [ROWS[name], ROWS[name]]})
    writer.flush()
    assert manifest.read(root, name).to_pylist() == [{"run": "run-1", **ROWS[name]}] * 2


@pytest.mark.parametrize("name", SCHEMAS)
def test_files_explain_themselves(name: str, root: str) -> None:
    writer = Writer(root, "run-1")
    writer.add({name: [ROWS[name]]})
    writer.flush()
    (file,) = (Path(root) / name).iterdir()
    schema = pq.read_schema(file)
    assert schema.equals(SCHEMAS[name])
    assert schema.metadata[b"redact_dask.schema_version"] == manifest.SCHEMA_VERSION.encode()
    for field, planned in zip(schema, SCHEMAS[name], strict=True):
        assert field.metadata[b"description"] == planned.metadata[b"description"] != b""


def test_videos_are_written_last(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(storage, "write", lambda url, _: written.append(Path(url).parent.name))
    writer = Writer(root, "run-1")
    writer.add({name: [ROWS[name]] for name in reversed(SCHEMAS)})
    writer.flush()
    assert len(written) == len(SCHEMAS)
    assert written[-1] == "videos"


def test_a_flush_that_fails_names_no_video(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = storage.write

    def fail_on_chunks(url: str, content: bytes) -> None:
        if "chunks" in url:
            raise OSError("full")
        write(url, content)

    monkeypatch.setattr(storage, "write", fail_on_chunks)
    writer = Writer(root, "run-1")
    writer.add({name: [ROWS[name]] for name in SCHEMAS})
    with pytest.raises(OSError, match="full"):
        writer.flush()
    assert list(manifest.published(root)) == []
    monkeypatch.undo()
    writer.flush()
    assert len(list(manifest.published(root))) == 1
    assert manifest.read(root, "detections").num_rows == 1


def test_an_empty_flush_writes_no_file(root: str) -> None:
    Writer(root, "run-1").flush()
    assert not Path(root).exists()


def test_runs_add_to_each_other(root: str) -> None:
    for run in ("run-1", "run-2"):
        writer = Writer(root, run)
        for _ in range(2):
            writer.add({"regions": [ROWS["regions"]]})
            writer.flush()
    runs = manifest.read(root, "regions", ["run"]).to_pydict()
    assert sorted(runs["run"]) == ["run-1", "run-1", "run-2", "run-2"]


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
