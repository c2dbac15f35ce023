"""The videos in flight: as many as the cluster has room for."""

from __future__ import annotations

import time
from typing import Any

from distributed import Client, Future

from redact_dask.cluster import connect
from redact_dask.cluster.tasks import VideoGraph
from redact_dask.config import Config
from redact_dask.driver.video_run import VideoRun
from redact_dask.pipeline.job import Job
from redact_dask.records import Video
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
        self._launched = 0
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
        most = self._config.driver.window
        if most is None:
            if time.monotonic() > self._counted + _COUNT_S:
                self._counted, self._threads = time.monotonic(), connect.threads(self._client)
            most = 2 * self._threads + 2
        return most - len(self._in_flight)

    def launch(self, video: Video) -> Future[Any]:
        """Submit the first stage of a video; return its future."""
        lease = layout.lease(self._destination, self._run)
        job = Job.of(video, self._destination, self._config, lease)
        # Videos of a lower rank go first.
        graph = VideoGraph(self._client, self._run, job, rank=self._launched)
        self._launched += 1
        probe = graph.probe()
        self._in_flight[video.id] = VideoRun(job, graph, time.time(), [probe], [])
        return probe

    def find(self, video: str) -> VideoRun | None:
        """Return the video in flight with this id; None: it has failed already."""
        return self._in_flight.get(video)

    def remove(self, video_run: VideoRun) -> None:
        """Let go of a video that is finished."""
        del self._in_flight[video_run.job.video.id]

    def cancel(self, video_run: VideoRun) -> None:
        """Cancel the tasks of a video, and let go of it."""
        self._client.cancel(video_run.futures, force=True)
        self.remove(video_run)

    def close(self) -> None:
        """Cancel the tasks of all videos in flight."""
        for video_run in [*self._in_flight.values()]:
            self.cancel(video_run)
