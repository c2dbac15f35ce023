"""What is peculiar to HEVC in NAL units and SEI messages, and its ``hvcC`` records.

Names and clause numbers are those of ITU-T H.265 (08/2021); ISO/IEC 14496-15, 8.3.3.1, defines the
``hvcC`` record. Nothing here decodes pictures.
"""

from __future__ import annotations

from collections.abc import Iterable

from redact_dask.media import nal

HEADER = 2
"""Size of a unit's header, bytes."""
VPS, SPS, PPS, END_OF_SEQUENCE, END_OF_BITSTREAM, SEI, SUFFIX_SEI = 32, 33, 34, 36, 37, 39, 40
"""Kinds of NAL units: values of ``nal_unit_type`` (Table 7-1)."""
SETS = (VPS, SPS, PPS)
"""Kinds of parameter sets."""
IDR = (19, 20)
"""Kinds of slices of pictures that begin anew (``IDR_W_RADL``, ``IDR_N_LP``)."""
IRAP = range(16, 24)
"""Kinds of slices of pictures at which decoding can start; 22 and 23 are reserved."""
SLICES = (*range(10), *range(16, 22))
"""Kinds of slices that a decoder knows."""
MESSAGES = (SEI, SUFFIX_SEI)
"""Kinds of units that hold messages."""
LENGTH_SIZE = 4
"""Bytes of the length before each unit in what this module writes."""

_SIZES = {
    0: range(1, 46),   # buffering period, of one schedule for units and one for slices (D.2.2)
    1: range(1, 15),   # picture timing, without that of parts of pictures (D.2.3)
    2: range(1, 61),   # pan-scan, with three rectangles (D.2.4)
    6: range(1, 6),    # recovery point (D.2.8)
    45: range(1, 17),  # frame packing (D.2.16)
    47: range(1, 5),   # display orientation (D.2.17)
    137: range(24, 25),  # colour volume of the mastering display (D.2.28)
    144: range(4, 5),  # content light level (D.2.35)
    147: range(1, 2),  # alternative transfer characteristics (D.2.38)
}  # fmt: skip
"""Sizes, bytes, of the kinds of messages that can only tell how to time or show pictures: longer
ones would carry something else."""


def kind(unit: bytes) -> int:
    """Return the kind of a unit (``nal_unit_type``)."""
    return unit[0] >> 1 & 63


def layer(unit: bytes) -> int:
    """Return the layer of a unit (``nuh_layer_id``): a decoder of one layer passes over all but 0.

    Raises
    ------
    ValueError
        The unit has no whole header.
    """
    if len(unit) < HEADER:
        raise ValueError("a unit ends early")
    return (unit[0] & 1) << 5 | unit[1] >> 3


def length_size(extradata: bytes) -> int:
    """Return how many bytes hold the length before each unit; 0: start codes separate the units.

    Parameters
    ----------
    extradata
        Parameter sets of the stream, as its container gives them.
    """
    return (extradata[21] & 3) + 1 if extradata[:1] == b"\1" and len(extradata) > 21 else 0


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


def parameter_sets(extradata: bytes) -> list[bytes]:
    """Return the units in extradata: an ``hvcC`` record, or units with start codes.

    Raises
    ------
    ValueError
        The record ends early, or the units are not whole.
    """
    if not length_size(extradata):
        return nal.units(extradata, 0)
    found, at = [], 23
    for _ in range(extradata[22] if len(extradata) > 22 else 0):
        count, at = int.from_bytes(extradata[at + 1 : at + 3]), at + 3
        for _ in range(count):
            start = at + 2
            at = start + int.from_bytes(extradata[at:start])
            found.append(extradata[start:at])
    if at > len(extradata) or not all(found):
        raise ValueError("an hvcC record ends early")
    return found


def incomplete(extradata: bytes) -> bytes:
    """Return an ``hvcC`` record that says that packets may hold parameter sets, too.

    FFmpeg's muxer of Matroska writes it so, whatever it is given (``array_completeness`` of
    ISO/IEC 14496-15, 8.3.3.1).
    """
    record, at = bytearray(extradata), 23
    for _ in range(record[22] if len(record) > 22 else 0):
        if at + 3 > len(record):
            break
        record[at] &= 0x7F
        count, at = int.from_bytes(record[at + 1 : at + 3]), at + 3
        for _ in range(count):
            at += 2 + int.from_bytes(record[at : at + 2])
    return bytes(record)


def hvcc(sets: Iterable[bytes], chroma: int, depths: tuple[int, int], layers: int) -> bytes:
    """Return one ``hvcC`` record, for packets with lengths of 4 bytes and without parameter sets.

    Parameters
    ----------
    sets
        Units of kinds `VPS`, `SPS` and `PPS`. All sequence parameter sets tell one profile and
        level.
    chroma
        Number of the chroma format: 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4.
    depths
        Bits of a sample of luma and of chroma.
    layers
        Number of temporal sub-layers.
    """
    sets = list(sets)
    # 7.3.2.2.1: one byte, of which the last bit tells whether sub-layers are nested; then 7.3.3.
    sequence = nal.unescaped(next(unit for unit in sets if kind(unit) == SPS))[HEADER:]
    record = b"\1" + sequence[1:13] + b"\xf0\0\xfc" + bytes([0xFC | chroma])
    record += bytes([0xF8 | depths[0] - 8, 0xF8 | depths[1] - 8]) + b"\0\0"
    record += bytes([layers << 3 | (sequence[0] & 1) << 2 | LENGTH_SIZE - 1, len(SETS)])
    for wanted in SETS:
        some = [unit for unit in sets if kind(unit) == wanted]
        record += bytes([0x80 | wanted]) + len(some).to_bytes(2)  # 0x80: no packet has others
        record += b"".join(len(unit).to_bytes(2) + unit for unit in some)
    return record
