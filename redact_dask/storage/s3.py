"""What S3 does otherwise than other stores: uploads with a condition, missing keys.

``fs`` is s3fs's file system; ``path`` is the bucket's name and a key, as in ``bucket/a/b.mp4``.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from redact_dask.errors import RunEnded

FAILURES = (OSError, BotoCoreError)
"""Errors that a store raises if it cannot be reached, or refuses access."""

PART = 2**24
"""Bytes of a part of an upload: S3 takes 10,000 parts at most, which are 160 GiB here."""
_PARTS_AT_ONCE = 4
"""Parts in flight: s3fs's own upload would hold half a gigabyte in memory."""
_TRIES = 3
"""Times that a file is uploaded if what is at its target changes each time."""
_CHANGED = (404, 409, 412)
"""Statuses of an answer by which a store tells that the target is not as the condition says."""
_FAILED = 412
"""The one of them that speaks of the condition itself."""
_NOT_IMPLEMENTED = 501
"""Status by which some stores answer a request with a condition."""
_DELETED_AT_ONCE = 1000
"""Most keys that S3 deletes in one request."""


@contextmanager
def missing_keys_told(fs: Any, path: str) -> Iterator[None]:
    """Let a block that asks for a key raise `FileNotFoundError` if there is none.

    S3 answers 403 instead of 404 for a missing key if the caller may not list the bucket, or may
    list it only below a prefix: the request for a key names no prefix.

    Raises
    ------
    PermissionError
        The caller may not read the key, or may not list its place to learn whether it exists.
    """
    try:
        yield
    except PermissionError as error:
        if _first_listed(fs, path) == path:
            raise
        raise FileNotFoundError(path) from error


def is_listed(fs: Any, path: str) -> bool:
    """Tell from listings whether a key, or a folder with keys below it, exists.

    Raises
    ------
    PermissionError
        The caller may not list its place.
    """
    return _first_listed(fs, path) == path or _first_listed(fs, f"{path}/") is not None


def _first_listed(fs: Any, path: str) -> str | None:
    """Return the first key that begins with a path, in the order in which S3 lists keys."""
    bucket, key, _ = fs.split_path(path)
    try:
        answer = fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=key, MaxKeys=1)
    except PermissionError as error:
        raise PermissionError(
            f"cannot tell whether s3://{path} exists: {error}; allow s3:ListBucket on the bucket "
            f"{bucket}, for the prefix {key} and what is below it"
        ) from error
    return next((f"{bucket}/{found['Key']}" for found in answer.get("Contents", ())), None)


def remove(fs: Any, paths: Sequence[str]) -> None:
    """Delete keys of one bucket, up to a thousand in a request."""
    for start in range(0, len(paths), _DELETED_AT_ONCE):
        names = [fs.split_path(path) for path in paths[start : start + _DELETED_AT_ONCE]]
        keys = [{"Key": key} for _, key, _ in names]
        bucket = names[0][0]
        # s3fs's own function passes over keys that could not be deleted.
        delete = {"Objects": keys, "Quiet": True}
        for error in fs.call_s3("delete_objects", Bucket=bucket, Delete=delete).get("Errors", ()):
            raise OSError(f"cannot delete s3://{bucket}/{error['Key']}: {error.get('Message')}")


def upload(fs: Any, file: Path, path: str, check: Callable[[], None]) -> None:
    """Upload a file in place of what is there now, but of nothing that comes there meanwhile.

    If something does come there meanwhile, all begins again with ``check``. A store that ignores
    or refuses conditions replaces what is there. Therefore ``check`` is called once more after the
    upload; if it raises `RunEnded` then, the upload is withdrawn. What it has replaced is lost, and
    the next run makes it again; but nothing stays that may have been made with other settings than
    the manifest says.

    Parameters
    ----------
    fs, path
        The target.
    file
        The file.
    check
        Raises `RunEnded` if the file must not be published any more.
    """
    conditions = True
    for attempt in range(_TRIES):
        # What is published after the check has another ETag than what is there before it.
        condition = _as_it_is(fs, path) if conditions else {}
        check()
        try:
            etag = put(fs, file, path, **condition)
            break
        except OSError as error:
            status = _status(error)
            if status not in (*_CHANGED, _NOT_IMPLEMENTED) or attempt == _TRIES - 1:
                raise
            # SeaweedFS takes a folder of that name for a key that is there, and tells of none.
            is_wrong = status == _FAILED and condition == _as_it_is(fs, path)
            conditions = conditions and status != _NOT_IMPLEMENTED and not is_wrong
    try:
        check()
    except RunEnded:
        _withdraw(fs, path, etag, conditions=conditions)
        raise


def _as_it_is(fs: Any, path: str) -> dict[str, str]:
    """Return the condition that a target stays as it is now."""
    etag = _etag(fs, path)
    return {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}


def head(fs: Any, path: str, **asked: str) -> dict[str, Any]:
    """Return what S3 tells of a key.

    Raises
    ------
    FileNotFoundError
        There is no such key.
    """
    bucket, key, _ = fs.split_path(path)
    with missing_keys_told(fs, path):
        return dict(fs.call_s3("head_object", Bucket=bucket, Key=key, **asked))


def _etag(fs: Any, path: str) -> str | None:
    """Return the ETag of a key; None: there is no such key."""
    try:
        return str(head(fs, path)["ETag"])
    except FileNotFoundError:
        return None


def put(fs: Any, content: bytes | Path, path: str, **condition: str) -> str:
    """Upload a file's or other content to a key, in parts if it is large; return its ETag.

    Nothing else uploads.

    Parameters
    ----------
    fs, path
        The target.
    content
        The content, or the file that holds it.
    **condition
        ``IfMatch`` or ``IfNoneMatch``, as S3 knows them.
    """
    bucket, key, _ = fs.split_path(path)
    where = {"Bucket": bucket, "Key": key}
    content_type, _ = mimetypes.guess_type(key)
    kind = {"ContentType": content_type} if content_type else {}
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    if size < 2 * PART:
        answer = fs.call_s3("put_object", **where, **kind, **condition, Body=_cut(content, 0, size))
        return str(answer["ETag"])
    algorithm = fs.s3_additional_kwargs.get("ChecksumAlgorithm")
    # S3 joins the CRCs of parts to that of the whole, which cannot be done with SHA-256.
    of = {"ChecksumType": "COMPOSITE" if algorithm == "SHA256" else "FULL_OBJECT"}
    of = of if algorithm else {}
    begun = fs.call_s3("create_multipart_upload", **where, **kind, **of)
    where["UploadId"] = begun["UploadId"]

    def put_part(number: int) -> dict[str, Any]:
        body = _cut(content, (number - 1) * PART, PART)
        answer = fs.call_s3("upload_part", **where, PartNumber=number, Body=body)
        told = {name: answer[name] for name in ("ETag", f"Checksum{algorithm}") if name in answer}
        return {"PartNumber": number} | told

    try:
        with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
            parts = {"Parts": [*pool.map(put_part, range(1, -(-size // PART) + 1))]}
        answer = fs.call_s3(
            "complete_multipart_upload", **where, **condition, **of, MultipartUpload=parts
        )
    except BaseException:
        with suppress(*FAILURES):  # What went wrong first is told.
            fs.call_s3("abort_multipart_upload", **where)
        raise
    return str(answer["ETag"])


def _cut(content: bytes | Path, start: int, size: int) -> bytes:
    """Return some bytes of a file's or other content."""
    if isinstance(content, bytes):
        return content[start : start + size]
    with content.open("rb") as opened:
        opened.seek(start)
        return opened.read(size)


def _withdraw(fs: Any, path: str, etag: str, *, conditions: bool) -> None:
    """Delete a key if what is there has this ETag."""
    bucket, key, _ = fs.split_path(path)
    if _etag(fs, path) != etag:
        return
    try:
        fs.call_s3(
            "delete_object", Bucket=bucket, Key=key, **({"IfMatch": etag} if conditions else {})
        )
    except OSError as error:
        if _status(error) not in _CHANGED:
            raise


def _status(error: OSError) -> int | None:
    """Return the HTTP status of the answer by which a store refused a request."""
    answer = getattr(error.__cause__, "response", {})
    status: int | None = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status
