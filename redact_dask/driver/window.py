"""The videos in flight: as many as the cluster has room for."""

from __future__ import annotations

import time
from dataclasses import replace
from math import ceil
from typing import Any

from dask.typing import Key
from distributed import Client, Future

from redact_dask.cluster import connect
from redact_dask.cluster.tasks import VideoGraph, stage_and_video
from redact_dask.config import Config
from redact_dask.driver.video_run import VideoRun
from redact_dask.pipeline.job import Job
from redact_dask.records import Video
from redact_dask.records.edits import Edit
from redact_dask.storage import layout

_COUNT_S = 1.0
"""Seconds between two counts of the cluster's threads: each count asks the scheduler."""


class Window:
    """Launches videos, and holds them while they are in flight.

    Parameters
    ----------
    client
        Client of a cluster that is ready for the stages.
    run
        Name of the run.
    destination
        URL of the destination's root.
    config
        All settings of the run.
    """

    def __init__(self, client: Client, run: str, destination: str, config: Config) -> None:
        self._client = client
        self._run = run
        self._destination = destination
        self._config = config
        self._in_flight: dict[str, VideoRun] = {}
        self._launched = self._relaunched = 0
        self._counted, self._threads = float("-inf"), 1

    def __contains__(self, video: Video) -> bool:
        return video.id in self._in_flight

    @property
    def is_empty(self) -> bool:
        """Whether no video is in flight."""
        return not self._in_flight

    def room(self) -> int:
        """Return how many more videos may be launched.

        Unless the number is configured, it rises as workers come, and falls as they go.
        """
        most = self._config.driver.window or 2 * self._cluster_threads() + 2
        return most - len(self._in_flight)

    def launch(self, video: Video, edits: tuple[Edit, ...], waiting: int) -> Future[Any]:
        """Submit the first stage of a video; return its future.

        Parameters
        ----------
        video
            The video.
        edits
            What people have changed about what is hidden in it.
        waiting
            Number of videos that are listed and not in flight yet, this one included: if all of
            them are fewer than the cluster's threads, each is cut for several.
        """
        lease = layout.lease(self._destination, self._run)
        job = Job.of(video, self._destination, self._config, lease)
        chunks = ceil(self._cluster_threads() / (waiting + len(self._in_flight)))
        job = replace(job, is_first_attempt=True, least_chunks=chunks, edits=edits)
        # Videos of a lower rank go first.
        graph = VideoGraph(self._client, self._run, job, rank=self._launched)
        self._launched += 1
        probe = graph.probe()
        self._in_flight[video.id] = VideoRun(job, graph, time.time(), [probe], [])
        return probe

    def relaunch(self, video_run: VideoRun, avoided: str) -> Future[Any]:
        """Begin another attempt at a video, without the worker that is avoided if there are others.

        What earlier attempts saved is used. Returns the future of the first stage.
        """
        self._client.cancel(video_run.futures, force=True)
        job = replace(video_run.job, is_first_attempt=False)
        others = [worker for worker in self._client.nthreads() if worker != avoided]
        # A key must not be used again while Dask still forgets the cancelled task of that name.
        self._relaunched += 1
        run = f"{self._run}-again{self._relaunched}"
        graph = VideoGraph(self._client, run, job, rank=0, workers=others)
        probe = graph.probe()
        again = replace(video_run, job=job, graph=graph, futures=[probe], results=[])
        self._in_flight[job.video.id] = again
        return probe

    def stranded(self) -> list[VideoRun]:
        """Return the videos whose tasks no worker may run any more: those that might have gone."""
        bound = [video_run for video_run in self._in_flight.values() if video_run.graph.workers]
        there = self._client.nthreads() if bound else {}
        return [
            video_run for video_run in bound if there.keys().isdisjoint(video_run.graph.workers)
        ]

    def find(self, key: Key) -> VideoRun | None:
        """Return the video in flight to which a task belongs; None: the task is given up."""
        video_run = self._in_flight.get(stage_and_video(key)[1])
        return video_run if video_run and video_run.graph.owns(key) else None

    def remove(self, video_run: VideoRun) -> None:
        """Let go of a video that is finished."""
        del self._in_flight[video_run.job.video.id]

    def cancel(self, video_run: VideoRun) -> None:
        """Cancel the tasks of a video, and let go of it."""
        self._client.cancel(video_run.futures, force=True)
        self.remove(video_run)

    def _cluster_threads(self) -> int:
        """Return how many tasks the cluster can run at once, as counted a moment ago."""
        if time.monotonic() > self._counted + _COUNT_S:
            self._counted, self._threads = time.monotonic(), connect.threads(self._client)
        return self._threads

    def close(self) -> None:
        """Cancel the tasks of all videos in flight."""
        for video_run in [*self._in_flight.values()]:
            self.cancel(video_run)
