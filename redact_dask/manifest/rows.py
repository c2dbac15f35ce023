"""Turning what the stages of one video returned into rows of the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from redact_dask import versions
from redact_dask.manifest.schema import Row, Rows
from redact_dask.records import (
    ORIGINS,
    Chunk,
    Damage,
    Detected,
    Detections,
    Failure,
    Joined,
    Probed,
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
    """What was detected, sorted by chunk."""
    tracked: Tracked | None
    rendered: tuple[Rendered, ...]
    """What was rendered, sorted by chunk."""
    joined: Joined | None
    failure: Failure | None
    usage: Usage = field(default_factory=Usage)
    """Calls to paid detectors, also those of tasks that failed."""
    dollars: float = 0.0
    """Price of the calls to paid detectors, US dollars."""

    @property
    def damage(self) -> tuple[Damage, ...]:
        """The parts of the source that are damaged or missing, and so are not shown."""
        black = [lost for seen in self.detected for lost in seen.damage]
        missing = self.probed.missing if self.probed else None
        return (*black, missing) if missing else tuple(black)

    @property
    def why_encoded(self) -> str:
        """Why no GOP was copied; empty: GOPs could be copied, or nothing is known."""
        if self.joined and self.joined.why_encoded:
            return self.joined.why_encoded
        return self.probed.info.why_encoded if self.probed else ""

    @property
    def frames_copied(self) -> int:
        """Number of frames that were copied bit by bit."""
        return 0 if self.why_encoded else sum(made.copied for made in self.rendered)

    @property
    def faces(self) -> int:
        """Number of tracks that are hidden."""
        return self.tracked.faces if self.tracked else 0


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
        found["detections"] = _detections(outcome.probed, outcome.detected, outcome.video)
    if outcome.joined:
        found["regions"] = _regions(outcome.joined, outcome.video)
    return found


def _detections(probed: Probed, detected: tuple[Detected, ...], video: Video) -> pa.Table:
    found = Detections.joined([seen.detections for seen in detected])
    pts, time_base = probed.pts, probed.info.time_base
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
    }
    return pa.table(columns)


def _regions(joined: Joined, video: Video) -> pa.Table:
    hidden = joined.regions
    columns = {
        "video": _coded(np.zeros(len(hidden), np.int8), [video.id]),
        "frame": hidden.frame,
        "track": hidden.track,
        **_sides(hidden.box),
        "why": _coded(hidden.origin, [*ORIGINS]),
    }
    return pa.table(columns)


def _sides(boxes: NDArray[np.float64]) -> dict[str, NDArray[np.float32]]:
    return dict(zip(("x0", "y0", "x1", "y1"), boxes.T.astype(np.float32), strict=True))


def _coded(numbers: NDArray[np.integer], words: list[str]) -> pa.DictionaryArray:
    """Return a column of words, each of which takes only the place of its number."""
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(words, pa.string()))


def _damage(outcome: Outcome) -> Iterator[Row]:
    if outcome.probed is None:
        return
    pts, time_base = outcome.probed.pts, outcome.probed.info.time_base
    for lost in outcome.damage:
        inside = range(len(pts))[lost.first_frame : lost.last_frame + 1]
        yield asdict(lost) | {
            "start_s": float(pts[inside[0]] * time_base) if inside else None,
            "end_s": float(pts[inside[-1]] * time_base) if inside else None,
        }


def _chunks(outcome: Outcome) -> Iterator[Row]:
    if outcome.probed is None:
        return
    chunks = outcome.probed.chunks
    yield _task("probe", chunks, None, outcome.probed.timing)
    for seen in outcome.detected:
        task = _task("detect", chunks[seen.chunk : seen.chunk + 1], seen.chunk, seen.timing)
        yield task | asdict(seen.usage)
    if outcome.tracked:
        yield _task("track", chunks, None, outcome.tracked.timing)
    for made in outcome.rendered:
        yield _task("render", chunks[made.chunk : made.chunk + 1], made.chunk, made.timing)
    if outcome.joined:
        yield _task("join", chunks, None, outcome.joined.timing)


def _task(stage: str, chunks: tuple[Chunk, ...], index: int | None, timing: TaskTiming) -> Row:
    return {
        "stage": stage,
        "index": index,
        "first_frame": chunks[0].first_frame,
        "last_frame": chunks[-1].last_frame,
        "frames": sum(len(chunk.pts) for chunk in chunks),
        "started": _time(timing.started),
        "ended": _time(timing.ended),
        "seconds": list(timing.steps),
        "worker": timing.worker,
        "host": timing.host,
    }


def _video(outcome: Outcome, fingerprint: str) -> Row:
    info = outcome.probed.info if outcome.probed else None
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
        "frames": info.frames if info else None,
        "frames_analysed": sum(seen.frames for seen in outcome.detected),
        "frames_looked_at": sum(seen.looked_at for seen in outcome.detected),
        "frames_black": sum(seen.frames_damaged for seen in outcome.detected),
        "frames_copied": outcome.frames_copied,
        "why_encoded": outcome.why_encoded or None,
        "faces": outcome.faces,
        **asdict(outcome.usage),
        "dollars": outcome.dollars,
        "duration_s": info.seconds if info else None,
        "seconds": outcome.ended - outcome.started,
        "bytes_in": outcome.video.size,
        "bytes_out": joined.size if joined else None,
        "sha256": joined.sha256 if joined else None,
        "detectors": sorted({name for seen in outcome.detected for name in seen.detectors}),
        "fingerprint": fingerprint,
        "versions": list(versions.installed().items()),
        "finished": _time(outcome.ended),
    }


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
