"""Proving that what was planned is hidden: in the list of segments, and in the finished file."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import ceil

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
"""Most frames of such a segment, the first that has a region among them."""
_APART = 5
"""Frames from one such frame to the next: cheap to decode, and another picture."""


def hidden_in(regions: Regions, damage: Sequence[Damage]) -> Regions:
    """Return the regions of a video without those of damaged frames, which are black."""
    if not damage:
        return regions  # A copy for nothing would double what a crowd takes.
    black = np.array([frame for lost in damage for frame in lost.frames], np.int64)
    return regions[~np.isin(regions.frame, black)]


def check_plan(segments: Sequence[Segment], hidden: Regions) -> None:
    """Check that no frame with a region is copied.

    Raises
    ------
    CheckFailed
        A copied segment holds a frame with a region.
    """
    for segment, _, inside in _with_regions(segments, hidden):
        if segment.url is None:
            raise CheckFailed(
                f"frame {inside[0]} has something to hide, but was copied; run again, and report it"
            )


def check_pictures(
    url: str, job: Job, footage: Footage, hidden: Regions, number: int | None = None
) -> None:
    """Check on frames of the finished file that their regions are hidden.

    Frames are taken from each encoded segment that has regions, or, in a long video, from some of
    them. Source and result are decoded no further than to these frames.

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
    number
        Number of the stream in the finished file; None: it is the only one.

    Raises
    ------
    CheckFailed
        A frame shows what was to be hidden.
    """
    samples = _samples(footage, hidden)
    shown = [frame for _, chosen in samples for frame in chosen]
    info = footage.info
    times = [(footage.pts[frame] + info.shift) * info.time_base for frame in shown]
    before, after = _source_frames(job, info, samples), frames_at(url, times, number)
    for frame, source, output in zip(shown, before, after, strict=True):
        settings, crf = job.config.redact_of, job.config.encode.crf
        regions = [*hidden.within(range(frame, frame + 1))]
        for region in proof.shown(source, output, regions, settings, crf):
            raise CheckFailed(
                f"frame {frame} still shows what was to be hidden around x {region.x0:.0f}, "
                f"y {region.y0:.0f}; run again, and report it if it happens again"
            )


def _samples(footage: Footage, hidden: Regions) -> list[tuple[Chunk, list[int]]]:
    """Return frames to look at in encoded segments, each with what to decode to reach them.

    Decoding starts where it started when the segment was rendered, so it gives the same pictures.
    """
    found = list(_with_regions(footage.segments, hidden))
    samples = []
    for segment, first, inside in found[:: ceil(len(found) / _SEGMENTS) or 1]:
        near = range(inside[0], inside[-1] + 1, _APART)[:_FRAMES]
        chosen = sorted({*near}.intersection(inside))
        pts = tuple(footage.pts[first : chosen[-1] + 1])
        samples.append((Chunk(0, segment.start, first, pts, ()), chosen))
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


def _with_regions(
    segments: Sequence[Segment], hidden: Regions
) -> Iterator[tuple[Segment, int, list[int]]]:
    """Yield each segment that has regions, with its first frame, and its frames that have any."""
    numbers = np.unique(hidden.frame).tolist()
    ends = accumulate((segment.frames for segment in segments), initial=0)
    for segment, (first, end) in zip(segments, pairwise(ends), strict=True):
        inside = numbers[bisect_left(numbers, first) : bisect_left(numbers, end)]
        if inside:
            yield segment, first, inside
