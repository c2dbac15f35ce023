"""Digests of packets: what is, byte by byte, what was decoded need not be decoded again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from av.packet import Packet
from av.video.stream import VideoStream

SIZE = 8
"""Bytes of a digest: an hour of video has a hundred thousand, and no two need to differ."""


def of(packet: Packet[Any]) -> bytes:
    """Return the digest of a packet's bytes."""
    return hashlib.blake2b(packet, digest_size=SIZE).digest()


def noted(
    packets: Iterable[Packet[VideoStream]], found: dict[int, bytes]
) -> Iterator[Packet[VideoStream]]:
    """Yield packets, and note the digest of each by its pts."""
    for packet in packets:
        if packet.size and packet.pts is not None:
            found[packet.pts] = of(packet)
        yield packet


def in_order(found: Mapping[int, bytes], pts: Sequence[int]) -> bytes:
    """Return the digests of frames, given their pts, one after the other.

    A frame without a packet of its own pts, or with damage, has zeros, and must not be copied.
    """
    return b"".join(found.get(ticks, bytes(SIZE)) for ticks in pts)


def nth(digests: bytes, frame: int) -> bytes:
    """Return one of the digests that `in_order` has returned."""
    return digests[SIZE * frame : SIZE * (frame + 1)]
