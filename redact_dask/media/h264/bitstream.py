"""Taking apart and putting together H.264 packets: NAL units, SEI messages, ``avcC`` records.

Names and clause numbers are those of ITU-T H.264 (08/2021); ISO/IEC 14496-15, 5.3.3.1, defines the
``avcC`` record. Nothing here decodes pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

SLICE, IDR_SLICE, SEI, SPS, PPS = 1, 5, 6, 7, 8
"""Kinds of NAL units: values of ``nal_unit_type`` (Table 7-1)."""

_SIZES = {
    0: range(1, 25),   # buffering period, of one schedule for units and one for slices (D.1.2)
    1: range(1, 41),   # picture timing, with three time stamps (D.1.3)
    2: range(1, 61),   # pan-scan, with three rectangles (D.1.4)
    6: range(1, 6),    # recovery point (D.1.8)
    45: range(1, 17),  # frame packing (D.1.26)
    47: range(1, 9),   # display orientation (D.1.27)
    137: range(24, 25),  # colour volume of the mastering display (D.1.29)
    144: range(4, 5),  # content light level (D.1.31)
    147: range(1, 2),  # alternative transfer characteristics (D.1.32)
}  # fmt: skip
"""Sizes, bytes, of the kinds of messages that can only tell how to time or show pictures: longer
ones would carry something else."""


def kind(unit: bytes) -> int:
    """Return the kind of a unit (``nal_unit_type``)."""
    return unit[0] & 31


def length_size(extradata: bytes) -> int:
    """Return how many bytes hold the length before each unit; 0: start codes separate the units.

    Parameters
    ----------
    extradata
        Parameter sets of the stream, as its container gives them.
    """
    return (extradata[4] & 3) + 1 if extradata[:1] == b"\1" and len(extradata) > 4 else 0


def units(data: bytes, length_size: int) -> list[bytes]:
    r"""Take a packet apart.

    Parameters
    ----------
    data
        The packet.
    length_size
        Bytes of the length before each unit, as the function `length_size` returns them.

    Returns
    -------
    list of bytes
        The units, without their lengths or start codes.

    Raises
    ------
    ValueError
        The packet is not a sequence of whole units.

    Examples
    --------
    >>> units(b"\0\0\0\2AB\0\0\0\1C", length_size=4)
    [b'AB', b'C']
    """
    if not length_size:  # B.1.1: no unit holds a start code or ends with zeros
        prefix, *rest = data.split(b"\0\0\1")
        found = [part.rstrip(b"\0") for part in rest]
        whole = not prefix.strip(b"\0")
    else:
        found, at = [], 0
        while at < len(data):
            start = at + length_size
            at = start + int.from_bytes(data[at:start])
            found.append(data[start:at])
        whole = at == len(data)
    if not whole or not found or not all(found):
        raise ValueError("not a row of whole H.264 units")
    return found


def joined(units: Iterable[bytes]) -> bytes:
    """Return a packet of units, each after its length in 4 bytes, as MP4 and Matroska hold them."""
    return b"".join(len(unit).to_bytes(4) + unit for unit in units)


def unescaped(unit: bytes) -> bytes:
    """Return a unit without the bytes that keep start codes out of it (7.4.1.1)."""
    return unit.replace(b"\0\0\3", b"\0\0")


def escaped(unit: bytes) -> bytes:
    """Return a unit with bytes inserted that keep start codes out of it: undo `unescaped`."""
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", unit)


def without_free_data(unit: bytes) -> bytes:
    """Return a unit of messages (SEI) with only those that tell how to time or show pictures.

    User data is dropped, since cameras write places and serial numbers there. So is every kind of
    message that is not known, and each one that is longer than its kind can be.

    Parameters
    ----------
    unit
        A unit of kind `SEI`.

    Returns
    -------
    bytes
        The same unit if nothing was dropped; empty if nothing is left.
    """
    data, kept = unescaped(unit), b""
    for start, kind, content, end in _messages(data):
        if len(content) in _SIZES.get(kind, ()):
            kept += data[start:end]
    whole = data[:1] + kept + b"\x80"
    return unit if whole == data else escaped(whole) if kept else b""


def recovery(unit: bytes) -> int | None:
    """Return after how many frames pictures are whole if decoding starts here; None: unknown.

    Parameters
    ----------
    unit
        A unit of kind `SEI`.
    """
    for _, kind, content, _ in _messages(unescaped(unit)):
        if kind == 6:  # D.1.8: a recovery point; its first field is an Exp-Golomb code (9.1)
            bits = f"{int.from_bytes(content):0{8 * len(content)}b}"
            zeros = bits.find("1")
            return int(bits[zeros : 2 * zeros + 1], 2) - 1 if zeros >= 0 else None
    return None


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes, int]]:
    """Yield the start, kind, content and end of each whole message of an unescaped unit."""
    at = 1
    while at + 2 < len(data):  # The shortest message has two bytes, the trailing bits have one.
        start, values = at, []
        for _ in ("type", "size"):  # 7.3.2.3.1: each is the sum of bytes up to the first below 255
            value = 0
            while data[at : at + 1] == b"\xff":
                value, at = value + 255, at + 1
            values.append(value + int.from_bytes(data[at : at + 1]))
            at += 1
        content = data[at : at + values[1]]
        at += values[1]
        if at < len(data):
            yield start, values[0], content, at


def parameter_sets(extradata: bytes) -> list[bytes]:
    """Return the units in extradata: an ``avcC`` record, or units with start codes.

    Raises
    ------
    ValueError
        The record ends early, or the units are not whole.
    """
    if not length_size(extradata):
        return units(extradata, 0)
    found, at = [], 5
    for mask in (31, 255):
        count = extradata[at] & mask if at < len(extradata) else 0
        at += 1
        for _ in range(count):
            start = at + 2
            at = start + int.from_bytes(extradata[at:start])
            found.append(extradata[start:at])
    if at > len(extradata) or not all(found):
        raise ValueError("an avcC record ends early")
    return found


def avcc(sets: Iterable[bytes]) -> bytes:
    """Return one ``avcC`` record with parameter sets, for packets with lengths of 4 bytes.

    The record names the highest profile and level of its sets, and the constraints that all of them
    keep.

    Parameters
    ----------
    sets
        Units of kinds `SPS` and `PPS`.
    """
    sets = list(sets)
    sequences = [unit for unit in sets if kind(unit) == SPS]
    pictures = [unit for unit in sets if kind(unit) == PPS]
    profile, level = (max(unit[at] for unit in sequences) for at in (1, 3))
    constraints = 255
    for unit in sequences:
        constraints &= unit[2]
    record = bytes([1, profile, constraints, level, 0xFF])
    for mask, some in ((0xE0, sequences), (0, pictures)):
        record += bytes([mask | len(some)])
        record += b"".join(len(unit).to_bytes(2) + unit for unit in some)
    return record + (b"\xfd\xf8\xf8\0" if profile >= 100 else b"")  # 4:2:0, 8 bits, 8 bits
