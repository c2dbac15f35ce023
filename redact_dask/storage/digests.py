"""The size and SHA-256 of files, by which their content is known."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass

from botocore.exceptions import FlexibleChecksumError

from redact_dask.storage import s3
from redact_dask.storage.checksums import Checked
from redact_dask.storage.file_systems import file_system, is_on_s3
from redact_dask.storage.files import open_read

_PIECE = 2**24
"""Bytes that are read at once: on an object store, each piece is a request."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies the content of a file."""

    size: int
    """Size in bytes."""
    sha256: str
    """SHA-256, 64 hexadecimal digits."""


def digest(url: str) -> Digest:
    """Read a whole file, a piece at a time, and return its digest.

    Raises
    ------
    OSError, botocore.exceptions.BotoCoreError
        The file cannot be read, or is not what the store's checksum of it says.
    """
    size, found = 0, hashlib.sha256()
    fs, path = file_system(url)
    checked = Checked(s3.head(fs, path, ChecksumMode="ENABLED") if is_on_s3(fs) else {})
    try:
        with open_read(url) as file:
            while piece := file.read(_PIECE):
                size += len(piece)
                found.update(piece)
                checked.add(piece)
    except FlexibleChecksumError as error:  # One request read all, and compared it already.
        raise OSError(errno.EIO, f"{url} is damaged: {error}") from None
    if difference := checked.difference():
        raise OSError(errno.EIO, f"{url} is damaged: {difference}")
    return Digest(size, found.hexdigest())
