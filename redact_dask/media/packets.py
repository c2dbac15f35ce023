"""Gathering a joined video's packets in decoding order, from encoded segments and the source."""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask import storage
from redact_dask.errors import CheckFailed
from redact_dask.media import copying, digests
from redact_dask.media.demux import packets
from redact_dask.records import Footage, Segment, StreamInfo


class UnfitToTake(CheckFailed):
    """What is taken from an earlier copy does not go with the rest of this one."""


def are_known(footage: Footage) -> bool:
    """Tell whether the digest of each frame's packet is known, as it was decoded."""
    return len(footage.decoded) == digests.SIZE * len(footage.pts)


def joined_packets(
    footage: Footage, source: str, extradata: bytes, *, user_data: bool
) -> Iterator[tuple[int, Packet[Any]]]:
    """Yield the number of each frame and its packet, for which the caller sets the timestamps.

    Parameters
    ----------
    footage
        What the video stream shows.
    source
        URL of the source, which is read once, from the first copied frame on.
    extradata
        Parameter sets of the joined track.
    user_data
        Whether to keep messages between the pictures that can hold user data.

    Raises
    ------
    CheckFailed
        A segment does not hold exactly its frames, was encoded with other parameters, or is not
        what was encoded; or a copied packet is not what was decoded.
    UnfitToTake
        What is taken from an earlier copy was encoded with other parameters.
    """
    pts, info = footage.pts, footage.info
    decoded = footage.decoded if are_known(footage) else b""
    starts = (segment.start for segment in footage.segments if segment.url is None)
    first_copied = next(starts, None)
    from_source: Iterator[Packet[VideoStream]] = iter(())
    if first_copied:
        from_source = packets(source, first_copied, info.clock, info.number)
    known: set[bytes] = set()
    first = 0
    for segment in footage.segments:
        if segment.url is None:
            found = _copied(from_source, segment, pts, info, user_data, decoded)
        else:
            found = _encoded(segment, first, footage, extradata, known, user_data)
        frames = []
        for frame, packet in found:
            frames.append(frame)
            yield frame, packet
        if sorted(frames) != list(range(first, first + segment.frames)):
            wanted = f"{first} to {first + segment.frames - 1}"
            raise CheckFailed(
                f"a segment should hold the frames {wanted}, and holds {len(frames)} other ones"
            )
        first += segment.frames


@contextmanager
def open_segment(segment: Segment) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open an encoded segment; raise `CheckFailed` if its file is not what was encoded."""
    content = storage.read(segment.url or "")
    if segment.sha256 and hashlib.sha256(content).hexdigest() != segment.sha256:
        raise CheckFailed(f"{segment.url} is no longer the segment that was encoded; run again")
    try:
        with av.open(io.BytesIO(content), "r", format="matroska") as container:
            yield container, container.streams.video[0]
    except av.error.FFmpegError as error:
        raise CheckFailed(f"a segment cannot be read: {error.strerror}") from error


def _encoded(
    segment: Segment,
    first: int,
    footage: Footage,
    extradata: bytes,
    known: set[bytes],
    user_data: bool,
) -> Iterator[tuple[int, Packet[Any]]]:
    """Yield the frames of a segment's file; check that all segments have the same parameters.

    What was taken from a copy was joined before, and is joined as it is.
    """
    has_copies = footage.has_copies
    with open_segment(segment) as (container, stream):
        found = [packet for packet in container.demux(stream) if packet.size]
        parameter_sets = stream.codec_context.extradata or b""
        codec = stream.codec_context.name
    if segment.is_taken:
        joined, own = (copying.parameter_sets(codec, sets) for sets in (extradata, parameter_sets))
        if joined != own:
            raise UnfitToTake("what the earlier copy holds was encoded with other parameters")
    known.update(() if segment.is_taken else (parameter_sets,))
    if len(known) > 1:
        raise CheckFailed("the segments were encoded with different parameters")
    order = sorted(_pts(packet) for packet in found)
    for packet in found:
        frame = first + bisect_left(order, _pts(packet))
        if segment.is_taken:
            yield frame, _sample(packet, bytes(packet))
            continue
        with _joining(packet):
            content = copying.encoded_packet(
                packet,
                footage.info,
                codec,
                parameter_sets,
                has_copies=has_copies,
                user_data=user_data,
            )
        yield frame, _sample(packet, content)


def _copied(
    from_source: Iterator[Packet[VideoStream]],
    segment: Segment,
    pts: Sequence[int],
    info: StreamInfo,
    user_data: bool,
    decoded: bytes,
) -> Iterator[tuple[int, Packet[Any]]]:
    """Yield the frames of a copied segment from the source, after passing over those before it."""
    source, taken = copying.smart_copy_of(info), 0
    for packet in from_source:
        if not taken and (packet.pts, packet.size) != (segment.start.pts, segment.start.size):
            continue
        frame = bisect_left(pts, _pts(packet))
        if decoded and digests.of(packet) != digests.nth(decoded, frame):
            raise CheckFailed(f"frame {frame} was read otherwise when it was analysed; run again")
        with _joining(packet):
            content = source.copied(packet, user_data=user_data)
        yield frame, _sample(packet, content)
        taken += 1
        if taken == segment.frames:
            return


@contextmanager
def _joining(packet: Packet[Any]) -> Iterator[None]:
    """Raise `CheckFailed` if what is in a packet must not be joined."""
    try:
        yield
    except ValueError as error:
        raise CheckFailed(f"the picture at pts {packet.pts} cannot be joined: {error}") from error


def _sample(packet: Packet[Any], content: bytes) -> Packet[Any]:
    """Return a packet of the output in place of another."""
    sample = Packet(content)
    sample.is_keyframe = packet.is_keyframe
    return sample


def _pts(packet: Packet[Any]) -> int:
    if packet.pts is None:
        raise CheckFailed("a picture has no time")
    return packet.pts
