"""A run: a rolling window of videos over a cluster, and their rows in the manifest."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from distributed import CancelledError, Client, Future, as_completed

from redact_dask import manifest, storage
from redact_dask.cluster import connect, quota
from redact_dask.cluster.tasks import Result, VideoGraph, stage_and_video
from redact_dask.config import Config
from redact_dask.driver import cleanup
from redact_dask.driver.backlog import Backlog
from redact_dask.driver.estimate import estimate
from redact_dask.driver.history import DISCARDING_ERRORS, PERMANENT_ERRORS, History
from redact_dask.driver.summary import Quarantined, Salvaged, Summary
from redact_dask.driver.video_run import VideoRun, salvaged, sentence
from redact_dask.errors import CheckFailed, RunEnded, UsageError
from redact_dask.manifest.rows import rows
from redact_dask.monitoring import logs
from redact_dask.monitoring.status import Observer, Status
from redact_dask.pipeline import detection
from redact_dask.pipeline.job import Job
from redact_dask.records import Detected, Failure, Probed, Rendered, Usage, Video
from redact_dask.sources.watcher import Watcher
from redact_dask.storage import lease

_TOLD = 1000
"""Videos that a summary names: the manifest knows all of them."""
_FLUSH_S = 30.0
"""Seconds after which rows are written; the videos of rows lost in a crash are redone."""
_FLUSH_ROWS = 50_000
"""Rows after which they are written too: they take some 50 MB."""

_COUNT_S = 1.0
"""Seconds between two counts of the cluster's threads: each asks the scheduler."""


class Run:
    """One run over many videos.

    Parameters
    ----------
    client
        Of a cluster that is ready for the stages.
    destination
        URL of the destination's root.
    config
        All settings.
    observe
        Called after each change of the run's status.
    """

    def __init__(self, client: Client, destination: str, config: Config, observe: Observer) -> None:
        self._client = client
        self._destination = destination
        self._config = config
        self._observe = observe
        self._work = config.work or storage.join(destination, "_work")
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._writer = manifest.Writer(manifest.root(destination), self._run)
        self._flushed = time.monotonic()
        self._in_flight: dict[str, VideoRun] = {}
        self._settled: list[Job] = []
        self._failures: list[Quarantined] = []
        self._salvaged: list[Salvaged] = []
        self._failed_alike: list[tuple[str, str]] = []
        self._drained = False
        self._backlog: Backlog | None = None
        self._watcher: Watcher | None = None
        self._counted, self._threads = float("-inf"), 1

    def drain(self) -> None:
        """Begin no more videos: `run` returns when those in video_run are finished."""
        self._drained = True
        if self._watcher:
            self._watcher.stop()
        if self._backlog:
            self._backlog.drain()

    def run(self, videos: Iterable[Video]) -> Summary:
        """Redact all videos that are not done yet; return when each is published or quarantined.

        Parameters
        ----------
        videos
            Of the source; of watcher more will come, until the run is drained.

        Raises
        ------
        UsageError
            A worker cannot build a detector, which would quarantine every video, or the run would
            cost more than it may; nothing was done.
        RunEnded
            Going on would be in vain, or too dear; the next run goes on from here.
        """
        self._watcher = videos if isinstance(videos, Watcher) else None
        endless = self._watcher is not None
        shards = self._config.select.shards
        with lease.acquire(self._destination, self._run, shards) as self._lease:
            manifest.tidy(manifest.root(self._destination))
            self._history = History(self._destination, self._config)
            with (
                Backlog(videos, self._history, endless=endless) as backlog,
                ExitStack() as end,
            ):
                if self._watcher:
                    end.callback(self._watcher.stop)  # The backlog waits for its source to end.
                self._backlog = backlog
                self._status = Status(backlog.counts, endless)
                if endless or not backlog.is_empty():
                    self._prepare()
                    if not endless:
                        self._refuse_cost(backlog)
                return self._carry_out(backlog)

    def _prepare(self) -> None:
        if self._config.log != "none":
            logs.configure(self._config.log)
            self._client.register_plugin(logs.ConfiguresLogs(self._config.log))
        if self._config.detect.is_paid:
            quota.share(self._client)
        self._client.run(detection.try_detectors, self._config.detect)

    def _refuse_cost(self, backlog: Backlog) -> None:
        most = self._config.driver.max_cost
        if most is None or not self._config.detect.is_paid:
            return
        needed = estimate(backlog, self._destination, self._config)
        if needed.dollars > most:
            raise UsageError(
                f"the run would need about {needed.looks:,} calls for ${needed.dollars:,.2f}, more "
                f"than the ${most:,.2f} that driver.max_cost allows"
            )

    def _carry_out(self, backlog: Backlog) -> Summary:
        self._observe(self._status)
        completed = as_completed(loop=self._client.loop, with_results=True, raise_errors=False)
        try:
            completed.update(self._begin(backlog))
            for future, result in completed:
                completed.update(self._take(future, result))
                self._observe(self._status)  # before the wait for what may come
                completed.update(self._begin(backlog))
                late = time.monotonic() - self._flushed > _FLUSH_S
                if late or self._writer.waiting > _FLUSH_ROWS:
                    self._flush()
                    connect.forget_tasks(self._client)
        finally:
            for video_run in self._in_flight.values():
                self._client.cancel(video_run.futures, force=True)
            self._flush()
        self._writer.close()
        cleanup.sweep(self._work, self._history)
        backlog.wait()  # Drained before its end, it still tells how much is left.
        return self._summary()

    def _begin(self, backlog: Backlog) -> list[Future[Any]]:
        """Launch as many of the next videos as there is room for."""
        settings = self._config.driver
        if settings.time_limit_s is not None and self._status.elapsed_s > settings.time_limit_s:
            self.drain()
        room = self._window() - len(self._in_flight)
        if self._drained or room <= 0:
            return []
        videos = backlog.take(room, wait=False)
        if not videos and not self._in_flight:
            self._flush()  # Nothing that is done should wait for what may come.
            videos = backlog.take(room, wait=True)
        # One that was seen to go and come again is on its way already.
        return [self._launch(video) for video in videos if video.id not in self._in_flight]

    def _window(self) -> int:
        """Return how many videos may be in video_run: more as workers come, fewer as they go."""
        if self._config.driver.window:
            return self._config.driver.window
        if time.monotonic() > self._counted + _COUNT_S:
            self._counted, self._threads = time.monotonic(), connect.threads(self._client)
        return 2 * self._threads + 2

    def _launch(self, video: Video) -> Future[Any]:
        job = Job.of(video, self._destination, self._config, self._lease)
        graph = VideoGraph(self._client, self._run, job, rank=self._status.begun)
        self._status.begun += 1
        probe = graph.probe()
        self._in_flight[video.id] = VideoRun(job, graph, time.time(), [probe], [])
        return probe

    def _take(self, future: Future[Any], result: Any) -> list[Future[Any]]:
        """Note the result of a task; return the futures that it makes possible."""
        stage, video = stage_and_video(future.key)
        if isinstance(result, Detected):
            self._spend(result.usage)
        video_run = self._in_flight.get(video)
        if video_run is None:
            return []  # Its video has failed already.
        # Not by the future's status: it tells of now, and a good result may be lost since.
        if isinstance(result, tuple | BaseException):
            error = result[1] if isinstance(result, tuple) else result
            if isinstance(error, RunEnded | UsageError):
                raise RunEnded(str(error))
            if isinstance(error, CancelledError):
                # We ourselves cancel only what belongs to no video_run any more.
                raise RunEnded("the cluster's scheduler has gone")
            failure = Failure(stage, sentence(error), type(error).__name__)
            self._fail(video_run, failure)
            if failure.kind not in PERMANENT_ERRORS:
                self._break(failure)
                if self._watcher:
                    self._watcher.again(video_run.job.video)
            return []
        video_run.results.append(result)
        self._count(video_run, result)
        if isinstance(result, Probed):
            return self._go_on(video_run, result)
        # Results arrive in any order: the last one need not be that of the last stage.
        if len(video_run.results) == len(video_run.futures):
            self._land(video_run, None)
        return []

    def _go_on(self, video_run: VideoRun, probed: Probed) -> list[Future[Any]]:
        video = video_run.job.video
        self._status.bytes_probed += video.size
        self._status.frames_probed += probed.info.frames
        path = probed.target.removeprefix(self._destination + "/")
        other = video.source.removesuffix(video.path) + path
        if other != video.source and storage.exists(other):
            self._refuse(video_run, f"its copy would be named {path}, as that of another video")
            return []
        origin = self._history.origin(probed.target)
        if origin not in (None, video.source):
            self._refuse(video_run, f"the redacted copy of {origin} is at {path}")
            return []
        if probed.occupied and origin is None:
            self._refuse(video_run, f"a file that is no redacted video of ours is at {path}")
            return []
        futures = list(video_run.graph.rest(probed))
        video_run.futures.extend(futures)
        return futures

    def _count(self, video_run: VideoRun, result: Result) -> None:
        status = self._status
        if isinstance(result, Detected):
            status.frames_analysed += result.frames + result.frames_damaged
            before = status.usage.calls - result.usage.calls
            video_run.dollars += self._config.detect.dollars(result.usage.calls, before)
        if isinstance(result, Rendered):
            self._status.frames_rendered += result.frames

    def _spend(self, usage: Usage) -> None:
        status, most = self._status, self._config.driver.max_cost
        status.usage += usage
        status.dollars = self._config.detect.dollars(status.usage.calls)
        if most is not None and status.dollars > most:
            raise RunEnded(
                f"${status.dollars:,.2f} are spent, more than the ${most:,.2f} that "
                "driver.max_cost allows; what was paid for is kept"
            )

    def _refuse(self, video_run: VideoRun, reason: str) -> None:
        """Quarantine a video whose place is taken."""
        self._fail(video_run, Failure("probe", reason, CheckFailed.__name__))

    def _fail(self, video_run: VideoRun, failure: Failure) -> None:
        self._client.cancel(video_run.futures, force=True)
        if len(self._failures) < _TOLD:
            self._failures.append(
                Quarantined(video_run.job.video.path, failure.stage, failure.reason)
            )
        self._land(video_run, failure)

    def _break(self, failure: Failure) -> None:
        """End the run if one video after the other fails alike, through no fault of its own."""
        alike = (failure.stage, failure.kind)
        if self._failed_alike and self._failed_alike[-1] != alike:
            self._failed_alike.clear()
        self._failed_alike.append(alike)
        if len(self._failed_alike) >= self._config.driver.most_failures:
            raise RunEnded(
                f"{len(self._failed_alike)} videos in a row failed in {failure.stage}, the last: "
                f"{failure.reason}"
            )

    def _land(self, video_run: VideoRun, failure: Failure | None) -> None:
        del self._in_flight[video_run.job.video.id]
        if failure is None or failure.kind in DISCARDING_ERRORS:
            self._settled.append(video_run.job)
        outcome = video_run.outcome(failure)
        self._writer.add(rows(outcome, self._config.fingerprint))
        frames = outcome.probed.info.frames if outcome.probed else 0
        path = video_run.job.video.path
        if failure:
            logs.log_video("quarantined", path, failure.stage, reason=failure.reason)
            self._status.quarantined += 1
            done = sum(seen.frames + seen.frames_damaged for seen in outcome.detected)
            done += sum(made.frames for made in outcome.rendered)
            self._status.frames_given_up += 2 * frames - done
        else:
            logs.log_video("published", path, frames=frames, faces=outcome.faces)
            if outcome.joined:
                self._history.note(video_run.job.video, outcome.joined)
            self._failed_alike.clear()
            self._status.published += 1
            if video_run.job.video.modified is not None:
                self._status.lags.append(outcome.ended - video_run.job.video.modified)
            self._status.frames += frames
            self._status.faces += outcome.faces
            if outcome.damage and len(self._salvaged) < _TOLD:
                self._salvaged.append(salvaged(outcome))

    def _flush(self) -> None:
        """Write the rows, and only then remove what the videos would be made from again."""
        self._writer.flush()
        for job in self._settled:
            self._history.settle(job.video)
            storage.remove(job.work)
        self._settled.clear()
        storage.prune(self._work)
        self._flushed = time.monotonic()

    def _summary(self) -> Summary:
        status = self._status
        return Summary(
            videos=status.counts.videos,
            published=status.published,
            quarantined=status.quarantined,
            skipped=status.counts.done,
            failed=status.counts.failed,
            left=status.counts.videos - status.ended,
            frames=status.frames,
            faces=status.faces,
            wall_s=status.elapsed_s,
            output=self._destination,
            manifest=manifest.root(self._destination),
            failures=tuple(self._failures),
            salvaged=tuple(self._salvaged),
            lags=tuple(status.lags) if status.endless else (),
            usage=status.usage,
            dollars=status.dollars,
        )
