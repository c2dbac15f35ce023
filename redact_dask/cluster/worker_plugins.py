"""What each worker of a cluster is made to do when it starts, those that come later too."""

from __future__ import annotations

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
"""Variables that libraries read when they are loaded."""


class OneThreadATask(WorkerPlugin):
    """Keeps libraries from starting threads of their own: a task is one thread, tasks are many.

    Those that are loaded are told; those that are loaded later, here or in a child process, read
    the environment. PyAV, OpenVINO and the ffmpeg program take a number at each use, which is 1.
    """

    name = "redact-dask-one-thread-a-task"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts, and when it starts again."""
        os.environ.update(dict.fromkeys(THREADS, "1"))
        threadpool_limits(1)
        cv2.setNumThreads(1)


class KeepsNoProfile(WorkerPlugin):
    """Ends Dask's sampling of what tasks do: a video of 20 minutes leaves 50 MB of it in a worker.

    Where the time goes is in the manifest, by stage and step.
    """

    name = "redact-dask-keeps-no-profile"

    def setup(self, worker: Worker) -> None:
        """Run on each worker when it starts, and when it starts again."""
        for sampling in ("profile", "profile-cycle"):
            callback = worker.periodic_callbacks.pop(sampling, None)
            if callback:
                callback.stop()


class SweepsScratch(WorkerPlugin):
    """Removes what processes that were killed have left on the worker's machine."""

    name = "redact-dask-sweeps-scratch"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts, and when it starts again."""
        scratch.sweep()


class FinishesInterrupted(WorkerPlugin):
    """Lets workers on this machine live on when a terminal interrupts them with their driver."""

    name = "redact-dask-finishes-interrupted"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts, and when it starts again."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
