"""Rendering a chunk: each GOP is copied, encoded with its regions hidden, or made black.

What the published copy shows already, just so, is taken from it instead of being encoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum, auto
from itertools import accumulate, groupby, repeat
from pathlib import Path

from av.video.frame import VideoFrame

from redact_dask import storage, versions
from redact_dask.errors import DamagedVideo, VideoError
from redact_dask.media import digests
from redact_dask.media import pieces as published_pieces
from redact_dask.media.decode import frames
from redact_dask.media.encode import Encoder
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.timing import Timer
from redact_dask.records import (
    Chunk,
    Damage,
    Footage,
    Piece,
    Regions,
    Segment,
    StreamInfo,
    Tracked,
)
from redact_dask.redaction import hide
from redact_dask.storage import scratch

_PIECE = 120
"""Frames of the video from one place where a piece may begin to the next.

An IDR picture takes more bytes than others, but a long piece is encoded again for a small change
(benchmarks/README.md).
"""


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
    tracked
        What is hidden in the whole stream, besides its regions.
    """

    def __init__(
        self, job: Job, info: StreamInfo, chunk: Chunk, regions: Regions, tracked: Tracked
    ) -> None:
        self._job = job
        self._info = info
        self._chunk = chunk
        self._regions = regions
        self._tracked = tracked
        is_covered = job.covered(info) is not None
        self._hidden: Container[int] = chunk.frames if is_covered else {*regions.frame.tolist()}
        self._black = _damaged(tracked.damage).intersection(chunk.frames)
        pieces = tracked.published.pieces if tracked.published else ()
        self._published = {published.piece: published for published in pieces}

    @property
    def name(self) -> str:
        """Hash of all that decides what is encoded: 16 hexadecimal digits of a SHA-256."""
        hidden = (self._regions.digest, sorted(self._black), self._tracked.has_copies)
        return _name(self._job, self._info, self._chunk, hidden)

    def segments(self, timer: Timer) -> Iterator[Segment]:
        """Save the frames that are not copied, and yield all segments of the chunk.

        Pieces that the published copy holds are taken from there. If it turns out to be another
        one, they are encoded as if there were none.

        Raises
        ------
        VideoError
            The chunk does not decode exactly, or cannot be encoded.
        """
        name = self.name
        for stretch, treatment in _stretches(self._chunk, self._hidden, self._black):
            if treatment is _Treatment.COPIED:
                yield Segment(len(stretch.pts), stretch.start, None, self._info.reorder_depth)
            elif treatment is _Treatment.BLACK:
                shown = repeat(hide.black(self._info), len(stretch.pts))
                yield _encoded(self._job, self._info, stretch, shown, timer, name)
            else:
                yield from self._redacted(stretch, name, timer)

    def _redacted(self, stretch: Chunk, name: str, timer: Timer) -> Iterator[Segment]:
        """Take or encode a stretch that is redacted; yield its segments."""
        named = [(part, self._piece(part)) for part in _pieces(stretch)]
        for is_there, group in groupby(named, key=lambda part: part[1] in self._published):
            parts = list(group)
            pieces = tuple(piece for _, piece in parts)
            first = parts[0][0]
            pts = tuple(ticks for part, _ in parts for ticks in part.pts)
            own = replace(first, pts=pts)
            taken = self._taken(own, pieces, name, timer) if is_there else None
            yield taken or self._encoded(own, pieces, name, timer)

    def _piece(self, part: Chunk) -> Piece:
        """Return the piece that some GOPs become, named by all that decides what it shows."""
        regions = self._regions.within(part.frames)
        hidden = [(r.frame, r.label, r.x0, r.y0, r.x1, r.y1) for r in regions]
        settings = self._job.config.deciding_pictures(sorted({label for _, label, *_ in hidden}))
        shown = (part.first_frame, part.pts, hidden, self._tracked.has_copies)
        decides = (versions.deciding(), settings, self._info, shown)
        return Piece(len(part.pts), hashlib.sha256(repr(decides).encode()).hexdigest())

    def _taken(
        self, part: Chunk, pieces: tuple[Piece, ...], name: str, timer: Timer
    ) -> Segment | None:
        """Take pieces from the published copy; None: it is not the copy that was recorded."""
        copy, wanted = self._tracked.published, [self._published[piece] for piece in pieces]
        if copy is None:
            return None
        with scratch.folder() as folder:
            path = folder / "segment.mkv"
            try:
                with timer.step("take"), path.open("wb") as file:
                    published_pieces.take(copy, wanted, file)
            except VideoError:
                return None
            depth = max(published.reorder_depth for published in wanted)
            segment = Segment(len(part.pts), part.start, "", depth, pieces=pieces, is_taken=True)
            return _saved(self._job, segment, path, f"{name}-{part.first_frame:08}-taken", timer)

    def _encoded(self, part: Chunk, pieces: tuple[Piece, ...], name: str, timer: Timer) -> Segment:
        """Decode frames, hide their regions, and encode them."""
        shown = _shown(self._job, self._info, part, self._regions, self._tracked.pictures, timer)
        return _encoded(self._job, self._info, part, shown, timer, name, pieces)


def has_copies(chunks: Iterable[Chunk], regions: Regions, damage: Sequence[Damage]) -> bool:
    """Tell whether a GOP of a stream will be copied.

    Parameters
    ----------
    chunks
        All chunks of the stream.
    regions, damage
        What is hidden in it, and its damage.
    """
    hidden, black = frozenset(regions.frame.tolist()), _damaged(damage)
    treatments = (chosen for chunk in chunks for _, chosen in _stretches(chunk, hidden, black))
    return _Treatment.COPIED in treatments


def all_encoded(job: Job, footage: Footage, hidden: Regions, timer: Timer) -> Footage:
    """Encode the segments of a stream that are copied or taken, too; ``hidden`` are its regions."""
    segments, first, info = [], 0, footage.info
    for segment in footage.segments:
        if segment.url is None or segment.is_taken:
            pts = tuple(footage.pts[first : first + segment.frames])
            stretch = Chunk(0, segment.start, first, pts, ())
            regions = hidden.within(stretch.frames)
            shown = _shown(job, info, stretch, regions, footage.pictures, timer)
            name = _name(job, info, stretch, regions.digest)
            segments.append(_encoded(job, info, stretch, shown, timer, name))
        else:
            segments.append(segment)
        first += segment.frames
    return replace(footage, segments=tuple(segments), decoded=b"")


def _shown(
    job: Job, info: StreamInfo, stretch: Chunk, regions: Regions, pictures: bytes, timer: Timer
) -> Iterator[VideoFrame]:
    """Decode frames, hide their regions and what is always covered, and yield them."""
    covered = job.covered(info)
    decoded = timer.each("decode", _analysed(job, info, stretch, pictures))
    for number, frame in enumerate(decoded, stretch.first_frame):
        if own := [*regions.within(range(number, number + 1))]:
            with timer.step("redact"):
                hide.hide(frame, own, job.config.redact_of)
        if covered:
            with timer.step("redact"):
                hide.cover(frame, covered)
        yield frame


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


def _pieces(stretch: Chunk) -> Iterator[Chunk]:
    """Divide a stretch into pieces: where one begins does not depend on what is hidden."""
    begins = accumulate((gop.frames for gop in stretch.gops[:-1]), initial=stretch.first_frame)
    places = [begin // _PIECE for begin in begins]
    for _, group in groupby(range(len(places)), key=places.__getitem__):
        numbers = list(group)
        yield stretch.slice(numbers[0], numbers[-1] + 1)


def _damaged(damage: Iterable[Damage]) -> set[int]:
    return {frame for lost in damage for frame in lost.frames}


def _encoded(
    job: Job,
    info: StreamInfo,
    stretch: Chunk,
    shown: Iterable[VideoFrame],
    timer: Timer,
    name: str,
    pieces: tuple[Piece, ...] = (),
) -> Segment:
    """Encode the frames that are shown in a stretch, save them, and return their segment."""
    user_data = "user_data" in job.config.output.keep
    begins = {*accumulate((piece.frames for piece in pieces), initial=0)}
    with scratch.folder() as folder:
        path = folder / "segment.mkv"
        with path.open("wb") as file:
            encoder = Encoder(info, job.config.encode, file, user_data=user_data)
            for number, frame in enumerate(shown):
                with timer.step("encode"):
                    encoder.add(frame, begins_piece=number in begins)
            with timer.step("encode"):
                made = encoder.finish()
        segment = Segment(made.frames, stretch.start, "", made.reorder_depth, pieces=pieces)
        return _saved(job, segment, path, f"{name}-{stretch.first_frame:08}", timer)


def _saved(job: Job, segment: Segment, path: Path, name: str, timer: Timer) -> Segment:
    """Save the file of a segment in the work area; return the segment with its URL and hash."""
    # The same frames may be divided otherwise, if the published copy has changed meanwhile.
    url = storage.join(job.work, f"{name}-{segment.frames:05}.mkv")
    with timer.step("commit"):
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        storage.publish(path, url)
    return replace(segment, url=url, sha256=sha256)


def _name(job: Job, *shown: object) -> str:
    """Hash the software, the settings and what is shown into 16 hexadecimal digits."""
    made_by = (versions.deciding(), job.config.fingerprint)
    return hashlib.sha256(repr((made_by, shown)).encode()).hexdigest()[:16]
