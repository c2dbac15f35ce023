"""Files on any store that fsspec knows: a path here is a URL, ``s3://bucket/key`` or local.

Every write is atomic: a reader sees the whole file under its name, or none. Object stores do so by
themselves; on a local file system a file is written under another name and renamed. What a process
that was killed leaves under such a name, the next that writes to the same folder removes.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import fsspec
from botocore.exceptions import BotoCoreError
from fsspec.implementations.local import LocalFileSystem

from redact_dask.errors import SourceError
from redact_dask.storage import locks

FAILURES = (OSError, BotoCoreError)
"""What a store raises when it is not there, or does not let us in."""

_UPLOAD = {"chunksize": 2**24, "max_concurrency": 4}
"""Bytes of a part, and parts in flight: s3fs itself would hold half a gigabyte. 10,000 parts, the
most that S3 takes, are 160 GiB."""

READ_AHEAD = 2**21
"""Bytes asked from an object store at a time, beyond what is needed: worth a request's latency."""


def canonical(url: str) -> str:
    """Return the one absolute URL of a path, local ones with links resolved."""
    fs, path = _locate(url)
    if isinstance(fs, LocalFileSystem):
        path = os.path.realpath(path)
    return str(fs.unstrip_protocol(path)).rstrip("/")


def join(url: str, *parts: str) -> str:
    """Return the URL of something below another."""
    return "/".join([url.rstrip("/"), *parts])


def local_path(url: str) -> str | None:
    """Return the path on this machine's file system, or None if it lies elsewhere."""
    fs, path = _locate(url)
    return path if isinstance(fs, LocalFileSystem) else None


def exists(url: str) -> bool:
    """Tell whether something lies there."""
    fs, path = _locate(url)
    return bool(fs.exists(path))


def is_folder(url: str) -> bool:
    """Tell whether it is a folder, or a prefix with something below it."""
    fs, path = _locate(url)
    return bool(fs.isdir(path))


def find(url: str) -> dict[str, dict[str, Any]]:
    """Return URL and facts (``size``, ``ETag``, ``mtime``) of a file, or of all below a folder."""
    fs, path = _locate(url)
    return _files(fs, fs.find(path, detail=True))


def walk(url: str, skip: Container[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield URL and facts, as `find` does, of all files below a folder, which need not exist.

    They come as the store lists them, a thousand with a request from S3, and are not held.

    Parameters
    ----------
    url
        Of the folder.
    skip
        Names of folders right below it that are passed over.
    """
    fs, path = _locate(url)
    pages = _s3_pages if "s3" in fs.protocol else _folders
    for page in pages(fs, path, skip):
        yield from _files(fs, page).items()


def glob(pattern: str) -> dict[str, dict[str, Any]]:
    """Return URL and facts, as `find` does, of all that matches ``*``, ``?``, ``[]``, ``**``."""
    fs, path = _locate(pattern)
    return _files(fs, fs.glob(path, detail=True))


@contextmanager
def open_read(url: str) -> Iterator[IO[bytes]]:
    """Open for reading at any place; from an object store only what is read is transferred."""
    fs, path = _locate(url)
    options = {} if isinstance(fs, LocalFileSystem) else {"block_size": READ_AHEAD}
    with fs.open(path, "rb", **options) as file:
        yield file


def read(url: str) -> bytes:
    """Return the whole content."""
    fs, path = _locate(url)
    return bytes(fs.cat_file(path))


def write(url: str, content: bytes) -> None:
    """Write a whole file, atomically."""
    fs, path = _locate(url)
    if isinstance(fs, LocalFileSystem):
        with _renamed(path) as part:
            part.write_bytes(content)
    else:
        fs.pipe_file(path, content)


def publish(file: Path, url: str) -> None:
    """Copy a local file to its place, atomically."""
    fs, path = _locate(url)
    if isinstance(fs, LocalFileSystem):
        with _renamed(path) as part:
            shutil.copyfile(file, part)
    else:
        fs.put_file(str(file), path, **(_UPLOAD if "s3" in fs.protocol else {}))


def version(facts: dict[str, Any]) -> str:
    """Return what changes with a file's content: its ETag, or its size and modification time.

    Parameters
    ----------
    facts
        As `find` gives them.
    """
    return str(facts.get("ETag") or f"{facts['size']}-{facts.get('mtime')}").strip('"')


def modified(facts: dict[str, Any]) -> float | None:
    """Return when a file was last written, seconds since the epoch; None: the store does not tell.

    Parameters
    ----------
    facts
        As `find` gives them.
    """
    when = facts.get("LastModified", facts.get("mtime"))
    return when.timestamp() if isinstance(when, datetime) else when


def prune(url: str) -> None:
    """Remove a folder if nothing is left in it."""
    path = local_path(url)
    if path is not None:
        with suppress(OSError):  # It is not there, or another run has put something into it.
            Path(path).rmdir()


def remove(url: str) -> None:
    """Remove a file, or a folder with all that is in it; what is not there is no error."""
    path = local_path(url)
    if path is not None and Path(path).is_dir():
        while Path(path).exists():
            try:
                shutil.rmtree(path)
            except OSError as error:  # A task that runs late may write into it meanwhile.
                if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                    raise
        return
    fs, _ = _locate(url)
    for name in find(url):  # one by one: several at once would be taken for patterns
        fs.rm_file(_locate(name)[1])


@contextmanager
def _renamed(path: str) -> Iterator[Path]:
    target = Path(path)
    # Not by the target's name, which may be as long as a name can be.
    part = target.with_name(f".redact_dask-{uuid.uuid4().hex}.part")
    with ExitStack() as lock:
        while not part.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            # Another run may prune the folder meanwhile, or sweep what is not locked yet.
            with suppress(FileNotFoundError):
                part.touch()
                lock.enter_context(locks.held(part))
        try:
            _sweep(target.parent)
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what has no name yet, and never will: who wrote it was killed."""
    for part in folder.glob(".redact_dask-*.part"):
        with suppress(FileNotFoundError):  # It has its name by now.
            if not locks.is_held(part):
                part.unlink()


def _folders(fs: Any, path: str, skip: Container[str]) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the files of one folder after the other, those below a folder after its own."""
    # Not by fsspec's own walk, which leaves out in silence what it may not or cannot list.
    top = path.rstrip("/") or path
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            listed = sorted(fs.ls(folder, detail=True), key=lambda found: str(found["name"]))
        except FileNotFoundError:
            continue  # It was removed meanwhile, or never there.
        except PermissionError:
            if folder.endswith("/lost+found"):
                continue  # A file system's own, at its root.
            raise
        kept = [found for found in listed if folder != top or _name(found) not in skip]
        below = [found["name"] for found in kept if found["type"] == "directory"]
        waiting += reversed(below)
        yield {found["name"]: found for found in kept if found["type"] != "directory"}


def _name(found: dict[str, Any]) -> str:
    return str(found["name"]).rstrip("/").rpartition("/")[2]


def _s3_pages(fs: Any, path: str, skip: Container[str]) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the files below a prefix by the thousand: s3fs itself would hold them all."""
    bucket, key, _ = fs.split_path(path)
    prefix = f"{key}/" if key else ""
    where = {"Bucket": bucket, "Prefix": prefix, **fs.req_kw}
    place: dict[str, str] = {}
    while True:
        answer = fs.call_s3("list_objects_v2", **where, **place)
        page: dict[str, dict[str, Any]] = {}
        skipped = None
        for found in answer.get("Contents", ()):
            top, below, _ = found["Key"].removeprefix(prefix).partition("/")
            if below and top in skip:
                skipped = top
            elif not found["Key"].endswith("/"):
                facts = {"type": "file", "size": found["Size"]}
                page[f"{bucket}/{found['Key']}"] = found | facts
        yield page
        if not answer["IsTruncated"]:
            return
        place = {"ContinuationToken": answer["NextContinuationToken"]}
        if skipped and found["Key"].startswith(f"{prefix}{skipped}/"):
            # "0" is the character behind "/": this is where the keys behind the folder begin.
            place = {"StartAfter": f"{prefix}{skipped}0"}


def _files(fs: Any, found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        str(fs.unstrip_protocol(path)): _followed(path, facts)
        for path, facts in found.items()
        if facts["type"] != "directory"
    }


def _followed(path: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of what a link leads to, if it is one that leads somewhere."""
    if not facts.get("islink") or not Path(path).exists():
        return facts
    return facts | {"size": Path(path).stat().st_size, "mtime": Path(path).stat().st_mtime}


def _locate(url: str) -> tuple[Any, str]:
    # A cached listing would hide what other processes have written since.
    try:
        fs, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise SourceError(f"{url} cannot be reached: {error}") from None
    return fs, str(path)
