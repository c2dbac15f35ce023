"""Cutting the GOPs out of a joined video that show whether it decodes.

Encoded GOPs are new, and where they meet copied ones, a decoder might stumble. But a copied GOP
with copied ones on both sides is, byte by byte, what was decoded when it was analysed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate, chain
from pathlib import Path

from redact_dask.media.demux import open_result
from redact_dask.media.mux import created, writing
from redact_dask.records import Segment, StreamInfo


def telling(
    firsts: Sequence[int], segments: Sequence[Segment], sampled: Collection[int]
) -> list[int]:
    """Return the numbers of the GOPs to decode, ascending.

    They are all encoded ones, the copied ones beside them, and those with a sampled frame.

    Parameters
    ----------
    firsts
        Number of each GOP's first frame, ascending.
    segments
        Segments that were joined.
    sampled
        Numbers of frames.
    """

    def gop(frame: int) -> int:
        return bisect_right(firsts, frame) - 1

    wanted = {gop(0), *map(gop, sampled)}
    ends = list(accumulate((segment.frames for segment in segments), initial=0))
    for segment, first, end in zip(segments, ends, ends[1:], strict=False):
        if segment.url is not None:
            wanted.update(range(gop(max(first - 1, 0)), gop(min(end, ends[-1] - 1)) + 1))
    return sorted(wanted)


def frames_of(gops: Sequence[int], firsts: Sequence[int], frames: int) -> array[int]:
    """Return the numbers of all frames of some GOPs; ``frames`` is that of the whole video."""
    ends = [*firsts[1:], frames]
    return array("q", chain.from_iterable(range(firsts[gop], ends[gop]) for gop in gops))


def write(
    path: Path,
    target: Path,
    gops: Collection[int],
    base: int,
    info: StreamInfo,
    number: int | None = None,
) -> None:
    """Write a file with some GOPs of a joined video.

    Parameters
    ----------
    path
        The joined video.
    target
        File to write, with the suffix of the joined video.
    gops
        Numbers of the GOPs: one begins with each keyframe.
    base
        The pts that becomes 0, ticks.
    info
        What the source's stream is.
    number
        Number of the video stream in the joined video; None: it is the only one.
    """
    with open_result(str(path), number) as (container, stream), created(target, info) as output:
        copy = output.add_stream_from_template(stream)
        copy.time_base = info.time_base
        with writing():
            output.start_encoding()
        number = -1
        for packet in container.demux(stream):
            number += packet.is_keyframe
            if packet.size and number in gops and packet.pts is not None:
                packet.pts -= base
                packet.dts = None if packet.dts is None else packet.dts - base
                packet.stream = copy
                with writing():
                    output.mux_one(packet)
