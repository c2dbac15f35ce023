"""Copies against their rows."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.version import Version
from sealed import Fleet, flip

from redact_dask import manifest, storage
from redact_dask.manifest import edits
from redact_dask.records import video_id
from redact_dask.records.edits import Edit, EditKind

A = "car 1/a.mp4"


def test_a_changed_byte_is_found(fleet: Fleet) -> None:
    flip(fleet.path(A))
    assert fleet.problems() == {("altered", A)}


def test_another_size_is_found(fleet: Fleet) -> None:
    fleet.path(A).write_bytes(b"")
    assert fleet.problems() == {("altered", A)}


def test_a_removed_copy_is_found(fleet: Fleet) -> None:
    fleet.path(A).unlink()
    assert fleet.problems() == {("missing", A)}


def test_an_added_file_is_found_and_so_is_a_link_to_a_folder(fleet: Fleet, tmp_path: Path) -> None:
    fleet.path("car 2").mkdir()
    fleet.path("car 2", "c.mp4").touch()
    fleet.path("linked").symlink_to(tmp_path)
    assert fleet.problems() == {("added", "car 2/c.mp4"), ("added", "linked")}


def test_a_name_that_is_no_utf_8_is_found(fleet: Fleet) -> None:
    Path(os.fsdecode(os.fsencode(fleet.path("c")) + b"\xe9.mp4")).touch()
    assert fleet.problems() == {("added", "c\\udce9.mp4")}


def test_temporary_files_are_no_problem(fleet: Fleet) -> None:
    for folder in (".", "car 1", "_manifest/videos", "_manifest/seals"):
        hidden = fleet.path(folder, ".redact_dask-0")
        hidden.mkdir()
        (hidden / "x.part").touch()
    assert [found.kind for found in fleet.findings()] == ["note"] * 4


def test_a_row_without_a_size_or_a_hash_proves_nothing(fleet: Fleet) -> None:
    fleet.publish("run-3", "c.mp4", bytes_out=None)
    fleet.publish("run-4", "d.mp4", sha256=None)
    assert fleet.problems() == {("altered", "c.mp4"), ("altered", "d.mp4")}


def test_a_link_to_nowhere_is_no_copy(fleet: Fleet) -> None:
    fleet.path(A).unlink()
    fleet.path(A).symlink_to(fleet.path(A).with_name("nowhere"))
    assert [name for _, name in fleet.problems()] == [A]


def test_a_copy_that_cannot_be_read_is_found(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = storage.digest

    def fail(url: str) -> storage.Digest:
        if url.endswith(A):
            raise OSError(errno.EIO, "Input/output error")
        return digest(url)

    monkeypatch.setattr(storage, "digest", fail)
    assert fleet.problems() == {("unreadable", A)}


def test_a_copy_that_was_made_again_counts_as_it_is_now(fleet: Fleet) -> None:
    fleet.publish("run-3", A)
    assert not fleet.problems()


def test_a_copy_with_older_settings_is_found(fleet: Fleet) -> None:
    fleet.publish("run-3", "c.mp4", fingerprint="0123456789abcdef")
    outdated = {("outdated", A), ("outdated", "car 1/b.mp4")}
    assert fleet.problems() == outdated
    assert fleet.problems(fingerprint="0123456789abcdef") == outdated
    assert fleet.problems(fingerprint="fedcba9876543210") == {("outdated", "c.mp4")}
    assert fleet.problems(fleet.root) == outdated, "the manifest alone tells it"


def test_a_copy_of_an_older_version_is_found(fleet: Fleet) -> None:
    fleet.publish("run-3", "c.mp4", versions=[("redact-dask", "0.10")])
    fleet.publish("run-4", "d.mp4", versions=[("redact-dask", "what?")])
    assert fleet.problems(oldest=Version("0.3")) == {("outdated", "d.mp4")}
    old = {("outdated", path) for path in (A, "car 1/b.mp4", "d.mp4")}
    assert fleet.problems(oldest=Version("0.9")) == old


def test_a_copy_without_the_edits_of_people_is_outdated(fleet: Fleet) -> None:
    root = str(fleet.path("_manifest"))
    (row,) = (row for row in manifest.attempts(root) if row["path"] == A)
    video = video_id(A, row["version"])
    at = datetime(2026, 2, 3, tzinfo=UTC)
    edit = Edit(A, video, None, EditKind.HIDE, "face", ((3, 1, 2, 3, 4),), "ada", at)
    edits.append(root, [edit])
    assert fleet.problems() == {("outdated", A)}
    (file,) = fleet.path("_manifest", "edits").iterdir()
    file.write_bytes(b"")
    assert fleet.problems() == {("altered", "edits")}
