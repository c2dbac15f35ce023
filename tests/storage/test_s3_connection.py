"""Every upload and every request has what the settings ask for, as a recording proxy sees it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from recording import Recorded, client, recorded

from redact_dask import config, storage
from redact_dask.errors import SourceError
from redact_dask.storage import access, lease
from redact_dask.storage.checksums import Checked

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEEPING = {
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": KEY,
    "x-amz-server-side-encryption-bucket-key-enabled": "true",
    "x-amz-acl": "bucket-owner-full-control",
    "x-amz-storage-class": "STANDARD_IA",
}
"""Headers that every upload has."""
EVERY = {"x-amz-expected-bucket-owner": "123456789012", "x-amz-request-payer": "requester"}
"""Headers that every request has."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    monkeypatch.setattr(access, "_routes", access._Routes())
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with recorded("raw", "out") as running:
        yield running


def reached(store: Recorded) -> dict[str, Any]:
    return {
        "endpoint_url": store.url,
        "region_name": "us-east-1",
        "access_key_id": "test",
        "secret_access_key": "hidden",
        "expected_bucket_owner": "123456789012",
        "request_payer": "requester",
    }


def use(store: Recorded, **dest: Any) -> None:
    sections = {"source": reached(store), "dest": reached(store) | dest}
    config.validate({"s3": sections}).s3.use("s3://raw", "s3://out", None)


def lacks(store: Recorded, expected: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return the requests that lack a header, and which one."""
    asked = store.begun if expected is KEEPING else store.requests
    return [
        (request.method, request.path, name)
        for request in asked
        for name, value in expected.items()
        if request.headers.get(name) != value
        # HeadBucket knows no payer.
        and (request.method, request.path.count("/"), name) != ("HEAD", 1, "x-amz-request-payer")
    ]


@pytest.mark.parametrize("checksum", ["CRC32", "CRC32C", "SHA256"])
def test_each_way_to_upload_says_how_to_keep_it(
    store: Recorded, tmp_path: Path, checksum: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the second one, the store computes another checksum.
    if checksum == "CRC32C" and not (find_spec("awscrt") and find_spec("crc32c")):
        pytest.skip("awscrt or crc32c is not installed")
    monkeypatch.setattr("redact_dask.storage.s3.PART", 5 * 2**20)
    use(
        store,
        sse_kms_key_id=KEY,
        bucket_key=True,
        acl="bucket-owner-full-control",
        storage_class="STANDARD_IA",
        checksum=checksum,
    )
    small, large = tmp_path / "small.mp4", tmp_path / "large.mp4"
    small.write_bytes(b"small")
    large.write_bytes(os.urandom(11 * 2**20))
    storage.publish(small, "s3://out/small.mp4")
    storage.publish(large, "s3://out/large.mp4")
    storage.write("s3://out/_manifest/videos/a.parquet", b"rows")
    storage.write("s3://out/_work/regions.npz", large.read_bytes())
    with lease.acquire("s3://out", "run", (1, 1)) as held:
        assert lease.is_valid(held)
    assert storage.digest("s3://out/large.mp4") == storage.digest(str(large))
    assert storage.read("s3://out/_work/regions.npz") == large.read_bytes()
    storage.remove("s3://out/_work")

    assert len(store.begun) == 5
    assert lacks(store, KEEPING) == []
    assert lacks(store, EVERY) == []
    assert len(store.parts) == 6
    header = f"x-amz-checksum-{checksum.lower()}"
    wholes = [request for request in store.begun if request.method == "PUT"]
    assert all(header in request.headers for request in (*wholes, *store.parts))
    found = client(store).head_object(Bucket="out", Key="large.mp4", ChecksumMode="ENABLED")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", KEY)
    assert found["StorageClass"] == "STANDARD_IA"


def test_every_read_says_who_pays_and_who_owns(store: Recorded) -> None:
    client(store).put_object(Bucket="raw", Key="day/a.mp4", Body=b"video")
    use(store)
    assert [url for url, _ in storage.walk("s3://raw")] == ["s3://raw/day/a.mp4"]
    assert [*storage.find("s3://raw/day")] == ["s3://raw/day/a.mp4"]
    assert [*storage.glob("s3://raw/*/a.mp4")] == ["s3://raw/day/a.mp4"]
    assert storage.exists("s3://raw/day/a.mp4")
    assert not storage.exists("s3://raw/day/b.mp4")
    assert storage.is_folder("s3://raw/day")
    assert storage.info("s3://raw/day/a.mp4")
    assert storage.read("s3://raw/day/a.mp4") == b"video"
    with storage.open_read("s3://raw/day/a.mp4") as file:
        assert file.read(3) == b"vid"
    assert storage.digest("s3://raw/day/a.mp4").size == 5
    assert len(store.requests) > 8
    assert lacks(store, EVERY) == []


def test_every_request_of_a_listing_in_folders_says_so_too(
    store: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    keys = {f"day/{car}/{number}.mp4" for car in "abc" for number in range(4)}
    for key in keys:
        client(store).put_object(Bucket="raw", Key=key, Body=b"video")
    use(store)
    assert {url.removeprefix("s3://raw/") for url, _ in storage.walk("s3://raw")} == keys
    paths = [request.path for request in store.requests]
    assert any("delimiter" in path for path in paths)
    assert any("continuation-token" in path for path in paths)
    assert lacks(store, EVERY) == []


def test_a_role_is_assumed(store: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", store.store)
    use(store, role_arn="arn:aws:iam::123456789012:role/redact", external_id="ours")
    storage.write("s3://out/a", b"1")
    (request,) = store.begun
    assert "Credential=ASIA" in request.headers["authorization"]
    assert request.headers["x-amz-security-token"]


def test_nobody_assumes_a_role_without_credentials(
    store: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    role = {"endpoint_url": store.url, "role_arn": "arn:aws:iam::123456789012:role/redact"}
    config.validate({"s3": {"dest": role}}).s3.use(None, "s3://out", None)
    with pytest.raises(PermissionError, match="no AWS credentials to assume arn:aws:iam::"):
        storage.write("s3://out/a", b"1")


def test_a_profile_names_credentials(
    store: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[vault]\naws_access_key_id = AKIAVAULT\naws_secret_access_key = hidden\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    settings = {"endpoint_url": store.url, "region_name": "us-east-1", "profile": "vault"}
    config.validate({"s3": {"dest": settings}}).s3.use(None, "s3://out", None)
    storage.write("s3://out/a", b"1")
    assert "Credential=AKIAVAULT" in store.begun[0].headers["authorization"]


def test_a_checksum_that_needs_a_package_says_so(
    store: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact_dask.storage.s3_connection.find_spec", lambda _: None)
    use(store, checksum="CRC32C")
    with pytest.raises(SourceError, match=r"needs awscrt; install redact-dask\[crc32c\]"):
        storage.write("s3://out/a", b"1")


@pytest.mark.parametrize("size", [10, 2**22], ids=["one request", "several requests"])
@pytest.mark.parametrize("checksum", ["CRC32", "SHA256"])
def test_what_was_damaged_in_the_store_is_told(store: Recorded, size: int, checksum: str) -> None:
    use(store)
    content = os.urandom(size)
    client(store).put_object(Bucket="raw", Key="a.mp4", Body=content, ChecksumAlgorithm=checksum)
    whole = storage.digest("s3://raw/a.mp4")
    assert (whole.size, whole.sha256) == (size, hashlib.sha256(content).hexdigest())
    key = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets["raw"].keys["a.mp4"]
    key.value = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(OSError, match=r"s3://raw/a.mp4 is damaged: "):
        storage.digest("s3://raw/a.mp4")


@pytest.mark.parametrize("told", ["CRC32", "SHA256"])
def test_a_checksum_of_parts_is_not_believed_of_the_whole(told: str) -> None:
    for answer in ({f"Checksum{told}": "AAAA-3"}, {f"Checksum{told}": "AAAA", "ETag": "1"}):
        checked = Checked(answer | {"ChecksumType": "COMPOSITE"})
        checked.add(b"something else")
        assert checked.difference() == ""
