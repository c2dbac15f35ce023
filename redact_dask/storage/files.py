"""Reading, writing and listing files on any store that fsspec knows.

A file is named by a URL, such as ``s3://bucket/key``, or by a local path.

Every write is atomic: a reader sees the whole file under its name, or none. Object stores write so
by themselves; on a local file system, a file is written under a temporary name and then renamed. A
killed process may leave such a temporary file; the next process that writes to the same folder
removes it. The modules ``local`` and ``s3`` hold what is peculiar to each.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from fsspec.implementations.local import LocalFileSystem

from redact_dask.errors import RunEnded
from redact_dask.storage import local, s3, s3_listing
from redact_dask.storage.file_systems import file_system, is_on_s3

READ_AHEAD = 2**21
"""Bytes read from an object store beyond what is needed: one request fewer saves its latency."""


def canonical(url: str) -> str:
    """Return the one absolute URL of a path, with the links in a local path resolved."""
    fs, path = file_system(url)
    if isinstance(fs, LocalFileSystem):
        path = os.path.realpath(path)
    return str(fs.unstrip_protocol(path)).rstrip("/")


def named(url: str) -> str:
    """Return the one absolute URL of a file by its own name, also where that is a link."""
    fs, path = file_system(url)
    if not isinstance(fs, LocalFileSystem):
        return canonical(url)
    folder, _, name = path.rpartition("/")
    return join(canonical(folder or "/"), name)


def join(url: str, *parts: str) -> str:
    """Return the URL of something below another URL."""
    return "/".join([url.rstrip("/"), *parts])


def escaped(name: str) -> str:
    r"""Return a name with escapes in place of bytes that are not UTF-8, which no database takes.

    >>> escaped("b\udce9b.mp4")
    'b\\udce9b.mp4'
    """
    return name.encode(errors="backslashreplace").decode()


def local_path(url: str) -> str | None:
    """Return the path on this machine's file system; None: the URL is on another store."""
    fs, path = file_system(url)
    return path if isinstance(fs, LocalFileSystem) else None


def is_s3(url: str) -> bool:
    """Tell whether a URL is in S3, or another store with its interface."""
    return is_on_s3(file_system(url)[0])


def exists(url: str) -> bool:
    """Tell whether a file or folder exists at a URL."""
    fs, path = file_system(url)
    try:
        return bool(fs.exists(path))
    except PermissionError:
        if not is_on_s3(fs):
            raise
        return s3.is_listed(fs, path)  # S3 answers a missing key so, too.


def is_folder(url: str) -> bool:
    """Tell whether a URL is a folder, or a prefix of an object store with objects below it."""
    fs, path = file_system(url)
    return bool(fs.isdir(path))


def info(url: str) -> dict[str, Any] | None:
    """Return the facts, as in `find`, of what is at a URL; None: nothing is.

    Where an object has the name of a folder, the facts are the object's.
    """
    fs, path = file_system(url)
    try:
        with _missing_told(fs, path):
            return _followed(path, fs.info(path))
    except FileNotFoundError:
        return None


def find(url: str) -> dict[str, dict[str, Any]]:
    """Return the URL and facts of a file, or of all files below a folder; of none if it is missing.

    Facts are what the store tells of a file, such as ``size``, ``ETag`` and ``mtime``.
    """
    fs, path = file_system(url)
    try:
        with _missing_told(fs, path):
            return _files(fs, fs.find(path, detail=True))
    except FileNotFoundError:
        return {}


def walk(
    url: str, skip: Container[str] = (), *, in_order: bool = False
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield URL and facts, as in `find`, of all files below a folder, which need not exist.

    A link to a folder is not followed; it is yielded with the ``type`` of a directory. Files are
    yielded as the store lists them (S3 lists a thousand in a request), and are not held in memory.
    Those of one folder come in the store's order.

    Parameters
    ----------
    url
        URL of the folder.
    skip
        Names of folders directly below it whose files are left out.
    in_order
        Whether all files of a folder, also those of the folders in it, come one after the other. S3
        takes longer for it: then no folders are listed at once.
    """
    fs, path = file_system(url)
    if is_on_s3(fs):
        pages = s3_listing.pages(fs, path, skip, in_order=in_order)
    else:
        pages = local.pages(fs, path, skip)
    for page in pages:
        yield from _files(fs, page).items()


def glob(pattern: str) -> dict[str, dict[str, Any]]:
    """Return URL and facts, as `find` does, of files that match ``*``, ``?``, ``[]`` or ``**``."""
    fs, path = file_system(pattern)
    return _files(fs, fs.glob(path, detail=True))


@contextmanager
def open_read(url: str) -> Iterator[IO[bytes]]:
    """Open a file for reading and seeking; an object store sends only the bytes that are read."""
    fs, path = file_system(url)
    options = {} if isinstance(fs, LocalFileSystem) else {"block_size": READ_AHEAD}
    if isinstance(fs, LocalFileSystem) and not stat.S_ISREG(Path(path).stat().st_mode):
        # Opening a pipe would wait for its writer, for ever.
        raise OSError(errno.EINVAL, "it is no file, but a folder, a pipe, a socket or a device")
    with _missing_told(fs, path):
        opened = fs.open(path, "rb", **options)
    with opened as file:
        yield file


def read(url: str) -> bytes:
    """Return the whole content of a file."""
    fs, path = file_system(url)
    with _missing_told(fs, path):
        return bytes(fs.cat_file(path))


def write(url: str, content: bytes) -> None:
    """Write a whole file, atomically."""
    fs, path = file_system(url, writing=True)
    if isinstance(fs, LocalFileSystem):
        with local.written(path) as part:
            part.write_bytes(content)
    elif is_on_s3(fs):
        s3.put(fs, content, path)
    else:
        fs.pipe_file(path, content)


def publish(file: Path, url: str, check: Callable[[], None] = lambda: None) -> None:
    """Copy a local file to a URL, atomically.

    Parameters
    ----------
    file
        The file.
    url
        The target.
    check
        Raises `RunEnded` if the file must not be published any more. Copying may take minutes:
        what comes to the target after ``check`` has said yes is not replaced. An object store that
        has no conditional writes does replace it; then ``check`` is called once more, and the copy
        is removed if it says no.

    Raises
    ------
    RunEnded
        ``check`` has raised it, and the copy is not at the target.
    """
    fs, path = file_system(url, writing=True)
    if isinstance(fs, LocalFileSystem):
        with local.written(path, check) as part:
            shutil.copyfile(file, part)
    elif is_on_s3(fs):
        s3.upload(fs, file, path, check)
    else:
        check()
        fs.put_file(str(file), path)
        try:
            check()
        except RunEnded:
            fs.rm_file(path)
            raise


def version(facts: dict[str, Any]) -> str:
    """Return a text that changes with a file's content: its ETag, or size and modification time.

    Parameters
    ----------
    facts
        Facts of the file, as `find` returns them.

    >>> version({"size": 1000, "ETag": '"9b2c"'}), version({"size": 1000, "mtime": 1.5})
    ('9b2c', '1000-1.5')
    """
    return str(facts.get("ETag") or f"{facts['size']}-{facts.get('mtime')}").strip('"')


def modified(facts: dict[str, Any]) -> float | None:
    """Return when a file was last written, seconds since the epoch; None: the store does not tell.

    Parameters
    ----------
    facts
        Facts of the file, as `find` returns them.
    """
    when = facts.get("LastModified", facts.get("mtime"))
    return when.timestamp() if isinstance(when, datetime) else when


def prune(url: str) -> None:
    """Remove a local folder if it is empty."""
    path = local_path(url)
    if path is not None:
        with suppress(OSError):  # It does not exist, or another run has written into it.
            Path(path).rmdir()


def remove(url: str) -> None:
    """Remove a file, or a folder with all that is in it, if it exists."""
    path = local_path(url)
    if path is not None and Path(path).is_dir():
        while Path(path).exists():
            try:
                with local.told(Path(path)):
                    shutil.rmtree(path)
            except OSError as error:  # A late task may write into the folder meanwhile.
                if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                    raise
        return
    fs, _ = file_system(url, writing=True)
    names = [file_system(name)[1] for name in find(url)]
    if is_on_s3(fs):
        s3.remove(fs, names)
        return
    for name in names:  # One at a time: fsspec takes the names in a list for patterns.
        fs.rm_file(name)


def _files(fs: Any, found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        str(fs.unstrip_protocol(path)): _followed(path, facts)
        for path, facts in found.items()
        if facts["type"] != "directory"
    }


def _followed(path: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Return a file's facts, with those of its target if it is a working link."""
    if not facts.get("islink") or not Path(path).exists():
        return facts
    target = Path(path).stat()
    kind = "directory" if stat.S_ISDIR(target.st_mode) else facts["type"]
    return facts | {"type": kind, "size": target.st_size, "mtime": target.st_mtime}


def _missing_told(fs: Any, path: str) -> AbstractContextManager[None]:
    return s3.missing_keys_told(fs, path) if is_on_s3(fs) else nullcontext()
