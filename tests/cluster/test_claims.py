"""A chunk that is paid for, and two tasks that look at it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, Future
from fixture_types import StartStandin
from harness import Hold
from holding import Holds
from local_cluster import workers
from standin import Standin
from waiting import until

from redact_dask import config
from redact_dask.cluster import claims, quota
from redact_dask.cluster.tasks import VideoGraph
from redact_dask.pipeline.job import Job
from redact_dask.sources.listing import list_videos

LOOKS = 31
"""Every third frame, and the last."""


@pytest.fixture
def service(standin: StartStandin) -> Standin:
    return standin("--latency", 0.01)


@pytest.fixture
def paying(service: Standin) -> Iterator[Client]:
    """A client of two workers that know the service."""
    with workers(2) as client:
        quota.share(client)
        claims.share(client)
        yield client


@pytest.fixture
def job(clip: Path, tmp_path: Path) -> Job:
    """The job of a video of one chunk."""
    destination = str(tmp_path / "out")
    (video,) = list_videos(str(clip), destination)
    detect = {"detectors": ["rekognition"], "every": 3, "options": {"rekognition": {"tps": 500}}}
    settings = {"detect": detect, "chunk": {"seconds": 60}}
    return Job.of(video, destination, config.validate(settings))


def begin(client: Client, run: str, job: Job, *workers: str) -> list[Future[Any]]:
    """Begin all stages of a video on some workers; the task that detects comes first."""
    graph = VideoGraph(client, run, job, 0, workers)
    return [*graph.rest(graph.probe().result())]


def refusals(client: Client) -> list[dict[str, str]]:
    """Return a list that will hold the claims that the client's scheduler refuses."""
    refused = []
    handlers = client.cluster.scheduler.handlers
    claim = handlers["redact_dask_claim"]

    async def noted(**request: str) -> bool:
        is_granted: bool = await claim(**request)
        if not is_granted:
            refused.append(request)
        return is_granted

    handlers["redact_dask_claim"] = noted
    return refused


def test_what_a_task_that_was_given_up_pays_for_is_waited_for(
    paying: Client, service: Standin, job: Job, tmp_path: Path
) -> None:
    paying.register_plugin(Holds("detect", str(tmp_path)))
    hold, refused = Hold(tmp_path), refusals(paying)
    first = begin(paying, "first", job)
    held = hold.process()
    assert service.stats()["calls"] == LOOKS  # All is bought, and nothing of it saved.
    paying.cancel(first, force=True)
    (other,) = (worker for worker, pid in paying.run(os.getpid).items() if pid != held)
    again = begin(paying, "again", job, other)
    until(lambda: refused or service.stats()["calls"] > LOOKS, "the second task")
    assert service.stats()["calls"] == LOOKS
    hold.release()
    assert again[0].result().looked_at == LOOKS
    assert service.stats()["calls"] == LOOKS


def test_a_worker_that_dies_keeps_no_chunk(paying: Client, job: Job, tmp_path: Path) -> None:
    paying.register_plugin(Holds("detect", str(tmp_path)))
    hold = Hold(tmp_path)
    detected, *_ = begin(paying, "run", job)
    os.kill(hold.process(), signal.SIGKILL)
    assert detected.result(timeout=240).looked_at == LOOKS
