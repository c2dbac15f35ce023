"""Making the frames of a chunk: spans are copied, encoded with their regions hidden, or black."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Sequence
from enum import Enum, auto
from importlib.metadata import version
from itertools import accumulate, groupby, repeat

from av.video.frame import VideoFrame

from redact_dask import storage
from redact_dask.media.decode import frames
from redact_dask.media.encode import Encoder
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.timing import Stopwatch
from redact_dask.records import Chunk, Facts, Part, Probed, Region, Tracked
from redact_dask.redaction import hide


class Rendering:
    """What becomes of the frames of one chunk.

    Parameters
    ----------
    job
        Of the video.
    facts
        Of the video: what it is.
    chunk
        The frames.
    tracked
        What is hidden in the whole video.
    """

    def __init__(self, job: Job, facts: Facts, chunk: Chunk, tracked: Tracked) -> None:
        self._job = job
        self._facts = facts
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
        return _name(self._job, self._facts, self._chunk, hidden)

    def parts(self, watch: Stopwatch) -> Iterator[Part]:
        """Encode what is not copied, commit it, and yield what the chunk is joined from.

        Raises
        ------
        VideoError
            The chunk does not decode exactly, or cannot be encoded.
        """
        name = self.name
        for run, way in _runs(self._chunk, self._regions, self._black):
            if way is _Way.COPIED:
                yield Part(len(run.pts), run.start, None, self._facts.reorder_depth)
            else:
                shown = self._redacted(run, watch)
                if way is _Way.BLACK:
                    shown = repeat(hide.black(self._facts), len(run.pts))
                yield _encoded(self._job, self._facts, run, shown, watch, name)

    def _redacted(self, run: Chunk, watch: Stopwatch) -> Iterator[VideoFrame]:
        job = self._job
        decoded = watch.each("decode", frames(job.video.source, self._facts, run))
        for number, frame in enumerate(decoded, run.first_frame):
            if number in self._regions:
                with watch.step("redact"):
                    hide.hide(frame, self._regions[number], job.config.redact)
            yield frame


def without_copies(
    job: Job, probed: Probed, parts: Sequence[Part], watch: Stopwatch
) -> Iterator[Part]:
    """Encode the copied ones among the parts of a video, and yield all of them."""
    first = 0
    for part in parts:
        if part.segment is None:
            pts = probed.pts[first : first + part.frames]
            run = Chunk(0, part.start, first, pts, ())
            decoded = watch.each("decode", frames(job.video.source, probed.facts, run))
            yield _encoded(job, probed.facts, run, decoded, watch, _name(job, probed.facts, run))
        else:
            yield part
        first += part.frames


class _Way(Enum):
    """What becomes of a span's frames."""

    COPIED = auto()
    REDACTED = auto()
    BLACK = auto()


def _runs(
    chunk: Chunk, regions: Container[int], black: Container[int]
) -> Iterator[tuple[Chunk, _Way]]:
    """Part a chunk into runs of spans that go the same way."""
    starts = list(accumulate((span.frames for span in chunk.spans), initial=chunk.first_frame))

    def way(number: int) -> _Way:
        span = chunk.spans[number]
        frames = range(starts[number], starts[number] + span.frames)
        if any(frame in black for frame in frames):
            return _Way.BLACK
        copied = span.copyable and not any(frame in regions for frame in frames)
        return _Way.COPIED if copied else _Way.REDACTED

    for chosen, group in groupby(range(len(chunk.spans)), key=way):
        numbers = list(group)
        yield chunk.part(numbers[0], numbers[-1] + 1), chosen


def _encoded(
    job: Job, facts: Facts, run: Chunk, shown: Iterable[VideoFrame], watch: Stopwatch, name: str
) -> Part:
    user_data = "user_data" in job.config.output.keep
    encoder = Encoder(facts, job.config.encode, user_data=user_data)
    for frame in shown:
        with watch.step("encode"):
            encoder.add(frame)
    with watch.step("encode"):
        segment = encoder.finish()
    url = storage.join(job.work, f"{name}-{run.first_frame:08}.mkv")
    with watch.step("commit"):
        storage.write(url, segment.content)
    return Part(segment.frames, run.start, url, segment.reorder_depth)


def _name(job: Job, *shown: object) -> str:
    software = (version("redact-dask"), version("av"), job.config.fingerprint)
    return hashlib.sha256(repr((software, shown)).encode()).hexdigest()[:16]
