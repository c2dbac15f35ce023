"""Turning what the stages of one video returned into rows of the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from redact_dask import versions
from redact_dask.manifest.schema import Row, Rows
from redact_dask.records import (
    FACE,
    ORIGINS,
    Chunk,
    Damage,
    Detected,
    Detections,
    Failure,
    Joined,
    Probed,
    Regions,
    Rendered,
    TaskTiming,
    Tracked,
    Usage,
    Video,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that is known of one video when it ends; what a stage did not return is missing."""

    video: Video
    started: float
    """Seconds since the epoch."""
    ended: float
    """Seconds since the epoch."""
    probed: Probed | None
    detected: tuple[Detected, ...]
    """What was detected, sorted by stream and chunk."""
    tracked: tuple[Tracked, ...]
    """What is hidden, sorted by stream."""
    rendered: tuple[Rendered, ...]
    """What was rendered, sorted by stream and chunk."""
    joined: Joined | None
    failure: Failure | None
    edits: tuple[str, ...] = ()
    """Ids of the edits of people that were applied."""
    usage: Usage = field(default_factory=Usage)
    """Calls to paid detectors, also those of tasks that failed."""
    dollars: float = 0.0
    """Price of the calls to paid detectors, US dollars."""

    @property
    def damage(self) -> tuple[Damage, ...]:
        """The parts of the source that are damaged or missing, and so are not shown."""
        return tuple(lost for _, lost in self.damage_by_stream)

    @property
    def damage_by_stream(self) -> Iterator[tuple[Probed, Damage]]:
        """The same, with the stream of each."""
        for stream in self.probed.streams if self.probed else ():
            for seen in self.detected:
                if seen.stream == stream.info.number:
                    yield from ((stream, lost) for lost in seen.damage)
            if stream.missing:
                yield stream, stream.missing

    @property
    def why_encoded(self) -> str:
        """Why no GOP was copied; empty: GOPs could be copied, or nothing is known."""
        if self.joined and self.joined.why_encoded:
            return self.joined.why_encoded
        infos = [stream.info for stream in self.probed.streams] if self.probed else []
        if len(infos) == 1:
            return infos[0].why_encoded
        return "; ".join(
            f"video stream {info.number}: {info.why_encoded}" for info in infos if info.why_encoded
        )

    @property
    def frames_copied(self) -> int:
        """Number of frames that were copied bit by bit."""
        is_encoded = self.joined and self.joined.why_encoded
        return 0 if is_encoded else sum(made.copied for made in self.rendered)

    @property
    def frames_taken(self) -> int:
        """Number of frames that were taken from the copy that was published before."""
        is_encoded = self.joined and self.joined.why_encoded
        return 0 if is_encoded else sum(made.taken for made in self.rendered)

    @property
    def tracks(self) -> Counter[str]:
        """Number of tracks that are hidden, by label."""
        return sum((Counter(dict(plan.tracks)) for plan in self.tracked), Counter())


def rows(outcome: Outcome, fingerprint: str) -> dict[str, Rows]:
    """Return the rows of one video for every dataset, without the name of the run.

    Parameters
    ----------
    outcome
        What is known of the video.
    fingerprint
        Fingerprint of the settings that decided its output.
    """
    video = {"video": outcome.video.id}
    few = {
        "damage": _damage(outcome),
        "chunks": _chunks(outcome),
        "videos": iter([_video(outcome, fingerprint)]),
    }
    found: dict[str, Rows] = {n: [video | row for row in rows] for n, rows in few.items()}
    if outcome.probed and outcome.detected:
        found["detections"] = pa.concat_tables(
            _detections(
                stream,
                [seen for seen in outcome.detected if seen.stream == stream.info.number],
                outcome.video,
            )
            for stream in outcome.probed.streams
        )
    if outcome.probed and outcome.joined:
        hidden = (outcome.joined.regions, *outcome.joined.beside)
        found["regions"] = pa.concat_tables(
            _regions(own, stream, outcome.video)
            for own, stream in zip(hidden, outcome.probed.streams, strict=True)
        )
    return found


def run_row(fingerprint: str, settings: str, weights: Mapping[str, str]) -> Row:
    """Return the row of a run, without its name.

    Parameters
    ----------
    fingerprint, settings
        Fingerprint of the settings that decide the output, and the JSON that it is a hash of.
    weights
        SHA-256 of each file of weights of the package, by its name.
    """
    return {
        "written": datetime.now(UTC),
        "fingerprint": fingerprint,
        "settings": settings,
        "weights": list(weights.items()),
        "versions": list(versions.installed().items()),
    }


def _detections(stream: Probed, detected: Sequence[Detected], video: Video) -> pa.Table:
    found = Detections.joined([seen.detections for seen in detected])
    pts, time_base = stream.pts, stream.info.time_base
    frames, row = np.unique(found.frame, return_inverse=True)
    times = np.array([float(pts[frame] * time_base) for frame in frames.tolist()], np.float64)
    label, detector = found.kinds.T
    columns = {
        "video": _coded(np.zeros(len(found), np.int8), [video.id]),
        "frame": found.frame,
        "pts_s": times[row],
        **_sides(found.box),
        "confidence": found.confidence.astype(np.float32),
        "label": _coded(found.kind, label.tolist()),
        "detector": _coded(found.kind, detector.tolist()),
        "stream": _of(stream, len(found)),
    }
    return pa.table(columns)


def _regions(hidden: Regions, stream: Probed, video: Video) -> pa.Table:
    label, detectors = hidden.kinds.T
    columns = {
        "video": _coded(np.zeros(len(hidden), np.int8), [video.id]),
        "frame": hidden.frame,
        "track": hidden.track,
        **_sides(hidden.box),
        "why": _coded(hidden.origin, [*ORIGINS]),
        "label": _coded(hidden.kind, label.tolist()),
        "detectors": _coded(hidden.kind, detectors.tolist()),
        "stream": _of(stream, len(hidden)),
    }
    return pa.table(columns)


def _of(stream: Probed, rows: int) -> NDArray[np.int16]:
    """Return a column with the number of a stream."""
    return np.full(rows, stream.info.number or 0, np.int16)


def _sides(boxes: NDArray[np.float64]) -> dict[str, NDArray[np.float32]]:
    return dict(zip(("x0", "y0", "x1", "y1"), boxes.T.astype(np.float32), strict=True))


def _coded(numbers: NDArray[np.integer], words: list[str]) -> pa.DictionaryArray:
    """Return a column of words, each of which takes only the place of its number."""
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(words, pa.string()))


def _damage(outcome: Outcome) -> Iterator[Row]:
    for stream, lost in outcome.damage_by_stream:
        pts, time_base = stream.pts, stream.info.time_base
        inside = range(len(pts))[lost.first_frame : lost.last_frame + 1]
        yield asdict(lost) | {
            "start_s": float(pts[inside[0]] * time_base) if inside else None,
            "end_s": float(pts[inside[-1]] * time_base) if inside else None,
            "stream": stream.info.number or 0,
        }


def _chunks(outcome: Outcome) -> Iterator[Row]:
    probed = outcome.probed
    if probed is None:
        return
    every = [chunk for stream in probed.streams for chunk in stream.chunks]
    whole = None if probed.beside else probed.info.number or 0
    yield _task("probe", every, None, whole, probed.timing)
    for seen in outcome.detected:
        parts = probed.stream(seen.stream).parts[seen.chunk : seen.chunk + 1]
        task = _task("detect", parts, seen.chunk, seen.stream or 0, seen.timing)
        yield task | asdict(seen.usage)
    for plan in outcome.tracked:
        chunks = probed.stream(plan.stream).chunks
        yield _task("track", chunks, None, plan.stream or 0, plan.timing)
    for made in outcome.rendered:
        chunks = probed.stream(made.stream).chunks[made.chunk : made.chunk + 1]
        yield _task("render", chunks, made.chunk, made.stream or 0, made.timing)
    if outcome.joined:
        yield _task("join", every, None, whole, outcome.joined.timing)


def _task(
    stage: str, chunks: Sequence[Chunk], index: int | None, stream: int | None, timing: TaskTiming
) -> Row:
    return {
        "stage": stage,
        "index": index,
        "first_frame": chunks[0].first_frame,
        "last_frame": max(chunk.last_frame for chunk in chunks),
        "frames": sum(len(chunk.pts) for chunk in chunks),
        "started": _time(timing.started),
        "ended": _time(timing.ended),
        "seconds": list(timing.steps),
        "worker": timing.worker,
        "host": timing.host,
        "stream": stream,
    }


def _video(outcome: Outcome, fingerprint: str) -> Row:
    probed = outcome.probed
    joined, failure = outcome.joined, outcome.failure
    return {
        "source": outcome.video.source,
        "path": outcome.video.path,
        "version": outcome.video.version,
        "written": None if outcome.video.modified is None else _time(outcome.video.modified),
        "output": joined.output if joined else None,
        "status": "quarantined" if failure else "published",
        "stage": failure.stage if failure else None,
        "reason": failure.reason if failure else None,
        "error": failure.kind if failure else None,
        "blame": failure.blame if failure else None,
        "frames": probed.frames if probed else None,
        "frames_analysed": sum(seen.frames for seen in outcome.detected),
        "frames_looked_at": sum(seen.looked_at for seen in outcome.detected),
        "frames_black": sum(seen.frames_damaged for seen in outcome.detected),
        "frames_copied": outcome.frames_copied,
        "why_encoded": outcome.why_encoded or None,
        "faces": outcome.tracks[FACE],
        "tracks": sorted(outcome.tracks.items()) if outcome.tracked else None,
        **asdict(outcome.usage),
        "dollars": outcome.dollars,
        "duration_s": max(s.info.seconds for s in probed.streams) if probed else None,
        "seconds": outcome.ended - outcome.started,
        "bytes_in": outcome.video.size,
        "bytes_out": joined.size if joined else None,
        "sha256": joined.sha256 if joined else None,
        "detectors": sorted({name for seen in outcome.detected for name in seen.detectors}),
        "fingerprint": fingerprint,
        "versions": list(versions.installed().items()),
        "finished": _time(outcome.ended),
        "streams": [s.info.number or 0 for s in probed.streams] if probed else None,
        "streams_dropped": list(probed.dropped) if probed else None,
        "source_sha256": joined.source_sha256 if joined else None,
        "edits": list(outcome.edits),
        "frames_taken": outcome.frames_taken,
        "replaces": joined.replaces if joined else None,
    }


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
