"""Making the frames of a chunk: gops are copied, encoded with their regions hidden, or black."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import accumulate, groupby, repeat

from av.video.frame import VideoFrame

from redact_dask import storage, versions
from redact_dask.media.decode import frames
from redact_dask.media.encode import Encoder
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.timing import Timer
from redact_dask.records import Chunk, Probed, Region, Segment, StreamInfo, Tracked
from redact_dask.redaction import hide


class Rendering:
    """What becomes of the frames of one chunk.

    Parameters
    ----------
    job
        Of the video.
    info
        Of the video: what it is.
    chunk
        The frames.
    tracked
        What is hidden in the whole video.
    """

    def __init__(self, job: Job, info: StreamInfo, chunk: Chunk, tracked: Tracked) -> None:
        self._job = job
        self._info = info
        self._chunk = chunk
        self._regions: dict[int, list[Region]] = {}
        for region in tracked.regions:
            if region.frame in chunk.frames:
                self._regions.setdefault(region.frame, []).append(region)
        damaged = {frame for lost in tracked.damage for frame in lost.frames}
        self._black = damaged.intersection(chunk.frames)

    @property
    def name(self) -> str:
        """Name of all that decides what is encoded: 16 hexadecimal digits of a SHA-256."""
        hidden = (sorted(self._regions.items()), sorted(self._black))
        return _name(self._job, self._info, self._chunk, hidden)

    def segments(self, timer: Timer) -> Iterator[Segment]:
        """Encode what is not copied, commit it, and yield what the chunk is joined from.

        Raises
        ------
        VideoError
            The chunk does not decode exactly, or cannot be encoded.
        """
        name = self.name
        for run, way in _runs(self._chunk, self._regions, self._black):
            if way is _Way.COPIED:
                yield Segment(len(run.pts), run.start, None, self._info.reorder_depth)
            else:
                shown = self._redacted(run, timer)
                if way is _Way.BLACK:
                    shown = repeat(hide.black(self._info), len(run.pts))
                yield _encoded(self._job, self._info, run, shown, timer, name)

    def _redacted(self, run: Chunk, timer: Timer) -> Iterator[VideoFrame]:
        job = self._job
        decoded = timer.each("decode", frames(job.video.source, self._info, run))
        for number, frame in enumerate(decoded, run.first_frame):
            if number in self._regions:
                with timer.step("redact"):
                    hide.hide(frame, self._regions[number], job.config.redact)
            yield frame


def without_copies(
    job: Job, probed: Probed, segments: Sequence[Segment], timer: Timer
) -> Iterator[Segment]:
    """Encode the copied ones among the segments of a video, and yield all of them."""
    first = 0
    for segment in segments:
        if segment.url is None:
            pts = probed.pts[first : first + segment.frames]
            run = Chunk(0, segment.start, first, pts, ())
            decoded = timer.each("decode", frames(job.video.source, probed.info, run))
            yield _encoded(job, probed.info, run, decoded, timer, _name(job, probed.info, run))
        else:
            yield segment
        first += segment.frames


class _Way(Enum):
    """What becomes of a gop's frames."""

    COPIED = auto()
    REDACTED = auto()
    BLACK = auto()


def _runs(
    chunk: Chunk, regions: Container[int], black: Container[int]
) -> Iterator[tuple[Chunk, _Way]]:
    """Segment a chunk into runs of gops that go the same way."""
    starts = list(accumulate((gop.frames for gop in chunk.gops), initial=chunk.first_frame))

    def way(number: int) -> _Way:
        gop = chunk.gops[number]
        frames = range(starts[number], starts[number] + gop.frames)
        if any(frame in black for frame in frames):
            return _Way.BLACK
        copied = gop.copyable and not any(frame in regions for frame in frames)
        return _Way.COPIED if copied else _Way.REDACTED

    for chosen, group in groupby(range(len(chunk.gops)), key=way):
        numbers = list(group)
        yield chunk.slice(numbers[0], numbers[-1] + 1), chosen


def _encoded(
    job: Job, info: StreamInfo, run: Chunk, shown: Iterable[VideoFrame], timer: Timer, name: str
) -> Segment:
    user_data = "user_data" in job.config.output.keep
    encoder = Encoder(info, job.config.encode, user_data=user_data)
    for frame in shown:
        with timer.step("encode"):
            encoder.add(frame)
    with timer.step("encode"):
        segment = encoder.finish()
    url = storage.join(job.work, f"{name}-{run.first_frame:08}.mkv")
    with timer.step("commit"):
        storage.write(url, segment.content)
    return Segment(segment.frames, run.start, url, segment.reorder_depth)


def _name(job: Job, *shown: object) -> str:
    software = (versions.own(), versions.installed()["av"], job.config.fingerprint)
    return hashlib.sha256(repr((software, shown)).encode()).hexdigest()[:16]
