"""Boxes that cameras write into MP4 files and ffmpeg does not: how a picture is to be shown."""

from __future__ import annotations

import struct
from pathlib import Path


def box(kind: bytes, *content: bytes) -> bytes:
    """Write one box: its size, its kind, its content."""
    data = b"".join(content)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def clean_aperture(width: int, height: int, across: int, down: int) -> bytes:
    """Write that only a part of the picture is shown, its middle moved by ``across``, ``down``."""
    return box(b"clap", struct.pack(">8i", width, 1, height, 1, across, 1, down, 1))


SPHERE = box(
    b"sv3d",
    box(b"svhd", bytes(4), b"camera\0"),
    box(b"proj", box(b"prhd", bytes(4), bytes(12)), box(b"equi", bytes(4), bytes(16))),
)
"""A picture of 360 degrees."""

SIDE_BY_SIDE = box(b"st3d", bytes(4), b"\2")
"""The left eye's picture on the left half, the right eye's on the right one."""


def with_box(path: Path, target: Path, added: bytes) -> Path:
    """Copy an MP4 file whose index lies at its end, and add a box to its sample description."""
    content = bytearray(path.read_bytes())
    moov = content.rindex(b"moov")
    assert moov > content.index(b"mdat"), "no place in the file may change"
    at = content.index(b"stsd", moov) + 12
    entry = bytes(content[at + 4 : at + 8])
    end = at + int.from_bytes(content[at : at + 4])
    content[end:end] = added
    # These boxes lie in each other, and the first of each kind belongs to the picture.
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", entry):
        start = content.index(kind, moov) - 4
        size = int.from_bytes(content[start : start + 4]) + len(added)
        content[start : start + 4] = size.to_bytes(4)
    target.write_bytes(content)
    return target
