"""Rendering a chunk: each GOP is copied, encoded with its regions hidden, or made black."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum, auto
from itertools import accumulate, groupby, repeat

from av.video.frame import VideoFrame

from redact_dask import storage, versions
from redact_dask.errors import DamagedVideo
from redact_dask.media import digests
from redact_dask.media.decode import frames
from redact_dask.media.encode import Encoder
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.timing import Timer
from redact_dask.records import Chunk, Damage, Footage, Regions, Segment, StreamInfo
from redact_dask.redaction import hide
from redact_dask.storage import scratch


class Rendering:
    """Decides what becomes of the frames of one chunk, and makes the segments that hold them.

    Parameters
    ----------
    job
        Job of the video.
    info
        What the video's stream is.
    chunk
        The frames to render.
    regions
        What is hidden on these frames.
    damage
        Damage of the whole video.
    pictures
        Digest of each frame's picture, as it was analysed; empty: they are unknown.
    """

    def __init__(
        self,
        job: Job,
        info: StreamInfo,
        chunk: Chunk,
        regions: Regions,
        damage: Sequence[Damage],
        pictures: bytes = b"",
    ) -> None:
        self._job = job
        self._info = info
        self._chunk = chunk
        self._regions = regions
        self._pictures = pictures
        self._covered = job.covered(info)
        has_regions = frozenset(regions.frame.tolist())
        self._hidden: Container[int] = chunk.frames if self._covered else has_regions
        damaged = {frame for lost in damage for frame in lost.frames}
        self._black = damaged.intersection(chunk.frames)

    @property
    def name(self) -> str:
        """Hash of all that decides what is encoded: 16 hexadecimal digits of a SHA-256."""
        hidden = (self._regions.digest, sorted(self._black))
        return _name(self._job, self._info, self._chunk, hidden)

    def segments(self, timer: Timer) -> Iterator[Segment]:
        """Encode the frames that are not copied, save them, and yield all segments of the chunk.

        Raises
        ------
        VideoError
            The chunk does not decode exactly, or cannot be encoded.
        """
        name = self.name
        for stretch, treatment in _stretches(self._chunk, self._hidden, self._black):
            if treatment is _Treatment.COPIED:
                yield Segment(len(stretch.pts), stretch.start, None, self._info.reorder_depth)
            else:
                shown = self._redacted(stretch, timer)
                if treatment is _Treatment.BLACK:
                    shown = repeat(hide.black(self._info), len(stretch.pts))
                yield _encoded(self._job, self._info, stretch, shown, timer, name)

    def _redacted(self, stretch: Chunk, timer: Timer) -> Iterator[VideoFrame]:
        """Decode frames, hide their regions, and yield them."""
        job = self._job
        decoded = timer.each("decode", _analysed(job, self._info, stretch, self._pictures))
        for number, frame in enumerate(decoded, stretch.first_frame):
            if number in self._hidden:
                with timer.step("redact"):
                    regions = [*self._regions.within(range(number, number + 1))]
                    hide.hide(frame, regions, job.config.redact_of)
                    if self._covered:
                        hide.cover(frame, self._covered)
            yield frame


def without_copies(job: Job, footage: Footage, timer: Timer) -> Footage:
    """Encode the copied segments of a stream too."""
    segments, first, info = [], 0, footage.info
    for segment in footage.segments:
        if segment.url is None:
            pts = tuple(footage.pts[first : first + segment.frames])
            stretch = Chunk(0, segment.start, first, pts, ())
            decoded = timer.each("decode", _analysed(job, info, stretch, footage.pictures))
            name = _name(job, info, stretch)
            segments.append(_encoded(job, info, stretch, decoded, timer, name))
        else:
            segments.append(segment)
        first += segment.frames
    return replace(footage, segments=tuple(segments), decoded=b"")


def _analysed(job: Job, info: StreamInfo, stretch: Chunk, pictures: bytes) -> Iterator[VideoFrame]:
    """Decode frames, and check that they are those that were analysed.

    Some decoders show damage with what their memory holds, and say nothing.
    """
    decoded = frames(job.video.source, info, stretch)
    for number, frame in enumerate(decoded, stretch.first_frame):
        if pictures and digests.of_picture(frame) != digests.nth(pictures, number):
            raise DamagedVideo(
                f"the frame at pts {frame.pts} is damaged: it is another picture each time"
            )
        yield frame


class _Treatment(Enum):
    """What becomes of the frames of a GOP."""

    COPIED = auto()
    REDACTED = auto()
    BLACK = auto()


def _stretches(
    chunk: Chunk, hidden: Container[int], black: Container[int]
) -> Iterator[tuple[Chunk, _Treatment]]:
    """Divide a chunk into stretches of consecutive GOPs that are treated alike."""
    starts = list(accumulate((gop.frames for gop in chunk.gops), initial=chunk.first_frame))

    def treatment(number: int) -> _Treatment:
        gop = chunk.gops[number]
        frames = range(starts[number], starts[number] + gop.frames)
        if any(frame in black for frame in frames):
            return _Treatment.BLACK
        copied = gop.copyable and not any(frame in hidden for frame in frames)
        return _Treatment.COPIED if copied else _Treatment.REDACTED

    for chosen, group in groupby(range(len(chunk.gops)), key=treatment):
        numbers = list(group)
        yield chunk.slice(numbers[0], numbers[-1] + 1), chosen


def _encoded(
    job: Job, info: StreamInfo, stretch: Chunk, shown: Iterable[VideoFrame], timer: Timer, name: str
) -> Segment:
    """Encode the frames that are shown in a stretch, save them, and return their segment."""
    user_data = "user_data" in job.config.output.keep
    url = storage.join(job.work, f"{name}-{stretch.first_frame:08}.mkv")
    with scratch.folder() as folder:
        path = folder / "segment.mkv"
        with path.open("wb") as file:
            encoder = Encoder(info, job.config.encode, file, user_data=user_data)
            for frame in shown:
                with timer.step("encode"):
                    encoder.add(frame)
            with timer.step("encode"):
                segment = encoder.finish()
        with timer.step("commit"):
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            storage.publish(path, url)
    return Segment(segment.frames, stretch.start, url, segment.reorder_depth, sha256)


def _name(job: Job, *shown: object) -> str:
    """Hash the software, the settings and what is shown into 16 hexadecimal digits."""
    made_by = (versions.deciding(), job.config.fingerprint)
    return hashlib.sha256(repr((made_by, shown)).encode()).hexdigest()[:16]
