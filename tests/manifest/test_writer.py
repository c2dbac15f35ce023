"""The manifest keeps what it is given, and names a video when all is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up import ROWS

from redact_dask import manifest, storage
from redact_dask.manifest import SCHEMAS, Writer


@pytest.mark.parametrize("name", SCHEMAS)
def test_rows_come_back(name: str, root: str) -> None:
    writer = Writer(root, "run-1")
    writer.add({name: [ROWS[name], ROWS[name]]})
    writer.flush()
    assert manifest.read(root, name).to_pylist() == [{"run": "run-1", **ROWS[name]}] * 2


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
