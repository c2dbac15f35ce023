"""Sources against what was redacted; and which of them may be deleted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sealed import Fleet, deletable, flip, told

from redact_dask import storage
from redact_dask.storage import lease

A, B = "car 1/a.mp4", "car 1/b.mp4"


def source(fleet: Fleet, path: str) -> Path:
    return Path(fleet.source, path)


def test_sources_whose_copies_are_whole_may_be_deleted(fleet: Fleet) -> None:
    findings = fleet.findings(sources=True)
    assert deletable(findings) == [A, B]
    assert len(findings) == 2


def test_a_source_that_moved_to_another_disk_is_the_same(fleet: Fleet) -> None:
    os.utime(source(fleet, A), (1, 1))
    assert deletable(fleet.findings(sources=True)) == [A, B]


def test_a_changed_source_is_found_and_stays(fleet: Fleet) -> None:
    facts = source(fleet, A).stat()
    flip(source(fleet, A))
    os.utime(source(fleet, A), ns=(facts.st_atime_ns, facts.st_mtime_ns))
    findings = fleet.findings(sources=True)
    assert told(findings) == {("altered", A), ("deletable", B)}


def test_a_source_that_was_never_redacted_is_found(fleet: Fleet) -> None:
    source(fleet, "new.mp4").touch()
    fleet.publish("run-3", "bad.mp4", status="quarantined", output=None, reason="it is no video")
    fleet.path("bad.mp4").unlink()
    findings = fleet.findings(sources=True)
    assert told(findings) >= {("unredacted", "new.mp4"), ("unredacted", "bad.mp4")}
    assert "it was quarantined: it is no video" in {found.text for found in findings}


@pytest.mark.parametrize("what", ["copy", "row", "seal"])
def test_nothing_is_deletable_whose_copy_or_row_was_altered(what: str, fleet: Fleet) -> None:
    if what == "copy":
        flip(fleet.path(A))
        assert deletable(fleet.findings(sources=True)) == [B]
        return
    file = {"row": "videos/run-1-000000-000000.parquet", "seal": "seals/run-1-000000.json"}[what]
    flip(fleet.path("_manifest", file), at=100)
    assert deletable(fleet.findings(sources=True)) == []


def test_nothing_is_deletable_whose_row_is_not_sealed(fleet: Fleet) -> None:
    fleet.publish("killed", "c.mp4", seal=False)
    assert deletable(fleet.findings(sources=True)) == []


def test_nothing_is_deletable_that_a_run_at_work_has_not_sealed_yet(fleet: Fleet) -> None:
    with lease.acquire(storage.canonical(fleet.destination), "running", (1, 1)):
        fleet.publish("running", "c.mp4", seal=False)
        assert deletable(fleet.findings(sources=True)) == [A, B]


def test_a_source_of_an_outdated_copy_stays(fleet: Fleet) -> None:
    fleet.publish("run-3", "c.mp4", fingerprint="0123456789abcdef")
    assert deletable(fleet.findings(sources=True)) == ["c.mp4"]


def test_a_source_of_a_copy_with_black_frames_stays(fleet: Fleet) -> None:
    fleet.publish("run-3", "c.mp4", frames_black=2)
    assert deletable(fleet.findings(sources=True)) == [A, B]


def test_copies_made_before_sources_were_hashed_are_told(fleet: Fleet) -> None:
    for path in ("c.mp4", "d.mp4"):
        fleet.publish(f"run-{path}", path, source_sha256=None)
    source(fleet, "d.mp4").write_bytes(b"another")
    findings = fleet.findings(sources=True)
    assert ("altered", "d.mp4") in told(findings)
    assert deletable(findings) == [A, B]
    (note,) = [found for found in findings if found.kind == "note"]
    assert note.text.startswith("1 copies were made before")
