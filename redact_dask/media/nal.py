"""Taking apart what H.264 and HEVC have in common: NAL units, SEI messages, Exp-Golomb codes.

Clause numbers are those of ITU-T H.264 (08/2021); ITU-T H.265 (08/2021) says the same in its
clauses 7.3.1, 7.3.2.4, 9.2, B.2 and E.2.1.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping


def units(data: bytes, length_size: int) -> list[bytes]:
    r"""Take a packet apart.

    Parameters
    ----------
    data
        The packet.
    length_size
        Bytes of the length before each unit; 0: start codes separate the units.

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
        raise ValueError("not a row of whole units")
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


def messages(unit: bytes, header: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each whole message (SEI) of a unit.

    Parameters
    ----------
    unit
        A unit of messages.
    header
        Size of a unit's header, bytes.
    """
    for _, kind, content, _ in _messages(unescaped(unit), header):
        yield kind, content


def with_messages(unit: bytes, header: int, sizes: Mapping[int, Collection[int]]) -> bytes:
    """Return a unit of messages (SEI) with only those of some kinds and sizes.

    Parameters
    ----------
    unit
        A unit of messages.
    header
        Size of a unit's header, bytes.
    sizes
        Allowed sizes of each kind of message, bytes.

    Returns
    -------
    bytes
        The same unit if nothing was dropped; empty if nothing is left.
    """
    data, kept = unescaped(unit), b""
    for start, kind, content, end in _messages(data, header):
        if len(content) in sizes.get(kind, ()):
            kept += data[start:end]
    whole = data[:header] + kept + b"\x80"
    return unit if whole == data else escaped(whole) if kept else b""


def _messages(data: bytes, header: int) -> Iterator[tuple[int, int, bytes, int]]:
    """Yield the start, kind, content and end of each whole message of an unescaped unit."""
    at = header
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


class Bits:
    """Reads the fields of a unit one after the other (7.2, 9.1).

    Parameters
    ----------
    unit
        The unit.
    header
        Size of its header, bytes, which is passed over.
    """

    def __init__(self, unit: bytes, header: int) -> None:
        data = unescaped(unit)
        self.text = f"{int.from_bytes(data):0{8 * len(data)}b}"
        self.at = 8 * header

    def u(self, count: int) -> int:
        """Read an unsigned number of ``count`` bits."""
        self.at += count
        if self.at > len(self.text):
            raise ValueError("a unit ends early")
        return int(self.text[self.at - count : self.at] or "0", 2)

    def ue(self) -> int:
        """Read an unsigned number in Exp-Golomb code."""
        zeros = self.text.find("1", self.at) - self.at
        if zeros < 0:
            raise ValueError("a unit ends early")
        return self.u(2 * zeros + 1) - 1

    def se(self) -> int:
        """Read a signed number in Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -code // 2


def pass_over_look(bits: Bits) -> None:
    """Pass over what the VUI tells first: how pictures look (E.1.1, up to the places of chroma)."""
    if bits.u(1) and bits.u(8) == 255:  # an aspect ratio of its own
        bits.u(32)
    if bits.u(1):  # overscan
        bits.u(1)
    if bits.u(1):  # the signal
        bits.u(4)
        if bits.u(1):  # its colours
            bits.u(24)
    if bits.u(1):  # places of chroma
        bits.ue(), bits.ue()


def ue(value: int) -> str:
    """Return the Exp-Golomb code of an unsigned number, as a text of 0s and 1s.

    >>> ue(4)
    '00101'
    """
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def unit_of(header: bytes, text: str) -> bytes:
    """Return a unit with a header, then the fields in a text of 0s and 1s, then trailing bits."""
    text += "1"
    text += "0" * (-len(text) % 8)
    return escaped(header + int(text, 2).to_bytes(len(text) // 8))
