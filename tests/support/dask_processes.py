"""A scheduler and workers as the dask program starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from redact_dask.cluster.worker_plugins import THREADS


@contextmanager
def running(*options: str) -> Iterator[str]:
    """Run ``dask scheduler`` without workers; give its address."""
    command = [sys.executable, "-m", "dask", "scheduler", "--no-dashboard", "--no-show"]
    scheduler = subprocess.Popen(
        [*command, "--host=127.0.0.1", "--port=0", *options], stderr=subprocess.PIPE, text=True
    )
    try:
        assert scheduler.stderr
        line = next(line for line in scheduler.stderr if "Scheduler at:" in line)
        yield line.split()[-1]
    finally:
        scheduler.terminate()
        scheduler.communicate()


@contextmanager
def worker_of(scheduler: str, *options: str) -> Iterator[None]:
    """Run ``dask worker`` beside a scheduler; libraries may have as many threads as they like."""
    command = [sys.executable, "-m", "dask", "worker", scheduler, "--nthreads=1", "--no-dashboard"]
    environment = {name: value for name, value in os.environ.items() if name not in THREADS}
    worker = subprocess.Popen(
        [*command, "--host=127.0.0.1", *options], stderr=subprocess.DEVNULL, env=environment
    )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()
