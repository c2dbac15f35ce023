"""A real object store, and a proxy before it that is slow, or refuses as S3 does."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from s3fs import S3FileSystem
from store_proxy import Answer, Forward, Request, StartProxy, without

from redact_dask import storage
from redact_dask.errors import RunEnded
from redact_dask.storage import lease

Held = Callable[[Request], bool]

LARGE = 2 * 2**24 + 1
"""Bytes of a file that is uploaded in parts."""
SIZES = pytest.mark.parametrize("size", [10, LARGE], ids=["whole", "in parts"])


class Slow:
    """Holds the request that ends an upload whose content begins with ``ours`` for as long."""

    def __init__(self, *, conditions: bool = True, late: bool = False) -> None:
        self.came, self.go_on = threading.Event(), threading.Event()
        self._conditions = conditions
        self._late = late
        self.held = 0

    def __call__(self, request: Request, forward: Forward) -> Answer:
        ends = request.method == "PUT" and "uploadId" not in request.path
        ends |= request.method == "POST" and "uploadId" in request.path
        if not self._conditions:
            without(request, "If-Match", "If-None-Match")
        if not ends or "/late" not in request.path or self.held:
            return forward(request)
        self.held += 1
        answer = forward(request) if self._late else None
        self.came.set()
        assert self.go_on.wait(60)
        return answer or forward(request)


class Lease:
    """A lease that is lost at a known time."""

    def __init__(self) -> None:
        self.is_lost = False
        self.asked = 0

    def check(self) -> None:
        self.asked += 1
        if self.is_lost:
            raise RunEnded("another run has taken over")


@pytest.fixture
def ours(tmp_path: Path) -> Callable[[int], Path]:
    def make(size: int) -> Path:
        path = tmp_path / "ours.mp4"
        path.write_bytes(b"ours" + bytes(size - 4))
        return path

    return make


def content(url: str) -> bytes:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bytes(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


@SIZES
@pytest.mark.parametrize("before", [b"", b"an older copy"], ids=["nothing", "something"])
def test_an_upload_that_ends_late_does_not_replace_the_copy_of_the_next_run(
    s3: str, through: StartProxy, ours: Callable[[int], Path], size: int, before: bytes
) -> None:
    url = f"{s3}/conditions/{size}-{len(before)}/late.mp4"
    if before:
        storage.write(url, before)
    slow, held = Slow(), Lease()
    through(slow)
    with ThreadPoolExecutor() as pool:
        publishing = pool.submit(storage.publish, ours(size), url, held.check)
        assert slow.came.wait(60)
        held.is_lost = True
        storage.write(url, b"the next run's")
        slow.go_on.set()
        with pytest.raises(RunEnded, match="taken over"):
            publishing.result(60)
    assert content(url) == b"the next run's"
    assert not boto3.client("s3").list_multipart_uploads(Bucket="bucket").get("Uploads")


@SIZES
@pytest.mark.parametrize("conditions", [True, False], ids=["conditions", "no conditions"])
def test_an_upload_that_ends_after_its_run_is_withdrawn(
    s3: str, through: StartProxy, ours: Callable[[int], Path], size: int, conditions: bool
) -> None:
    url = f"{s3}/withdrawn/{size}-{conditions}/late.mp4"
    slow, held = Slow(conditions=conditions), Lease()
    through(slow)
    with ThreadPoolExecutor() as pool:
        publishing = pool.submit(storage.publish, ours(size), url, held.check)
        assert slow.came.wait(60)
        held.is_lost = True
        slow.go_on.set()
        with pytest.raises(RunEnded, match="taken over"):
            publishing.result(60)
    assert not storage.exists(url)


def test_only_what_is_ours_is_withdrawn(
    s3: str, through: StartProxy, ours: Callable[[int], Path]
) -> None:
    url = f"{s3}/withdrawn/not-ours/late.mp4"
    slow, held = Slow(conditions=False, late=True), Lease()
    through(slow)
    with ThreadPoolExecutor() as pool:
        publishing = pool.submit(storage.publish, ours(10), url, held.check)
        assert slow.came.wait(60)
        held.is_lost = True
        storage.write(url, b"the next run's")
        slow.go_on.set()
        with pytest.raises(RunEnded, match="taken over"):
            publishing.result(60)
    assert content(url) == b"the next run's"


@SIZES
def test_a_run_that_holds_its_lease_replaces_what_came_meanwhile(
    s3: str, through: StartProxy, ours: Callable[[int], Path], size: int
) -> None:
    url = f"{s3}/meanwhile/{size}/late.mp4"
    slow, held = Slow(), Lease()
    through(slow)
    with ThreadPoolExecutor() as pool:
        publishing = pool.submit(storage.publish, ours(size), url, held.check)
        assert slow.came.wait(60)
        storage.write(url, b"of a task that was cut off")
        slow.go_on.set()
        publishing.result(60)
    assert content(url) == ours(size).read_bytes()
    assert held.asked == 3, "before each upload, and after the last one"


def test_a_store_that_refuses_conditions_gets_none(
    s3: str, through: StartProxy, ours: Callable[[int], Path]
) -> None:
    def refuse(request: Request, forward: Forward) -> Answer:
        if {"If-Match", "If-None-Match"} & {*request.headers}:
            return Answer(501, body=b"<Error><Code>NotImplemented</Code></Error>")
        return forward(request)

    through(refuse)
    for _ in range(2):
        storage.publish(ours(10), f"{s3}/refused/file.mp4")
    assert content(f"{s3}/refused/file.mp4") == ours(10).read_bytes()


def test_a_target_that_never_comes_to_rest_is_told(
    s3: str, through: StartProxy, ours: Callable[[int], Path]
) -> None:
    def refuse(request: Request, forward: Forward) -> Answer:
        if request.method == "PUT":
            return Answer(412, body=b"<Error><Code>PreconditionFailed</Code></Error>")
        return forward(request)

    through(refuse)
    with pytest.raises(OSError, match="PreconditionFailed"):
        storage.publish(ours(10), f"{s3}/restless/file.mp4")


class MayNotList:
    """Answers as S3 does to somebody who may not list the bucket.

    Parameters
    ----------
    with_prefix
        Whether a listing that names a prefix is allowed.
    """

    def __init__(self, *, with_prefix: bool) -> None:
        self._with_prefix = with_prefix

    def __call__(self, request: Request, forward: Forward) -> Answer:
        denied = Answer(403, body=b"<Error><Code>AccessDenied</Code></Error>")
        if "list-type=2" in request.path and not self._with_prefix:
            return denied
        answer = forward(request)
        is_key = request.path.partition("?")[0].count("/") > 1
        return denied if answer.status == 404 and is_key else answer


def test_a_missing_key_that_is_answered_with_403_is_missing(
    s3: str, through: StartProxy, ours: Callable[[int], Path]
) -> None:
    root = f"{s3}/forbidden"
    for name in ("a/file", "a/file-beside", "folder-beside", "folder/below/file"):
        storage.write(f"{root}/{name}", b"12")
    through(MayNotList(with_prefix=True))
    assert storage.exists(f"{root}/a/file")
    assert storage.exists(f"{root}/folder")
    for name in ("a/fil", "a/file/below", "fold", "folder-besid", "none"):
        url = f"{root}/{name}"
        assert not storage.exists(url), name
        assert storage.find(url) == {}, name
        assert not storage.is_folder(url), name
        storage.remove(url)
        with pytest.raises(FileNotFoundError):
            storage.read(url)
        with pytest.raises(FileNotFoundError), storage.open_read(url):
            pass
    storage.publish(ours(10), f"{root}/new.mp4")
    with lease.acquire(f"{root}/new", "one", (1, 1)) as held:
        assert lease.is_valid(held)
        storage.remove(held)
        assert not lease.is_valid(held)


def test_somebody_who_may_not_list_is_told_what_to_allow(s3: str, through: StartProxy) -> None:
    storage.write(f"{s3}/unlisted/file", b"12")
    through(MayNotList(with_prefix=False))
    assert storage.exists(f"{s3}/unlisted/file")
    sentence = r"whether s3://bucket/unlisted/none exists: .* allow s3:ListBucket on the bucket"
    for ask in (storage.exists, storage.read):
        with pytest.raises(PermissionError, match=sentence):
            ask(f"{s3}/unlisted/none")


def test_a_key_that_may_not_be_read_is_not_missing(s3: str, through: StartProxy) -> None:
    storage.write(f"{s3}/closed/file", b"12")
    through(lambda request, forward: Answer(403) if "closed" in request.path else forward(request))
    with pytest.raises(PermissionError):
        storage.read(f"{s3}/closed/file")


def test_many_keys_are_deleted_in_few_requests(
    s3: str, through: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact_dask.storage.s3._DELETED_AT_ONCE", 10)
    names = [*map(str, range(22)), "[1]", "?", "*", "a b", "über"]
    S3FileSystem().pipe({f"{s3}/many/{name}": b"1" for name in names})
    storage.write(f"{s3}/many-beside", b"1")
    asked: list[str] = []

    def note(request: Request, forward: Forward) -> Answer:
        asked.append(request.method)
        return forward(request)

    through(note)
    storage.remove(f"{s3}/many")
    assert asked == ["GET", "POST", "POST", "POST"]
    assert storage.find(f"{s3}/many") == {}
    assert storage.exists(f"{s3}/many-beside")


def test_a_key_that_cannot_be_deleted_is_told(s3: str, through: StartProxy) -> None:
    storage.write(f"{s3}/locked/file", b"1")

    def refuse(request: Request, forward: Forward) -> Answer:
        if "delete" in request.path:
            error = "<Error><Key>locked/file</Key><Code>AccessDenied</Code><Message>no</Message>"
            body = f"<DeleteResult>{error}</Error></DeleteResult>"
            return Answer(200, body=body.encode())
        return forward(request)

    through(refuse)
    with pytest.raises(OSError, match="cannot delete s3://bucket/locked/file: no"):
        storage.remove(f"{s3}/locked")


def test_parts_make_one_file(s3: str, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom(LARGE))
    storage.publish(path, f"{s3}/parts/large.mp4")
    assert content(f"{s3}/parts/large.mp4") == path.read_bytes()
    head = boto3.client("s3").head_object(Bucket="bucket", Key="parts/large.mp4")
    assert head["ContentType"] == "video/mp4"


def test_in_a_bucket_that_locks_versions_what_is_deleted_is_gone_to_a_run(
    s3: str, ours: Callable[[int], Path]
) -> None:
    store = boto3.client("s3")
    store.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    rule = {"ObjectLockEnabled": "Enabled", "Rule": retention}
    store.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=rule)
    root = "s3://locked/out"
    with lease.acquire(root, "one", (1, 1)) as held:
        for size in (10, LARGE, 20):
            storage.publish(ours(size), f"{root}/a.mp4", lambda: lease.check(held))
        storage.write(f"{root}/_work/part", b"1")
        storage.remove(f"{root}/_work")
    assert not lease.is_valid(held)
    assert [*storage.find(root)] == [f"{root}/a.mp4"]
    kept = store.list_object_versions(Bucket="locked")["Versions"]
    assert len(kept) == 5, "three copies, a checkpoint and a lease stay, unseen"
