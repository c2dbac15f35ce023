"""The life of a run: it leases its destination, launches videos while there is room, and ends."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from distributed import CancelledError, Client, Future

from redact_dask import manifest, storage
from redact_dask.cluster import claims, connect, quota
from redact_dask.cluster.paused_workers import PausedWorkers
from redact_dask.cluster.tasks import stage_and_video
from redact_dask.config import Config
from redact_dask.driver import cleanup
from redact_dask.driver.backlog import Backlog
from redact_dask.driver.events import Events
from redact_dask.driver.failures import failure_of
from redact_dask.driver.history import PERMANENT_ERRORS, History
from redact_dask.driver.limits import Limits
from redact_dask.driver.results import Results
from redact_dask.driver.summary import Summary
from redact_dask.driver.video_run import VideoRun
from redact_dask.driver.window import Window
from redact_dask.errors import (
    Blame,
    CheckFailed,
    DamagedVideo,
    RedactError,
    RunEnded,
    UsageError,
)
from redact_dask.monitoring import logs
from redact_dask.monitoring.status import Observer, Status
from redact_dask.pipeline import detection
from redact_dask.records import Failure, Probed, Video, usage_of
from redact_dask.sources.watcher import Watcher
from redact_dask.sources.zone_fits import ZoneFits
from redact_dask.storage import layout, lease

_TICK_S = 1.0
"""Longest time between two looks at the clock, seconds."""
_CHECK_S = 10.0
"""Time between two looks at the cluster's workers, seconds: each asks the scheduler."""


class Run:
    """One run over many videos.

    Parameters
    ----------
    client
        Client of a cluster that is ready for the stages.
    videos
        Videos of the source. A `Watcher` yields more of them until the run is drained.
    destination
        URL of the destination's root.
    config
        All settings of the run.
    observe
        Function that is called with the run's status after each change.
    started
        When the run's command or call began, seconds of `time.monotonic`; None: now.
    """

    def __init__(
        self,
        client: Client,
        videos: Iterable[Video],
        destination: str,
        config: Config,
        observe: Observer,
        started: float | None = None,
    ) -> None:
        self._client = client
        self._destination = destination
        self._config = config
        self._observe = observe
        self._name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._watcher = videos if isinstance(videos, Watcher) else None
        self._endless = self._watcher is not None
        self._history = History(destination, config)
        self._events = Events(client)
        wake = self._events.wake
        self._zone_fits = ZoneFits(config.zones)
        counted = self._zone_fits.counted(videos)
        self._backlog = Backlog(counted, self._history, endless=self._endless, on_change=wake)
        began = time.monotonic() if started is None else started
        self._status = Status(self._backlog.counts, self._endless, started=began)
        self._limits = Limits(config)
        self._window = Window(client, self._name, destination, config)
        self._results = Results(self._name, destination, config, self._history, self._status)
        self._paused_workers = PausedWorkers(client)
        self._checked = time.monotonic()
        self._drained = False

    @property
    def dashboard(self) -> str:
        """URL of Dask's dashboard; empty if there is none."""
        return str(self._client.dashboard_link or "")

    def drain(self) -> None:
        """Begin no more videos: `process` returns when those in flight are finished."""
        self._drained = True
        if self._watcher:
            self._watcher.stop()
        self._backlog.drain()
        self._events.wake()

    def process(self) -> Summary:
        """Redact all videos that are not done yet; return when each is published or quarantined.

        Raises
        ------
        UsageError
            Another run is at work on the destination; a worker cannot build a detector, which would
            quarantine every video; or the run would cost more than it may. Nothing was done.
        RunEnded
            Going on would be in vain, or would cost too much; the next run resumes from here.
        """
        with lease.acquire(self._destination, self._name, self._config.select.shards):
            manifest.tidy(layout.manifest(self._destination))
            self._history.load()
            with self._backlog, self._watching():
                if self._endless or not self._backlog.is_empty():
                    self._prepare()
                self._observe(self._status)
                self._work_through()
                self._results.close()
                cleanup.sweep(self._destination, self._config.work, self._history)
                evidence = self._config.evidence
                cleanup.sweep_paid(self._destination, evidence.keep_paid_days, self._history)
                cleanup.sweep_kept(self._destination, evidence.keep_detections_days, self._history)
                # A drained run still lists the source to its end, to tell how much is left.
                self._backlog.wait()
                return replace(self._results.summary(), unused_zones=self._zone_fits.unused)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Stop a watcher when the block ends: closing the backlog waits until its source ends."""
        try:
            yield
        finally:
            if self._watcher:
                self._watcher.stop()

    def _prepare(self) -> None:
        """Make the workers ready, and refuse a run that would fail or cost too much."""
        if self._config.log != "none":
            logs.configure(self._config.log)
            self._client.register_plugin(logs.ConfiguresLogs(self._config.log))
        if self._config.detect.is_paid:
            quota.share(self._client)
            claims.share(self._client)
        self._client.run(detection.try_detectors, self._config.detect)
        if not self._endless:
            self._limits.check_estimate(self._backlog, self._destination)

    def _work_through(self) -> None:
        """Launch videos and take results until nothing is left, or the run is drained."""
        try:
            self._events.follow(self._launch())
            while not (self._window.is_empty and self._backlog.is_exhausted):
                if ended := self._events.wait(_TICK_S):
                    self._events.follow(self._take(*ended))
                    self._limits.check_cost(self._status.dollars)
                self._events.follow(self._launch())
                self._events.follow(self._check_cluster())
                self._observe(self._status)
                if self._results.flush_is_due:
                    self._results.flush()
                    connect.forget_tasks(self._client)
        finally:
            self._window.close()
            try:
                self._results.flush()
            finally:
                self._results.wait()  # The lease must outlast whatever is removed under it.

    def _check_cluster(self) -> list[Future[Any]]:
        """From time to time, help what waits for workers that will not run it; return futures."""
        now = time.monotonic()
        if now - self._checked < _CHECK_S:
            return []
        self._checked = now
        self._status.paused = self._paused_workers.check(now)
        stranded = self._window.stranded()
        return [self._window.relaunch(video_run, avoided="") for video_run in stranded]

    def _launch(self) -> list[Future[Any]]:
        """Launch as many of the next videos as there is room for; return their first futures."""
        if self._limits.time_is_up(self._status.elapsed_s):
            self.drain()
        room = self._window.room()
        if self._drained or room <= 0:
            return []
        videos = self._backlog.take(room)
        if not videos and self._window.is_empty:
            self._results.flush()  # Rows of finished videos should not wait for the next video.
        # A watched video that went away and came back may still be in flight.
        new = [video for video in videos if video not in self._window]
        futures = []
        for video in new:
            waiting = self._backlog.counts.pending - self._status.begun
            edits = self._history.edits(video)
            futures.append(self._window.launch(video, edits, waiting))
            self._status.begun += 1
        return futures

    def _take(self, future: Future[Any], result: Any) -> list[Future[Any]]:
        """Take the result of a task; return the futures of the tasks that are submitted then."""
        stage, _ = stage_and_video(future.key)
        video_run = self._window.find(future.key)
        if stage == "detect":  # The tasks that depend on one that failed have its error, too.
            self._results.count_usage(video_run, usage_of(result))
        if video_run is None:
            return []
        if isinstance(result, BaseException):
            return self._fail(video_run, stage, result)
        video_run.results.append(result)
        self._results.count(video_run, result)
        if isinstance(result, Probed):
            return self._submit_rest(video_run, result)
        # Results arrive in any order: the last one need not come from the last stage.
        if len(video_run.results) == len(video_run.futures):
            self._window.remove(video_run)
            self._results.published(video_run)
            self._limits.note_success()
        return []

    def _submit_rest(self, video_run: VideoRun, probed: Probed) -> list[Future[Any]]:
        """Submit the other stages of a video, unless the place of its copy is taken."""
        if reason := self._why_taken(video_run.job.video, probed):
            self._quarantine(video_run, failure_of("probe", CheckFailed(reason)))
            return []
        futures = list(video_run.graph.rest(probed))
        video_run.futures.extend(futures)
        return futures

    def _why_taken(self, video: Video, probed: Probed) -> str:
        """Return why the place of a video's copy is taken; empty: the video may have it."""
        path = probed.target.removeprefix(self._destination + "/")
        other = video.source.removesuffix(video.path) + path
        if other != video.source and storage.exists(other):
            return f"its copy would be named {path}, as that of another video"
        origin = self._history.origin(path)
        if origin and video.id != origin.video and video.source != origin.source:
            return (
                f"the redacted copy of {origin.source} is at {path}; name another destination, or, "
                "if both are the same video, remove that copy"
            )
        if probed.occupied and origin is None:
            return f"a file that is no redacted video of ours is at {path}"
        return ""

    def _fail(self, video_run: VideoRun, stage: str, error: BaseException) -> list[Future[Any]]:
        """Quarantine a video whose task has failed, or end the run if all of it is in trouble.

        What another worker might read otherwise is final only after a second attempt; the first
        future of that is returned.
        """
        if isinstance(error, RunEnded | UsageError):
            raise RunEnded(str(error))
        if isinstance(error, CancelledError):
            # The run itself cancels only tasks of videos that are no longer in flight.
            raise RunEnded("the cluster's scheduler has gone")
        failure = failure_of(stage, error)
        is_final = failure.kind in PERMANENT_ERRORS
        # After its frames are decoded, a video is refused for what no other worker would change.
        is_of_reading = isinstance(error, DamagedVideo) or stage == "probe"
        if is_final and is_of_reading and video_run.job.is_first_attempt:
            worker = error.worker if isinstance(error, RedactError) else ""
            return [self._window.relaunch(video_run, avoided=worker)]
        self._quarantine(video_run, failure)
        if failure.blame is not Blame.VIDEO:
            self._limits.note_failure(failure)
        if self._watcher and not is_final:
            self._watcher.again(video_run.job.video)
        return []

    def _quarantine(self, video_run: VideoRun, failure: Failure) -> None:
        if copy := self._history.copy_of_another_version(video_run.job.video):
            left = f"; the copy of another version of it is still at {copy}"
            failure = replace(failure, reason=failure.reason + left)
        self._window.cancel(video_run)
        self._results.quarantined(video_run, failure)
