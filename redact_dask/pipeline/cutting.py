"""How a video is cut into chunks, and where the detections of each chunk are saved.

Both must be found again by a run that resumes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil

from redact_dask import storage, versions
from redact_dask.config.settings import LONGEST_CHUNK_S
from redact_dask.media.index import Index
from redact_dask.pipeline import checkpoints, detection
from redact_dask.pipeline.job import Job
from redact_dask.records import Chunk, StreamInfo
from redact_dask.redaction import zones

_LONGER = 0.2
"""Share of a chunk's shortest length by which one GOP may be longer, and is not divided."""


def chunk_seconds(job: Job, info: StreamInfo, *, occupied: bool) -> float:
    """Return the shortest length of a chunk, seconds.

    A video that detectors have looked at before is cut as it was then: its checkpoints are of its
    chunks.
    """
    configured = job.config.chunk.seconds
    if configured is not None:
        return configured
    folder = _detections_folder(job)
    url = storage.join(folder, f"{job.config.detection_fingerprint}-cut.json")
    if storage.exists(folder):
        return checkpoints.load_cut(url) or LONGEST_CHUNK_S
    seconds = info.seconds / job.least_chunks
    if job.least_chunks == 1 or seconds >= LONGEST_CHUNK_S:
        return LONGEST_CHUNK_S
    if not occupied:  # What is saved makes the video one that is begun.
        checkpoints.save_cut(url, seconds)
    return seconds


def with_zones(job: Job, stream: Index) -> Index:
    """Return a stream whose GOPs are all encoded if a part of its pictures is always hidden."""
    if not zones.hides(job.config.zones, job.video.path, stream.info.number):
        return stream
    why = "; ".join(filter(None, (stream.info.why_encoded, zones.WHY_ENCODED)))
    return replace(stream, info=replace(stream.info, why_encoded=why))


def parts(job: Job, info: StreamInfo, chunks: Sequence[Chunk], seconds: float) -> tuple[Chunk, ...]:
    """Return what the tasks of detection take, so that all threads have work also on a long GOP.

    A chunk whose one GOP is longer than a chunk has to be is divided. To look at a part, the frames
    of its GOP before it are decoded too. A part begins with a frame that is looked at however the
    video is cut: so its frames are chosen as if nothing were divided.

    Parameters
    ----------
    job
        Job of the video.
    info
        What the video's stream is.
    chunks
        All chunks of the video.
    seconds
        Shortest length of a chunk, seconds, as `chunk_seconds` returned it.
    """
    # A length that is configured holds, and a damaged GOP is salvaged as a whole. Both attempts at
    # a video must be cut alike: so the second one finds what the first one has paid for.
    salvages = job.config.on_damage == "salvage"
    if job.config.chunk.seconds or seconds >= LONGEST_CHUNK_S or salvages:
        return tuple(chunks)
    every = detection.stride(info, job.config.detect)
    divided = [part for chunk in chunks for part in _divided(chunk, info, seconds, every)]
    return tuple(replace(part, index=index) for index, part in enumerate(divided))


def _divided(chunk: Chunk, info: StreamInfo, seconds: float, every: int) -> Iterator[Chunk]:
    """Yield parts of a chunk that begin with multiples of ``every``; the chunk if it is short."""
    frames = len(chunk.pts)
    number = ceil(frames / float(info.rate) / seconds - _LONGER) if len(chunk.gops) == 1 else 1
    wanted = (chunk.first_frame + frames * part // max(number, 1) for part in range(1, number))
    begins = sorted({-(-frame // every) * every for frame in wanted} & {*chunk.frames[1:]})
    for begin, end in pairwise([chunk.first_frame, *begins, chunk.last_frame + 1]):
        inside = slice(begin - chunk.first_frame, end - chunk.first_frame)
        after = [*chunk.pts[inside.stop : inside.stop + 1], chunk.next_pts][0]
        gops = () if inside.start else chunk.gops
        yield replace(chunk, first_frame=begin, pts=chunk.pts[inside], gops=gops, next_pts=after)


def is_detected(job: Job, info: StreamInfo, chunk: Chunk) -> bool:
    """Tell whether a checkpoint of what the detectors find in a chunk exists."""
    return storage.exists(detections_url(job, info, chunk))


def detections_url(job: Job, info: StreamInfo, chunk: Chunk) -> str:
    """Return the URL of a chunk's checkpoint; later runs find it too if it is kept or was paid for.

    What other software detected is not found. But what a service saw on the same frames is still
    true after an update, and is not paid for again.
    """
    depends_on = versions.deciding()
    if job.config.detect.is_paid:
        every = detection.stride(info, job.config.detect)
        depends_on = repr(sorted(detection.frames_to_look_at(info, chunk, every)))
    if info.number:  # The first stream is named as the only one of a file always was.
        depends_on += f" stream {info.number}"
    key = hashlib.sha256(f"{job.config.detection_fingerprint} {depends_on}".encode()).hexdigest()
    return storage.join(_detections_folder(job), f"{key[:16]}-{chunk.index:05}.json")


def _detections_folder(job: Job) -> str:
    if job.config.detect.is_paid:
        return job.paid
    # The folder tells whether these detectors, and not others before, have begun the video.
    return storage.join(job.kept, job.config.detection_fingerprint) if job.kept else job.work
