"""Seals: which files they list, what they name, and what signs them."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest
import signing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from folders import names
from made_up import ROWS

from redact_dask.errors import ConfigError, UsageError
from redact_dask.manifest import Writer, seals, signatures


def seal(root: str, run: str, at_work: Collection[str] = (), growing: Collection[str] = ()) -> None:
    seals.write(root, run, growing, lambda: at_work, None)


def written(root: str, run: str, *, whole: bool = True) -> Writer:
    writer = Writer(root, run)
    for _ in range(2):
        writer.add({"videos": [ROWS["videos"]]})
        writer.flush()
    if whole:
        writer.close()
    return writer


def test_a_seal_lists_what_no_seal_lists_and_names_the_newest(root: str) -> None:
    written(root, "run-1")
    seal(root, "run-1")
    written(root, "run-2")
    seal(root, "run-2")
    seal(root, "run-3")  # There is nothing left to seal.
    first, second = seals.read(root)
    assert [first.name, second.name] == ["run-1-000000.json", "run-2-000000.json"]
    ((path, digest),) = second.files.items()
    assert path == "videos/run-2-000000-000001.parquet"
    content = (Path(root) / path).read_bytes()
    assert (digest.size, digest.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (first.before, second.before) == ({}, {first.name: first.sha256})
    assert seals.heads([first, second]) == [second]


def test_files_of_runs_at_work_are_left_to_them_and_those_of_killed_ones_are_sealed(
    root: str,
) -> None:
    for run in ("killed", "at-work", "own"):
        written(root, run, whole=run == "own")
    seal(root, "own", at_work=["at-work", "own"])
    (made,) = seals.read(root)
    assert sorted(made.files) == [
        "videos/killed-000000-000000.parquet",
        "videos/killed-000001-000001.parquet",
        "videos/own-000000-000001.parquet",
    ]


def test_a_run_that_ends_while_another_seals_keeps_its_files_for_itself(root: str) -> None:
    other = written(root, "other", whole=False)
    written(root, "own")

    def ends() -> list[str]:
        other.close()
        seal(root, "other", growing=["videos/own-000000-000001.parquet"])
        return []

    seals.write(root, "own", (), ends, None)
    for made in seals.read(root):
        assert [Path(root, path).exists() for path in made.files] == [True] * len(made.files)


def test_files_that_will_be_merged_are_sealed_later(root: str) -> None:
    writer = written(root, "run", whole=False)
    seal(root, "run", growing=writer.growing)
    assert not seals.read(root)
    writer.close()
    assert not writer.growing
    seal(root, "run", growing=writer.growing)
    assert len(seals.read(root)) == 1


def test_seals_of_runs_side_by_side_are_named_by_the_next_one(root: str) -> None:
    for run in ("a", "b"):
        written(root, run)
    seal(root, "a", at_work=["b"])
    first = Path(root, "seals", "a-000000.json")
    hidden = first.rename(Path(root, "a"))
    seal(root, "b", at_work=["a"])  # It does not see the seal of the other yet.
    hidden.rename(first)
    written(root, "c")
    seal(root, "c")
    found = seals.read(root)
    assert [made.before.keys() for made in found] == [
        set(),
        set(),
        {"a-000000.json", "b-000000.json"},
    ]


def test_a_seal_that_cannot_be_read_is_named_like_any_other(root: str) -> None:
    written(root, "a")
    seal(root, "a")
    Path(root, "seals", "a-000000.json").write_text('{"files": []')
    written(root, "b")
    seal(root, "b")
    broken, made = seals.read(root)
    assert not broken.is_readable
    assert made.before == {broken.name: broken.sha256}


def test_a_run_never_replaces_a_seal_of_its_own(root: str) -> None:
    written(root, "a")
    seal(root, "a")
    Path(root, "seals", "a-000000.json").write_text("{")
    seal(root, "a")
    assert names(Path(root, "seals")) == ["a-000000.json", "a-000001.json"]


def test_openssl_finds_a_signature_to_be_right(root: str, tmp_path: Path) -> None:
    key, public = tmp_path / "seal.pem", tmp_path / "public.pem"
    for command in (
        ["genpkey", "-algorithm", "ed25519", "-out", key],
        ["pkey", "-in", key, "-pubout", "-out", public],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    written(root, "run")
    seals.write(root, "run", (), list, signatures.private_key(str(key)))
    assert names(Path(root, "seals")) == ["run-000000.json", "run-000000.json.sig"]
    file = Path(root, "seals", "run-000000.json")
    check = ["pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", file]
    subprocess.run(["openssl", *check, "-sigfile", f"{file}.sig"], check=True, capture_output=True)
    (made,) = seals.read(root)
    assert made.signature
    right, other = signatures.public_key(str(public)), Ed25519PrivateKey.generate().public_key()
    assert made.key == signatures.name(right)
    assert signatures.is_signed(made.content, made.signature, right)
    assert not signatures.is_signed(made.content, made.signature, other)
    assert not signatures.is_signed(made.content + b" ", made.signature, right)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----", None])
def test_a_key_that_cannot_be_used_is_told(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"evidence\.key: .*key\.pem"):
        signatures.private_key(str(file))
    with pytest.raises(UsageError, match=r"--public-key: .*key\.pem"):
        signatures.public_key(str(file))


def test_a_private_key_is_no_public_one(tmp_path: Path) -> None:
    file, _ = signing.make_keys(tmp_path)
    signatures.private_key(str(file))
    with pytest.raises(UsageError, match="openssl pkey"):
        signatures.public_key(str(file))
