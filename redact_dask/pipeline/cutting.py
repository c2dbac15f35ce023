"""How a video is cut into chunks, and where the detections of each chunk are saved.

Both must be found again by a run that resumes.
"""

from __future__ import annotations

import hashlib

from redact_dask import storage, versions
from redact_dask.config.settings import LONGEST_CHUNK_S
from redact_dask.pipeline import checkpoints, detection
from redact_dask.pipeline.job import Job
from redact_dask.records import Chunk, StreamInfo


def chunk_seconds(job: Job, info: StreamInfo, *, begun: bool, occupied: bool) -> float:
    """Return the shortest length of a chunk, seconds.

    A video that an earlier run has begun is cut as it was then: its checkpoints are of its chunks.
    """
    configured = job.config.chunk.seconds
    if configured is not None:
        return configured
    url = storage.join(_detections_folder(job), f"{job.config.detection_fingerprint}-cut.json")
    if begun:
        return checkpoints.load_cut(url) or LONGEST_CHUNK_S
    seconds = info.seconds / job.least_chunks
    if job.least_chunks == 1 or seconds >= LONGEST_CHUNK_S:
        return LONGEST_CHUNK_S
    if not occupied:  # What is saved makes the video one that is begun.
        checkpoints.save_cut(url, seconds)
    return seconds


def is_detected(job: Job, info: StreamInfo, chunk: Chunk) -> bool:
    """Tell whether a checkpoint of what the detectors find in a chunk exists."""
    return storage.exists(detections_url(job, info, chunk))


def detections_url(job: Job, info: StreamInfo, chunk: Chunk) -> str:
    """Return the URL of a chunk's checkpoint; later runs find it too if it was paid for.

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
    return job.paid if job.config.detect.is_paid else job.work
