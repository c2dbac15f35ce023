"""Proving that what was planned is hidden: in the list of segments, and in the finished file."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import ceil
from operator import itemgetter

import numpy as np
from av.video.frame import VideoFrame

from redact_dask.errors import CheckFailed
from redact_dask.media.decode import frames, frames_at
from redact_dask.pipeline.job import Job
from redact_dask.records import Chunk, Damage, Footage, Regions, Segment, StreamInfo
from redact_dask.redaction import proof

_SEGMENTS = 24
"""Most encoded segments that are looked into: they are spread over the video."""
_FRAMES = 3
"""Most frames of such a segment for its regions, the first that has one among them, and for its
zones, its first one among them."""
_APART = 5
"""Frames from one such frame to the next: cheap to decode, and another picture."""


def hidden_in(regions: Regions, damage: Sequence[Damage]) -> Regions:
    """Return the regions of a video without those of damaged frames, which are black."""
    if not damage:
        return regions  # A copy for nothing would double what a crowd takes.
    black = np.array([frame for lost in damage for frame in lost.frames], np.int64)
    return regions[~np.isin(regions.frame, black)]


def check_plan(segments: Sequence[Segment], hidden: Regions, *, all_hide: bool) -> None:
    """Check that no frame with something to hide is copied.

    Parameters
    ----------
    segments
        All frames of a stream.
    hidden
        What is hidden in it.
    all_hide
        Whether each of its frames has something to hide, because of zones.

    Raises
    ------
    CheckFailed
        A copied segment holds a frame with something to hide.
    """
    count = sum(segment.frames for segment in segments)
    numbers = range(count) if all_hide else np.unique(hidden.frame).tolist()
    for segment, _, inside in _with_frames(segments, numbers):
        if segment.url is None:
            raise CheckFailed(
                f"frame {inside[0]} has something to hide, but was copied; run again, and report it"
            )


def check_pictures(
    url: str,
    job: Job,
    footage: Footage,
    hidden: Regions,
    damage: Sequence[Damage],
    number: int | None = None,
) -> None:
    """Check on frames of the finished file that their regions, and zones, are hidden.

    Frames are taken from each encoded segment that has regions, and from each in which zones hide
    something, or, in a long video, from some of them. Source and result are decoded no further than
    to these frames.

    Parameters
    ----------
    url
        URL of the finished file.
    job
        Job of the video.
    footage
        What was rendered of the stream.
    hidden
        What is hidden in the stream.
    damage
        Damage of the stream, whose frames are black.
    number
        Number of the stream in the finished file; None: it is the only one.

    Raises
    ------
    CheckFailed
        A frame shows what was to be hidden.
    """
    covered = job.covered(footage.info)
    black = {frame for lost in damage for frame in lost.frames}
    beside = [n for n in range(len(footage.pts)) if n not in black] if covered else []
    samples = _samples(footage, np.unique(hidden.frame).tolist(), beside)
    shown = [frame for _, chosen in samples for frame in chosen]
    info = footage.info
    times = [(footage.pts[frame] + info.shift) * info.time_base for frame in shown]
    before, after = _source_frames(job, info, samples), frames_at(url, times, number)
    for frame, source, output in zip(shown, before, after, strict=True):
        settings, crf = job.config.redact_of, job.config.encode.crf
        regions = [*hidden.within(range(frame, frame + 1))]
        for region in proof.shown(source, output, regions, settings, crf, covered):
            raise CheckFailed(
                f"frame {frame} still shows what was to be hidden around x {region.x0:.0f}, "
                f"y {region.y0:.0f}; run again, and report it if it happens again"
            )
        if covered and not proof.is_covered(source, output, covered, crf):
            raise CheckFailed(
                f"frame {frame} still shows what zones hide; run again, and report it if it "
                "happens again"
            )


def _samples(footage: Footage, *numbers: Sequence[int]) -> list[tuple[Chunk, list[int]]]:
    """Return frames to look at in encoded segments, each with what to decode to reach them.

    Each of ``numbers`` has those of some frames, ascending; some of them are taken. Decoding starts
    where it started when the segment was rendered, so it gives the same pictures.
    """
    chosen: dict[int, tuple[Segment, set[int]]] = {}
    for wanted in numbers:
        found = list(_with_frames(footage.segments, wanted))
        for segment, first, inside in found[:: ceil(len(found) / _SEGMENTS) or 1]:
            near = range(inside[0], inside[-1] + 1, _APART)[:_FRAMES]
            chosen.setdefault(first, (segment, set()))[1].update({*near}.intersection(inside))
    samples = []
    for first, (segment, taken) in sorted(chosen.items(), key=itemgetter(0)):
        pts = tuple(footage.pts[first : max(taken) + 1])
        samples.append((Chunk(0, segment.start, first, pts, ()), sorted(taken)))
    return samples


def _source_frames(
    job: Job, info: StreamInfo, samples: Sequence[tuple[Chunk, Sequence[int]]]
) -> Iterator[VideoFrame]:
    """Decode the frames of the source that were chosen."""
    for chunk, chosen in samples:
        decoded = frames(job.video.source, info, chunk)
        for number, frame in enumerate(decoded, chunk.first_frame):
            if number in chosen:
                yield frame


def _with_frames(
    segments: Sequence[Segment], numbers: Sequence[int]
) -> Iterator[tuple[Segment, int, Sequence[int]]]:
    """Yield each segment that has some of these frames, with its first frame, and which it has."""
    ends = accumulate((segment.frames for segment in segments), initial=0)
    for segment, (first, end) in zip(segments, pairwise(ends), strict=True):
        inside = numbers[bisect_left(numbers, first) : bisect_left(numbers, end)]
        if inside:
            yield segment, first, inside
