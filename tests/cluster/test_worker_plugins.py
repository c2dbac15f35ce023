"""What a worker is prepared with: one thread for each task, memory for pictures, no profile."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from dask_processes import running, worker_of
from distributed import Client, Worker
from threadpoolctl import threadpool_info

from redact_dask.cluster import connect


def libraries_threads() -> tuple[int, set[int], str]:
    """Return the threads that OpenCV, BLAS and OpenMP, and a child's libraries may have."""
    child = [sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"]
    told = subprocess.run(child, capture_output=True, text=True, check=True).stdout.strip()
    return cv2.getNumThreads(), {pool["num_threads"] for pool in threadpool_info()}, told


@pytest.mark.skipif(os.cpu_count() == 1, reason="libraries have one thread anyway on one core")
def test_a_task_is_one_thread_for_every_library() -> None:
    """Without a nanny, nobody else caps them."""
    with running() as address, worker_of(address, "--no-nanny"), Client(address) as client:
        client.wait_for_workers(1, timeout=30)
        (before,) = client.run(lambda: (cv2.getNumThreads(), len(threadpool_info()))).values()
        assert before[0] > 1
        assert before[1] > 0
        connect.prepare(client, 5)
        assert [*client.run(libraries_threads).values()] == [(1, {1}, "1")]


def new_pages(megabytes: int = 200) -> int:
    """Return how many pages the kernel makes for arrays of a megabyte, each freed at once."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(megabytes):
        np.ones(1 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_the_next_picture_gets_the_memory_of_the_last_one() -> None:
    """Of one that nobody knows yet, Dask's nanny lets nothing be kept."""
    with running() as address, worker_of(address), Client(address) as client:
        client.wait_for_workers(1, timeout=30)
        (before,) = client.run(new_pages).values()
        assert before > 40_000
        connect.prepare(client, 5)
        (after,) = client.run(new_pages).values()
        assert after < 4_000


def test_a_worker_keeps_no_profile_of_its_tasks(client: Client) -> None:
    def kept(dask_worker: Worker) -> int:
        return len(dask_worker.profile_history)

    connect.prepare(client, 60)
    before = client.run(kept)
    client.gather([client.submit(time.sleep, 2.5 + number, pure=False) for number in range(2)])
    assert client.run(kept) == before
