"""Tries the settings of access on a store: what was asked for must be what the store did.

A store that does not know a setting may ignore it without a word, and a bucket's policy may refuse
large objects alone, because they are uploaded in parts.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from redact_dask.storage import access, s3
from redact_dask.storage.access import Access
from redact_dask.storage.digests import digest
from redact_dask.storage.file_systems import file_system
from redact_dask.storage.files import join, publish, remove
from redact_dask.storage.scratch import folder

_SIZES = (16, 2 * s3.PART + 1)
"""Bytes of the objects that are tried: the second one is uploaded in parts."""
_NOBODY = "000000000000"
"""Number of an account that owns no bucket."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of the settings."""

    wrong: tuple[str, ...]
    """Sentences on settings that the store did not keep."""
    keeps_versions: bool
    """Whether the bucket keeps what is replaced or deleted."""
    locks: bool
    """Whether Object Lock keeps it, too, from everybody."""


def try_writing(url: str) -> Trial:
    """Write objects below a URL in S3, compare them with what was asked for, and remove them.

    One is uploaded in one request, one in parts.

    Raises
    ------
    OSError, botocore.exceptions.BotoCoreError
        The store refuses.
    """
    asked = access.of(url, writing=True)
    wrong: list[str] = []
    keeps_versions = locks = False
    with folder() as scratch:
        for size in _SIZES:
            file = scratch / "file"
            file.write_bytes(os.urandom(size))
            target = join(url, f".redact_dask-{uuid.uuid4().hex}")
            try:
                publish(file, target)
                found = _head(target, writing=True, ChecksumMode="ENABLED")
                wrong += [*_differences(asked, found), *_owner_unchecked(target, asked)]
                if digest(target) != digest(str(file)):
                    wrong.append("what is read is not what was written: do not use this store")
            finally:
                remove(target)
            keeps_versions |= found.get("VersionId", "null") != "null"
            locks |= "ObjectLockMode" in found
    return Trial(tuple(dict.fromkeys(wrong)), keeps_versions, locks)


def try_reading(url: str) -> tuple[str, ...]:
    """Ask for an object in S3; return sentences on settings that the store does not keep.

    Raises
    ------
    OSError, botocore.exceptions.BotoCoreError
        The store refuses.
    """
    _head(url, writing=False)
    return tuple(_owner_unchecked(url, access.of(url), writing=False))


def _differences(asked: Access, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each setting that the store did not keep."""

    def differs(name: str, wanted: object, got: object) -> str:
        return (
            f"the store ignores s3.dest.{name}: asked for {wanted}, got {got or 'nothing'}; "
            "leave the setting out, or take a store that keeps it"
        )

    encryption, key = found.get("ServerSideEncryption"), str(found.get("SSEKMSKeyId", ""))
    if asked.sse not in (None, encryption):
        yield differs("sse", asked.sse, encryption)
    wanted_key = asked.sse_kms_key_id or ""
    is_alias = wanted_key.rpartition(":")[2].startswith("alias/")  # The store tells no alias.
    if not key.endswith(wanted_key.rpartition("/")[2]) and not is_alias:
        yield differs("sse_kms_key_id", wanted_key, key)
    if asked.bucket_key and not found.get("BucketKeyEnabled"):
        yield differs("bucket_key", "true", "")
    kept_in = found.get("StorageClass", "STANDARD")
    if asked.storage_class not in (None, kept_in):
        yield differs("storage_class", asked.storage_class, kept_in)
    if asked.checksum and f"Checksum{asked.checksum}" not in found:
        yield differs("checksum", asked.checksum, "")


def _owner_unchecked(url: str, asked: Access, *, writing: bool = True) -> Iterator[str]:
    """Yield a sentence if the store answers although the owner is not the expected one."""
    if asked.expected_bucket_owner is None:
        return
    try:
        _head(url, writing=writing, ExpectedBucketOwner=_NOBODY)
    except OSError:
        return
    yield "the store ignores expected_bucket_owner: another account's bucket would do as well"


def _head(url: str, *, writing: bool, **asked: str) -> dict[str, Any]:
    return s3.head(*file_system(url, writing=writing), **asked)
