"""Files that are almost right: their boxes, elements, chunks or packets are changed at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Chance = random.Random


@dataclass
class Node:
    """A box of MP4, an element of Matroska, or a chunk of AVI; its parents' sizes go with it."""

    kind: bytes
    content: bytes
    """What lies before the children, or all of it."""
    children: list[Node] = field(default_factory=list)
    size: int | None = None
    """What its header says instead of its true size, bytes without the header."""

    def below(self) -> Iterator[Node]:
        """Yield all nodes that lie in this one, at any depth."""
        for child in self.children:
            yield child
            yield from child.below()


# What lies in what, and how headers are written -------------------------------------------------

_MP4_PARENTS = {
    b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"edts": 0, b"dinf": 0,
    b"moof": 0, b"traf": 0, b"mvex": 0, b"udta": 0, b"meta": 4, b"ilst": 0, b"stsd": 8,
    b"avc1": 78, b"hvc1": 78, b"hev1": 78, b"mp4a": 28, b"mp4v": 78,
}  # fmt: skip
"""Bytes before the boxes inside, for each kind of box that holds boxes."""

_MKV_PARENTS = frozenset(
    bytes.fromhex(kind)
    for kind in (
        "1a45dfa3", "18538067", "1549a966", "1654ae6b", "ae", "e0", "e1", "1f43b675", "a0",
        "114d9b74", "4dbb", "1c53bb6b", "bb", "b7", "1254c367", "7373", "63c0", "67c8",
    )
)  # fmt: skip
"""Numbers of the elements that hold elements (RFC 9559)."""


def read_mp4(data: bytes) -> list[Node]:
    """Take boxes apart."""
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        header = 16 if size == 1 else 8
        size = int.from_bytes(data[at + 8 : at + 16]) if size == 1 else size or len(data) - at
        content = data[at + header : at + size]
        found.append(_parent(kind, content, _MP4_PARENTS.get(kind), read_mp4))
        at += max(size, 8)
    return found


def write_mp4(nodes: list[Node]) -> bytes:
    """Put boxes together."""
    written = b""
    for node in nodes:
        content = node.content + write_mp4(node.children)
        size = (len(content) if node.size is None else node.size) + 8
        written += (size % 2**32).to_bytes(4) + node.kind + content
    return written


def read_mkv(data: bytes) -> list[Node]:
    """Take elements apart."""
    found, at = [], 0
    while at < len(data):
        length = 9 - data[at].bit_length()
        kind, at = data[at : at + length], at + length
        if at >= len(data):
            break
        length = 9 - data[at].bit_length()
        mask = (1 << 7 * length) - 1
        size, at = int.from_bytes(data[at : at + length]) & mask, at + length
        size = len(data) - at if size == mask else size  # All ones: it goes on to the end.
        content = data[at : at + size]
        found.append(_parent(kind, content, 0 if kind in _MKV_PARENTS else None, read_mkv))
        at += size
    return found


def write_mkv(nodes: list[Node]) -> bytes:
    """Put elements together; each length is written in eight bytes."""
    written = b""
    for node in nodes:
        content = node.content + write_mkv(node.children)
        size = len(content) if node.size is None else node.size
        written += node.kind + (size % 2**56 | 1 << 56).to_bytes(8) + content
    return written


def read_avi(data: bytes) -> list[Node]:
    """Take chunks apart."""
    found, at = [], 0
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        content = data[at + 8 : at + 8 + size]
        parent = 4 if kind in (b"RIFF", b"LIST") else None
        found.append(_parent(kind, content, parent, read_avi))
        at += 8 + size + size % 2
    return found


def write_avi(nodes: list[Node]) -> bytes:
    """Put chunks together."""
    written = b""
    for node in nodes:
        content = node.content + write_avi(node.children)
        size = len(content) if node.size is None else node.size
        written += node.kind + (size % 2**32).to_bytes(4, "little") + content
        written += b"\0" * (len(content) % 2)
    return written


def _parent(
    kind: bytes, content: bytes, before: int | None, read: Callable[[bytes], list[Node]]
) -> Node:
    if before is None or len(content) < before:
        return Node(kind, content)
    return Node(kind, content[:before], read(content[before:]))


# Changes of a tree ------------------------------------------------------------------------------


def change_tree(nodes: list[Node], chance: Chance, order: str) -> str:
    """Change one node of a file, or its place; tell what was done."""
    root = Node(b"", b"", nodes)
    parents = [node for node in (root, *root.below()) if node.children]
    if not parents:
        return "nothing"
    parent = chance.choice(parents)
    place = chance.randrange(len(parent.children))
    node = parent.children[place]
    leaves = [found for found in root.below() if not found.children and found.content]
    what = chance.choice(_TREE_CHANGES if leaves else ["drop"])
    if what == "drop":
        del parent.children[place]
    elif what == "double":
        parent.children.insert(place, node)
    elif what == "swap":
        other = chance.randrange(len(parent.children))
        parent.children[place], parent.children[other] = parent.children[other], node
    elif what == "nest":
        chance.choice(parents).children.append(parent.children.pop(place))
    elif what == "name":
        others = [found.kind for found in root.below()]
        node.kind = chance.choice([chance.choice(others), _flipped(node.kind, chance)])
    elif what == "size":
        true = len(node.content)
        node.size = max(0, chance.choice([0, 1, true - 1, true + 1, true * 2, 2**31, 2**32 - 9]))
    elif what == "truncate":
        node = chance.choice(leaves)
        node.content = node.content[: chance.randrange(len(node.content))]
    else:
        small = [leaf for leaf in leaves if len(leaf.content) < 2000] or leaves
        node = chance.choice(small if what == "number" else leaves)
        change = _number if what == "number" else _noise
        node.content = change(node.content, chance, order)
    return f"{what} {node.kind!r}"


_TREE_CHANGES = ["drop", "double", "swap", "nest", "name", "size", "truncate", *["number"] * 8]
_TREE_CHANGES += ["noise"]


def _flipped(data: bytes, chance: Chance) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _noise(data: bytes, chance: Chance, order: str) -> bytes:
    """Flip some bits, or write zeros over a stretch."""
    changed = bytearray(data)
    if chance.random() < 0.3:
        begin = chance.randrange(len(changed))
        end = min(len(changed), begin + chance.choice([1, 16, 300, 5000]))
        changed[begin:end] = bytes(end - begin)
        return bytes(changed)
    for _ in range(chance.choice([1, 1, 3, 20])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _number(data: bytes, chance: Chance, order: str) -> bytes:
    """Change a whole number of a table: a size, a time, a count, or the number of a track."""
    width = chance.choice([1, 2, 4, 4, 4, 8])
    if len(data) < width:
        width = 1
    at = chance.randrange((len(data) - width) // width + 1) * width
    before = int.from_bytes(data[at : at + width], order)  # type: ignore[arg-type]
    top = 1 << 8 * width
    step = chance.choice([1, 2, 15, 512, 3000, 90000])
    values = [0, 1, top - 1, top // 2, before + step, before - step, before * 2, before // 2]
    values += [chance.randrange(top), before ^ (1 << chance.randrange(8 * width))]
    now = (chance.choice(values) % top).to_bytes(width, order)  # type: ignore[arg-type]
    return data[:at] + now + data[at + width :]


# Transport streams ------------------------------------------------------------------------------


def change_packets(packets: list[bytearray], chance: Chance) -> str:
    """Change packets of a transport stream (ISO/IEC 13818-1); tell what was done."""
    if not all(packets):
        return "nothing"
    what, change = chance.choice([*_PACKET_CHANGES.items()])
    change(packets, chance)
    return what


def _stretch(packets: list[bytearray], chance: Chance) -> slice:
    begin = chance.randrange(len(packets))
    return slice(begin, begin + chance.choice([1, 1, 3, 12, 60]))


def _drop(packets: list[bytearray], chance: Chance) -> None:
    del packets[_stretch(packets, chance)]


def _double(packets: list[bytearray], chance: Chance) -> None:
    stretch = _stretch(packets, chance)
    packets[stretch.stop : stretch.stop] = [bytearray(p) for p in packets[stretch]]


def _swap(packets: list[bytearray], chance: Chance) -> None:
    one, other = (chance.randrange(len(packets)) for _ in range(2))
    packets[one], packets[other] = packets[other], packets[one]


def _truncate(packets: list[bytearray], chance: Chance) -> None:
    packet = chance.choice(packets)
    del packet[chance.randrange(len(packet)) :]


def _header(packets: list[bytearray], chance: Chance) -> None:
    """Flip a bit of a header: sync byte, error, PID, scrambling, adaptation, counter."""
    chance.choice(packets)[chance.randrange(5)] ^= 1 << chance.randrange(8)


def _other_pid(packets: list[bytearray], chance: Chance) -> None:
    pids = sorted({bytes(packet[1:3]) for packet in packets})
    for packet in packets[_stretch(packets, chance)]:
        packet[2] = chance.choice(pids)[1]


def _section(packets: list[bytearray], chance: Chance) -> None:
    """Change PAT or PMT, and correct its checksum."""
    tables = [p for p in packets if int.from_bytes(p[1:3]) & 0x1FFF in (0, 0x1000)]
    if not tables:
        return
    same = chance.random() < 0.5
    at, bit = chance.randrange(5, 40), 1 << chance.randrange(8)
    for packet in tables if same else [chance.choice(tables)]:
        packet[at] ^= bit
        end = min(8 + (int.from_bytes(packet[6:8]) & 0xFFF), 188)
        packet[end - 4 : end] = _crc(bytes(packet[5 : end - 4])).to_bytes(4)


def _crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def _pcr(packets: list[bytearray], chance: Chance) -> None:
    clocks = [p for p in packets if len(p) > 12 and p[3] & 0x20 and p[4] >= 7 and p[5] & 0x10]
    for packet in clocks if chance.random() < 0.3 else [chance.choice(clocks or packets)]:
        packet[6:10] = chance.randbytes(4)


def _times(packets: list[bytearray], chance: Chance) -> None:
    """Move the times of PES packets: of one, of all from one on, or of every one at random."""
    begins = [p for p in packets if len(p) == 188 and p[1] & 0x40 and b"\0\0\1" in p[4:30]]
    begins = [p for p in begins if p[bytes(p).index(b"\0\0\1", 4) + 3] in (0xE0, 0xC0)]
    if not begins:
        return
    place = chance.randrange(len(begins))
    ticks = chance.choice([-90000, -3003, -1, 1, 1500, 3003, 90000, 90000 * 3600, 2**32])
    which = chance.choice([begins[place : place + 1], begins[place:]])
    for packet in which:
        at = bytes(packet).index(b"\0\0\1", 4) + 7
        for flag, place in ((0x80, at + 2), (0x40, at + 7)):
            if packet[at] & flag and place + 5 <= 188 and chance.random() < 0.9:
                packet[place : place + 5] = _moved(packet[place : place + 5], ticks)


def _moved(data: bytes, ticks: int) -> bytes:
    """Add ticks to a time of 33 bits (2.4.3.6)."""
    a, b, c = data[0] >> 1 & 7, int.from_bytes(data[1:3]) >> 1, int.from_bytes(data[3:5]) >> 1
    time = ((a << 30 | b << 15 | c) + ticks) % 2**33
    parts = (time >> 30 & 7, time >> 15 & 0x7FFF, time & 0x7FFF)
    first = bytes([data[0] & 0xF0 | parts[0] << 1 | 1])
    return first + b"".join((part << 1 | 1).to_bytes(2) for part in parts[1:])


def _payload(packets: list[bytearray], chance: Chance) -> None:
    for packet in packets[_stretch(packets, chance)]:
        if len(packet) > 20:
            packet[chance.randrange(12, len(packet))] ^= 1 << chance.randrange(8)


_PACKET_CHANGES: dict[str, Callable[[list[bytearray], Chance], None]] = {
    "drop": _drop,
    "double": _double,
    "swap": _swap,
    "truncate": _truncate,
    "header": _header,
    "pid": _other_pid,
    "section": _section,
    "pcr": _pcr,
    "times": _times,
    "payload": _payload,
}

# Whole files ------------------------------------------------------------------------------------

_TREES = {
    ".mp4": (read_mp4, write_mp4, "big"),
    ".mov": (read_mp4, write_mp4, "big"),
    ".3gp": (read_mp4, write_mp4, "big"),
    ".mkv": (read_mkv, write_mkv, "big"),
    ".webm": (read_mkv, write_mkv, "big"),
    ".avi": (read_avi, write_avi, "little"),
}
"""How a file with some suffix is read and written, and the order of its bytes."""


def mutated(data: bytes, suffix: str, chance: Chance) -> tuple[bytes, str]:
    """Change a file in one to three ways that go with its suffix; tell what was done."""
    told = []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if chance.random() < 0.08 or suffix not in (*_TREES, ".ts"):
            data, what = _bytes_changed(data, chance)
        elif suffix == ".ts":
            packets = [bytearray(data[at : at + 188]) for at in range(0, len(data), 188)]
            what = change_packets(packets, chance)
            data = b"".join(packets)
        else:
            read, write, order = _TREES[suffix]
            nodes = read(data)
            what = change_tree(nodes, chance, order)
            data = write(nodes)
        told.append(what)
    return data, ", ".join(told)


def _bytes_changed(data: bytes, chance: Chance) -> tuple[bytes, str]:
    what = chance.choice(["cut", "head", "noise", "hole", "appended"])
    at = chance.randrange(len(data))
    if what == "cut":
        return data[:at], what
    if what == "head":
        return data[at // 8 :], what
    if what == "noise":
        return _noise(data, chance, "big"), what
    if what == "hole":
        return data[:at] + data[at + chance.choice([1, 188, 4000]) :], what
    return data + data[at:], what
