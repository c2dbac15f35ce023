"""Digests of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from redact_dask import storage
from redact_dask.storage import Digest, digests


@pytest.mark.parametrize("size", [0, 7, 8, 20])
def test_a_digest_is_that_of_the_whole_file(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_PIECE", 8)
    content = bytes(range(size))
    (tmp_path / "file").write_bytes(content)
    expected = Digest(size, hashlib.sha256(content).hexdigest())
    assert storage.digest(str(tmp_path / "file")) == expected


def test_a_digest_of_an_object(s3: str) -> None:
    content = bytes(2**24) + b"end"
    storage.write(f"{s3}/digests/file", content)
    expected = Digest(len(content), hashlib.sha256(content).hexdigest())
    assert storage.digest(f"{s3}/digests/file") == expected
