"""Plugins that make each worker ready when it starts, also workers that come later."""

from __future__ import annotations

import ctypes
import os
import signal
import threading

import cv2
from distributed import Worker, WorkerPlugin
from threadpoolctl import threadpool_limits

from redact_dask.storage import scratch

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Environment variables by which libraries, when they are loaded, limit their threads."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3), as glibc's malloc.h numbers them."""
_KEPT = 128 << 20
"""Most freed memory that is kept on top of each heap, bytes: some pictures of 4K."""
_LARGEST_KEPT = 32 << 20
"""Largest piece of memory that is kept, bytes; glibc allows no larger one."""


class OneThreadATask(WorkerPlugin):
    """Keeps libraries from starting threads of their own: each task is one thread among many.

    Loaded libraries are told directly. Libraries that are loaded later, here or in a child process,
    read the environment. PyAV, OpenVINO and the ffmpeg program are given the number of threads at
    each use, which is 1.
    """

    name = "redact-dask-one-thread-a-task"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Limit the threads of all libraries to one, whenever the worker starts."""
        os.environ.update(dict.fromkeys(THREADS, "1"))
        threadpool_limits(1)
        cv2.setNumThreads(1)


class KeepsNoProfile(WorkerPlugin):
    """Stops Dask's profiler of tasks, which leaves 50 MB in a worker for a video of 20 minutes.

    The manifest records where the time goes, by stage and step.
    """

    name = "redact-dask-keeps-no-profile"

    def setup(self, worker: Worker) -> None:
        """Stop the profiler, whenever the worker starts."""
        for sampling in ("profile", "profile-cycle"):
            callback = worker.periodic_callbacks.pop(sampling, None)
            if callback:
                callback.stop()


class KeepsFreedMemory(WorkerPlugin):
    """Keeps the memory of pictures that are freed for the next ones.

    Dask's nanny tells glibc to give it back at once. Then the kernel clears the pages of each new
    picture, which doubled the time of measuring the camera's motion (benchmarks/README.md). Other C
    libraries are left as they are.
    """

    name = "redact-dask-keeps-freed-memory"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Tell glibc, and the programs that the worker starts, whenever the worker starts."""
        os.environ.pop("MALLOC_TRIM_THRESHOLD_", None)
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt:
            mallopt(_M_TRIM_THRESHOLD, _KEPT)
            mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)


class SweepsScratch(WorkerPlugin):
    """Removes the scratch folders that killed processes have left on the worker's machine."""

    name = "redact-dask-sweeps-scratch"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Sweep the scratch folders, whenever the worker starts."""
        scratch.sweep()


class FinishesInterrupted(WorkerPlugin):
    """Keeps workers on this machine alive when a terminal interrupts them with their driver."""

    name = "redact-dask-finishes-interrupted"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Ignore SIGINT, whenever the worker starts; Python allows this in a main thread only."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
