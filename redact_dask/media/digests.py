"""Digests of packets and pictures: whether what is copied or shown is what was analysed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from redact_dask.media.planes import luma

SIZE = 8
"""Bytes of a digest: an hour of video has a hundred thousand, and no two need to differ."""


def of(packet: Packet[Any]) -> bytes:
    """Return the digest of a packet's bytes."""
    return hashlib.blake2b(packet, digest_size=SIZE).digest()


EXACT = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo"}
)
"""Codecs whose pictures are the same on every machine; decoders of others may round differently."""

_LINES = 16
"""Of so many lines of a picture one counts: what decoders leave out is at least a block high."""


def of_picture(frame: VideoFrame) -> bytes:
    """Return the digest of a picture's luma: a decoder may show damage otherwise each time."""
    lines = np.ascontiguousarray(luma(frame)[::_LINES])
    return hashlib.blake2b(lines.data, digest_size=SIZE).digest()


def noted(
    packets: Iterable[Packet[VideoStream]], found: dict[int, bytes]
) -> Iterator[Packet[VideoStream]]:
    """Yield packets, and note the digest of each by its pts."""
    for packet in packets:
        if packet.size and packet.pts is not None:
            found[packet.pts] = of(packet)
        yield packet


def in_order(found: Mapping[int, bytes], frames: Iterable[int]) -> bytes:
    """Return the digests of frames, given their pts or numbers, one after the other.

    A frame without a packet of its own pts, or with damage, has zeros, and must not be copied.
    """
    return b"".join(found.get(frame, bytes(SIZE)) for frame in frames)


def nth(digests: bytes, frame: int) -> bytes:
    """Return one of the digests that `in_order` has returned."""
    return digests[SIZE * frame : SIZE * (frame + 1)]
