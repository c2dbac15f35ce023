"""Finding the pieces of a finished copy, and taking them out of it, packet by packet."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import IO, Any

import av
from av.packet import Packet

from redact_dask.errors import CheckFailed
from redact_dask.media.demux import open_result, packets
from redact_dask.records import Clock, Keyframe, Piece, PublishedPiece, PublishedStream, Segment

_TICK = Fraction(1, 1000)
"""Time base of a segment's file: Matroska counts milliseconds."""

_Packets = Sequence[Any]
"""Packets of a video stream, in decoding order."""


def find(path: str, number: int | None, segments: Sequence[Segment]) -> tuple[PublishedPiece, ...]:
    """Return the pieces of a finished copy that can be cut out of it.

    Parameters
    ----------
    path
        Path of the copy.
    number
        Number of the stream among its video streams; None: it is the only one.
    segments
        Segments that were joined.

    Raises
    ------
    CheckFailed
        The copy cannot be read.
    """
    found: list[tuple[int, PublishedPiece]] = []
    times = array("q")
    with open_result(path, number) as (container, stream):
        left = (packet for packet in container.demux(stream) if packet.size)
        for segment in segments:
            for piece in segment.pieces:
                own = list(islice(left, piece.frames))
                found.append((len(times), _published(piece, own, segment.reorder_depth)))
                times.extend(map(_pts, own))
            if not segment.pieces:
                times.extend(map(_pts, islice(left, segment.frames)))
    shown = sorted(times)

    def is_closed(first: int, frames: int) -> bool:
        inside = slice(first, first + frames)
        return sorted(times[inside]) == shown[inside]

    return tuple(piece for first, piece in found if is_closed(first, piece.piece.frames))


def take(copy: PublishedStream, wanted: Sequence[PublishedPiece], file: IO[bytes]) -> None:
    """Write pieces of a copy that follow each other into the file of a segment.

    Parameters
    ----------
    copy
        The stream of a published copy.
    wanted
        Some of its pieces.
    file
        Receives the segment, a Matroska file with one video stream; it can be sought in.

    Raises
    ------
    CheckFailed
        The copy does not hold the pieces as it was published.
    VideoError
        The copy is missing, or cannot be read.
    """
    found = packets(copy.url, wanted[0].start, Clock(), copy.number)
    depth = max(piece.reorder_depth for piece in wanted)
    place = 0
    with av.open(file, "w", format="matroska", options={"fflags": "+bitexact"}) as output:
        for published in wanted:
            own = [packet for packet in islice(found, published.piece.frames) if packet.size]
            if not own or _published(published.piece, own, published.reorder_depth) != published:
                raise CheckFailed(f"{copy.url} is no longer the copy that was published")
            if not output.streams:
                output.add_stream_from_template(own[0].stream).time_base = _TICK
            first = place
            for packet, rank in zip(own, _ranks(own), strict=True):
                taken: Packet[Any] = Packet(bytes(packet))
                taken.is_keyframe, taken.stream = packet.is_keyframe, output.streams.video[0]
                taken.time_base, taken.pts, taken.dts = _TICK, first + rank, place - depth
                output.mux_one(taken)
                place += 1


def _published(piece: Piece, own: _Packets, reorder_depth: int) -> PublishedPiece:
    """Return what is recorded of a piece, given its packets."""
    digest = hashlib.sha256()
    for packet, rank in zip(own, _ranks(own), strict=True):
        digest.update(f"{rank} {packet.size} {packet.is_keyframe} ".encode())
        digest.update(packet)
    pts, dts = _pts(own[0]), own[0].dts
    start = Keyframe(pts, own[0].size, pts if dts is None else dts)
    return PublishedPiece(piece, start, reorder_depth, digest.hexdigest())


def _ranks(own: _Packets) -> Iterator[int]:
    """Yield the place of each packet in the order in which they are shown."""
    times = sorted(map(_pts, own))
    return (bisect_left(times, _pts(packet)) for packet in own)


def _pts(packet: Packet[Any]) -> int:
    if packet.pts is None:
        raise CheckFailed("a packet of the copy has no time")
    return packet.pts
