"""Proving that what was planned is hidden: in the list of segments, and in the finished file."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from math import ceil

from av.video.frame import VideoFrame

from redact_dask.errors import CheckFailed
from redact_dask.media.decode import frames, frames_at
from redact_dask.pipeline.job import Job
from redact_dask.records import Chunk, Probed, Region, Segment, Tracked
from redact_dask.redaction import proof

_SEGMENTS = 24
"""Most encoded segments that are looked into: they are spread over the video."""
_FRAMES = 3
"""Most frames of such a segment, the first that has a region among them."""
_APART = 5
"""Frames from one such frame to the next: cheap to decode, and another picture."""

Hidden = Mapping[int, Sequence[Region]]
"""Regions by frame, without the frames that are black."""


def hidden_in(tracked: Tracked) -> dict[int, list[Region]]:
    """Return the regions of each frame that has any; damaged frames, which are black, have none."""
    black = {frame for lost in tracked.damage for frame in lost.frames}
    found: dict[int, list[Region]] = {}
    for region in tracked.regions:
        if region.frame not in black:
            found.setdefault(region.frame, []).append(region)
    return found


def check_plan(segments: Sequence[Segment], hidden: Hidden) -> None:
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
    url: str, job: Job, probed: Probed, segments: Sequence[Segment], hidden: Hidden
) -> None:
    """Check on frames of the finished file that their regions are hidden.

    Frames are taken from each encoded segment that has regions, or, in a long video, from some of
    them. Source and result are decoded no further than to these frames.

    Parameters
    ----------
    url
        URL of the finished file.
    job, probed
        Job of the video, and what its stream is.
    segments
        Segments that were rendered.
    hidden
        Regions of each frame that has any.

    Raises
    ------
    CheckFailed
        A frame shows what was to be hidden.
    """
    samples = _samples(segments, probed, hidden)
    numbers = [frame for _, chosen in samples for frame in chosen]
    info = probed.info
    times = [(probed.pts[frame] + info.shift) * info.time_base for frame in numbers]
    before, after = _source_frames(job, probed, samples), frames_at(url, times)
    for number, source, output in zip(numbers, before, after, strict=True):
        settings, crf = job.config.redact, job.config.encode.crf
        for region in proof.shown(source, output, hidden[number], settings, crf):
            raise CheckFailed(
                f"frame {number} still shows what was to be hidden around x {region.x0:.0f}, "
                f"y {region.y0:.0f}; run again, and report it if it happens again"
            )


def _samples(
    segments: Sequence[Segment], probed: Probed, hidden: Hidden
) -> list[tuple[Chunk, list[int]]]:
    """Return frames to look at in encoded segments, each with what to decode to reach them.

    Decoding starts where it started when the segment was rendered, so it gives the same pictures.
    """
    found = list(_with_regions(segments, hidden))
    samples = []
    for segment, first, inside in found[:: ceil(len(found) / _SEGMENTS) or 1]:
        near = range(inside[0], inside[-1] + 1, _APART)[:_FRAMES]
        chosen = [frame for frame in near if frame in hidden]
        pts = probed.pts[first : chosen[-1] + 1]
        samples.append((Chunk(0, segment.start, first, pts, ()), chosen))
    return samples


def _source_frames(
    job: Job, probed: Probed, samples: Sequence[tuple[Chunk, Sequence[int]]]
) -> Iterator[VideoFrame]:
    """Decode the frames of the source that were chosen."""
    for chunk, chosen in samples:
        decoded = frames(job.video.source, probed.info, chunk)
        for number, frame in enumerate(decoded, chunk.first_frame):
            if number in chosen:
                yield frame


def _with_regions(
    segments: Sequence[Segment], hidden: Hidden
) -> Iterator[tuple[Segment, int, list[int]]]:
    """Yield each segment that has regions, with its first frame, and its frames that have any."""
    numbers = sorted(hidden)
    ends = accumulate((segment.frames for segment in segments), initial=0)
    for segment, (first, end) in zip(segments, pairwise(ends), strict=True):
        inside = numbers[bisect_left(numbers, first) : bisect_left(numbers, end)]
        if inside:
            yield segment, first, inside
