"""The manifest against its seals: whatever is changed, removed or added is found."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sealed import Fleet, flip, told

from redact_dask import evidence, storage
from redact_dask.errors import SourceError
from redact_dask.manifest import seals
from redact_dask.storage import lease

FIRST = "videos/run-1-000000-000000.parquet"
SEAL = "seals/run-1-000000.json"


def test_nothing_is_found_where_nothing_was_touched(fleet: Fleet) -> None:
    assert not fleet.findings()


def test_a_manifest_alone_is_checked_and_so_is_a_copy_of_it(fleet: Fleet, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(fleet.path("_manifest"), copy)
    flip(copy / FIRST)
    assert fleet.problems(str(copy)) >= {("altered", FIRST)}
    assert not fleet.problems(fleet.root)


def test_a_changed_row_is_found(fleet: Fleet) -> None:
    file = fleet.path("_manifest", FIRST)
    table = pq.read_table(file)
    at = table.schema.get_field_index("faces")
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array([0], pa.int32())), file)
    assert fleet.problems() == {("altered", FIRST)}


@pytest.mark.parametrize("size", ["the same", "another"])
def test_a_file_that_is_no_parquet_any_more_is_found(size: str, fleet: Fleet) -> None:
    file = fleet.path("_manifest", FIRST)
    file.write_bytes(bytes(file.stat().st_size if size == "the same" else 3))
    assert {("altered", FIRST), ("altered", "videos")} <= fleet.problems()


def test_a_removed_file_is_found(fleet: Fleet) -> None:
    fleet.path("_manifest", FIRST).unlink()
    # No row names its copy any more.
    assert fleet.problems() == {("missing", FIRST), ("added", "car 1/a.mp4")}


def test_answers_of_an_audit_are_noted_and_no_problem(fleet: Fleet) -> None:
    answers = fleet.path("_manifest", "audit", "50-1", "answers")
    answers.mkdir(parents=True)
    (answers / "ann.parquet").touch()
    assert not fleet.problems()
    assert told(fleet.findings()) == {("note", "audit, edits")}


def test_added_files_are_found(fleet: Fleet) -> None:
    shutil.copy(fleet.path("_manifest", FIRST), fleet.path("_manifest", "videos", "x.parquet"))
    fleet.path("_manifest", "seals", "x").touch()
    fleet.path("_manifest", "x").touch()
    expected = {("unsealed", "videos/x.parquet"), ("added", "seals/x"), ("added", "x")}
    assert fleet.problems() == expected


def test_a_changed_or_removed_seal_is_found(fleet: Fleet) -> None:
    file = fleet.path("_manifest", SEAL)
    content = file.read_text()
    file.write_text(content.replace("redact_dask seal 1", "redact_dask seal 9"))
    assert fleet.problems() == {("altered", SEAL)}
    file.write_text("{")
    assert ("altered", SEAL) in fleet.problems()
    file.unlink()
    assert ("missing", SEAL) in fleet.problems()


@pytest.mark.parametrize(
    "forged",
    [
        [],
        {"run": "x", "key": {}, "before": {}, "files": {"videos/x": {"size": [], "sha256": 1}}},
        {"run": "x", "key": ["x"], "before": {"run-1-000000.json": 3}, "files": {}},
    ],
)
def test_a_seal_of_anything_is_told_without_a_traceback(forged: object, fleet: Fleet) -> None:
    fleet.path("_manifest", "seals", "x.json").write_text(json.dumps(forged))
    assert {kind for kind, _ in fleet.problems()} == {"altered"}
    assert fleet.problems(keys=[Ed25519PrivateKey.generate().public_key()])


def test_a_forged_chain_is_found_by_the_hash_of_its_seal(fleet: Fleet) -> None:
    (newest,) = seals.heads(seals.read(fleet.root))
    assert not fleet.problems(seals=[newest.sha256.upper()])
    # Somebody writes it anew: only who knows its end can tell.
    shutil.rmtree(fleet.path("_manifest"))
    fleet.publish("run-1", "car 1/a.mp4")
    fleet.publish("run-2", "car 1/b.mp4")
    assert not fleet.problems()
    assert fleet.problems(seals=[newest.sha256]) == {("missing", "seals")}


def test_a_seal_names_no_file_outside_the_manifest(fleet: Fleet) -> None:
    outside = fleet.path("..", "secret")
    outside.write_bytes(b"secret")
    digest = {"size": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
    forged = {"run": "x", "key": None, "before": {}, "files": {"../../secret": digest}}
    fleet.path("_manifest", "seals", "x.json").write_text(json.dumps(forged))
    assert fleet.problems() == {("missing", "../../secret")}


def test_a_manifest_without_seals_is_told_of_once_and_sealed_by_the_next_run(
    tmp_path: Path,
) -> None:
    fleet = Fleet(tmp_path)
    fleet.publish("run-1", "a.mp4", "b.mp4", seal=False)
    assert fleet.problems() == {("unsealed", ".")}
    fleet.publish("run-2", "c.mp4")
    (note,) = fleet.findings()
    assert (note.kind, note.what) == ("note", "seals")
    assert note.text.endswith("left: run-1")


def test_what_a_killed_run_has_left_is_told(fleet: Fleet) -> None:
    fleet.publish("killed", "c.mp4", seal=False)
    files = {f"{name}/killed-000000-000000.parquet" for name in ("runs", "videos")}
    assert fleet.problems() == {("unsealed", file) for file in files}


def test_a_run_at_work_is_no_problem(fleet: Fleet) -> None:
    with lease.acquire(storage.canonical(fleet.destination), "running", (1, 1)):
        fleet.publish("running", "c.mp4", seal=False)
        fleet.path("d.mp4").touch()
        findings = fleet.findings()
    assert told(findings) == {("note", "running"), ("note", "d.mp4")}


def test_small_files_that_a_killed_run_had_merged_are_no_problem(fleet: Fleet) -> None:
    writer = fleet.publish("run-3", "c.mp4", seal=False)
    fleet.publish("run-4", "d.mp4")
    small = fleet.path("_manifest", "videos", "run-3-000000-000000.parquet")
    shutil.copy(small, small.with_name("run-3-000001-000001.parquet"))
    shutil.copy(small, small.with_name("run-3-000001-000002.parquet"))
    assert writer.growing
    found = told(fleet.findings())
    assert ("note", "videos/run-3-000001-000001.parquet") in found
    assert ("unsealed", "videos/run-3-000001-000002.parquet") in found


class TestSignatures:
    """One key signs; a seal counts if it is signed, or if a signed one names it."""

    @pytest.fixture
    def key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.generate()

    @pytest.fixture
    def signed(self, fleet: Fleet, key: Ed25519PrivateKey) -> Fleet:
        fleet.publish("run-3", "car 2/c.mp4", key=key)
        return fleet

    def test_the_right_key_vouches_for_all_before_it(
        self, signed: Fleet, key: Ed25519PrivateKey
    ) -> None:
        assert not signed.findings(keys=[key.public_key()])

    def test_without_a_key_it_is_told_that_signatures_are_not_checked(self, signed: Fleet) -> None:
        (note,) = signed.findings()
        assert (note.kind, note.what) == ("note", "seals")
        assert "--public-key" in note.text

    def test_another_key_vouches_for_nothing(self, signed: Fleet) -> None:
        other = Ed25519PrivateKey.generate().public_key()
        names = {f"seals/run-{number}-000000.json" for number in (1, 2, 3)}
        assert signed.problems(keys=[other]) == {("unsigned", name) for name in names}

    def test_what_comes_after_the_last_signature_is_not_vouched_for(
        self, signed: Fleet, key: Ed25519PrivateKey
    ) -> None:
        signed.publish("run-4", "d.mp4")
        found = signed.problems(keys=[key.public_key()])
        assert found == {("unsigned", "seals/run-4-000000.json")}

    def test_both_keys_count_after_a_change_of_keys(
        self, signed: Fleet, key: Ed25519PrivateKey
    ) -> None:
        new = Ed25519PrivateKey.generate()
        signed.publish("run-4", "d.mp4", key=new)
        assert not signed.problems(keys=[new.public_key(), key.public_key()])
        assert not signed.problems(keys=[new.public_key()]), "it names those before it"
        assert signed.problems(keys=[key.public_key()])

    @pytest.mark.parametrize("how", ["changed", "removed", "cut"])
    def test_a_signature_that_does_not_fit_is_found(
        self, how: str, signed: Fleet, key: Ed25519PrivateKey
    ) -> None:
        file = signed.path("_manifest", "seals", "run-3-000000.json.sig")
        if how == "removed":
            file.unlink()
        elif how == "cut":
            file.write_bytes(b"short")
        else:
            flip(file)
        assert ("altered", "seals/run-3-000000.json") in signed.problems(keys=[key.public_key()])

    def test_a_seal_changed_by_who_has_no_key_is_found(
        self, signed: Fleet, key: Ed25519PrivateKey
    ) -> None:
        file = signed.path("_manifest", "seals", "run-3-000000.json")
        file.write_text(file.read_text().replace("run-3", "run-9"))
        assert ("altered", "seals/run-3-000000.json") in signed.problems(keys=[key.public_key()])

    def test_a_removed_seal_leaves_its_signature(
        self, signed: Fleet, key: Ed25519PrivateKey
    ) -> None:
        signed.path("_manifest", "seals", "run-3-000000.json").unlink()
        found = signed.problems(keys=[key.public_key()])
        assert ("missing", "seals/run-3-000000.json.sig") in found


def test_a_folder_without_a_manifest_is_told(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(SourceError, match="holds no manifest"):
            evidence.place(str(tmp_path))
        (tmp_path / "videos").mkdir(exist_ok=True)
        (tmp_path / "videos" / "a.mp4").touch()


def test_seals_that_are_all_that_is_left_tell_what_is_missing(fleet: Fleet) -> None:
    for name in ("runs", "videos"):
        shutil.rmtree(fleet.path("_manifest", name))
    assert {kind for kind, _ in fleet.problems(fleet.root)} == {"missing"}
