"""Checksums that S3 keeps of whole objects, computed again from what is read.

A checksum of an object in parts that is made of theirs is not one of its content, and neither is an
ETag: it differs for objects in parts and for those that KMS encrypts. Both are only compared.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any


class Checked:
    """The checksum that a store tells of an object, and that of the pieces that are added.

    Parameters
    ----------
    told
        What S3 answers when it is asked about an object and its checksum.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._name, self._told = "", ""
        self._add: Callable[[bytes], object] = _ignore
        self._digest: Callable[[], bytes] = bytes
        for name in ("SHA256", "CRC32", "CRC32C", "CRC64NVME"):
            value = str(told.get(f"Checksum{name}", ""))
            is_whole = told.get("ChecksumType") != "COMPOSITE" and "-" not in value
            if value and is_whole and self._begin(name):
                self._name, self._told = name, value
                return

    def add(self, piece: bytes) -> None:
        """Add the next bytes of the content."""
        self._add(piece)

    def difference(self) -> str:
        """Return what differs; empty: nothing, or the store tells no checksum of the whole."""
        found = b64encode(self._digest()).decode()
        if not self._name or found == self._told:
            return ""
        return f"the store keeps the {self._name} {self._told}, and what was read has {found}"

    def _begin(self, name: str) -> bool:
        """Begin to compute a checksum; tell whether this machine can."""
        if name == "SHA256":
            sha256 = hashlib.sha256()
            self._add, self._digest = sha256.update, sha256.digest
            return True
        if name != "CRC32" and find_spec("awscrt") is None:
            return False
        begun = 0
        size = 8 if name == "CRC64NVME" else 4
        continued = _crc(name)

        def add(piece: bytes) -> None:
            nonlocal begun
            begun = continued(piece, begun)

        self._add, self._digest = add, lambda: begun.to_bytes(size)
        return True


def _crc(name: str) -> Callable[[bytes, int], int]:
    if name == "CRC32":
        return zlib.crc32
    from awscrt import checksums  # noqa: PLC0415 (not everybody needs it)

    continued: Callable[[bytes, int], int] = getattr(checksums, name.lower())
    return continued


def _ignore(_: bytes) -> None:
    """Compute nothing."""
