"""Checks, on a worker itself, whether it is ready for the stages of a run."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from distributed import get_worker
from threadpoolctl import threadpool_info

from redact_dask import detectors, storage, versions
from redact_dask.cluster.worker_plugins import THREADS
from redact_dask.config import DetectSettings, S3Settings
from redact_dask.detectors.base import PaidDetector
from redact_dask.errors import RedactError
from redact_dask.storage import scratch

_PICTURE = (640, 360)
"""Width and height of the picture on which each detector is tried, pixels."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What a worker is asked to check."""

    detect: DetectSettings
    """Settings of the detectors to try."""
    source: str | None
    """URL of a video to read from; None: reading is not checked."""
    marks: Mapping[str, str]
    """URL of a file that the driver has written, for each folder that all workers must write to."""
    s3: S3Settings = field(default_factory=S3Settings)
    """How the source and these folders are reached."""


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker has found."""

    software: dict[str, str]
    """Versions of Python and of packages, by name."""
    clock: float
    """Time on the worker's clock, seconds since the epoch."""
    threads: int
    """Most threads that a library would start for a task."""
    has_nanny: bool
    memory: int | None
    """Memory limit of the process, bytes; None: there is none."""
    scratch_free: int
    """Free space on the disk for scratch folders, bytes."""
    scratch: str = ""
    """What is wrong with scratch folders, as the rest of a sentence that begins with the worker;
    empty: nothing. The next three fields tell the same of their own checks."""
    reading: str = ""
    writing: str = ""
    detecting: str = ""


def examine(request: CheckRequest) -> WorkerReport:
    """Check the worker on which this runs, as a task like the stages."""
    worker = get_worker()
    for place in request.marks or (None,):
        request.s3.use(request.source, place, None)
    root = os.environ.get("TMPDIR", "/tmp")  # noqa: S108 (it is asked about, not written to)
    return WorkerReport(
        software=versions.installed(),
        clock=time.time(),
        threads=_threads(),
        has_nanny=worker.nanny is not None,
        memory=worker.memory_manager.memory_limit,
        scratch_free=shutil.disk_usage(root).free,
        scratch=_trouble(_scratch),
        reading=_trouble(_read, request.source),
        writing=_trouble(_write, request.marks),
        detecting=_trouble(_detect, request.detect),
    )


def mark(folder: str) -> tuple[str, bytes]:
    """Write a file of random bytes to a folder, and return its URL and its content."""
    url, content = storage.join(folder, f".redact_dask-{uuid.uuid4().hex}"), os.urandom(16)
    storage.write(url, content)
    return url, content


def _trouble(check: Callable[..., object], *arguments: object) -> str:
    """Return what goes wrong in a check; empty: nothing."""
    try:
        check(*arguments)
    except RedactError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (whatever a store or a network may raise)
        return f"fails: {type(error).__name__}: {error}"
    return ""


def _threads() -> int:
    # A library takes one thread a core if its variable is not set.
    configured = [int(os.environ.get(name, "0") or 0) or os.cpu_count() or 1 for name in THREADS]
    pools = [pool["num_threads"] for pool in threadpool_info()]
    return int(max(*configured, *pools, cv2.getNumThreads()))


def _scratch() -> None:
    with scratch.folder() as folder:
        (folder / "file").write_bytes(b"1")


def _read(url: str | None) -> None:
    if url:
        with storage.open_read(url) as file:
            file.read(65_536)


def _write(marks: Mapping[str, str]) -> None:
    for folder, driver_file in marks.items():
        if not storage.exists(driver_file):
            raise RedactError(
                f"does not see what the driver writes to {folder}: all must reach the same storage"
            )
        url, content = mark(folder)
        try:
            if storage.read(url) != content:
                raise RedactError(f"reads something else than it writes to {folder}")
        finally:
            storage.remove(url)


def _detect(settings: DetectSettings) -> None:
    for name in settings.detectors:
        detector = detectors.create(name, settings.options.get(name, {}))
        if not isinstance(detector, PaidDetector):  # Each call of a paid one costs.
            width, height = detector.input_size(*_PICTURE)
            list(detector.detect(np.full((1, height, width, 3), 128, np.uint8)))
