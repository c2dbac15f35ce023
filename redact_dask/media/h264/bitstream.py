"""What is peculiar to H.264 in NAL units and SEI messages, and its ``avcC`` records.

Names and clause numbers are those of ITU-T H.264 (08/2021); ISO/IEC 14496-15, 5.3.3.1, defines the
``avcC`` record. Nothing here decodes pictures.
"""

from __future__ import annotations

from collections.abc import Iterable

from redact_dask.media import nal

HEADER = 1
"""Size of a unit's header, bytes."""
SLICE, IDR_SLICE, SEI, SPS, PPS = 1, 5, 6, 7, 8
"""Kinds of NAL units: values of ``nal_unit_type`` (Table 7-1)."""
SLICES = (SLICE, IDR_SLICE)
"""Kinds of slices that a decoder knows."""
MESSAGES = (SEI,)
"""Kinds of units that hold messages."""
SETS = (SPS, PPS)
"""Kinds of parameter sets."""

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
    return nal.with_messages(unit, HEADER, _SIZES)


def recovery(unit: bytes) -> int | None:
    """Return after how many frames pictures are whole if decoding starts here; None: unknown.

    Parameters
    ----------
    unit
        A unit of kind `SEI`.
    """
    for kind, content in nal.messages(unit, HEADER):
        if kind == 6:  # D.1.8: a recovery point; its first field is an Exp-Golomb code (9.1)
            bits = f"{int.from_bytes(content):0{8 * len(content)}b}"
            zeros = bits.find("1")
            return int(bits[zeros : 2 * zeros + 1], 2) - 1 if zeros >= 0 else None
    return None


def parameter_sets(extradata: bytes) -> list[bytes]:
    """Return the units in extradata: an ``avcC`` record, or units with start codes.

    Raises
    ------
    ValueError
        The record ends early, or the units are not whole.
    """
    if not length_size(extradata):
        return nal.units(extradata, 0)
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
