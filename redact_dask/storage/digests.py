"""The size and SHA-256 of files, by which their content is known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

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
        The file cannot be read.
    """
    size, found = 0, hashlib.sha256()
    with open_read(url) as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            found.update(piece)
    return Digest(size, found.hexdigest())
