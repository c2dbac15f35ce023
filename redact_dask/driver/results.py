"""Records what became of each video: manifest rows, counts for people, and the summary."""

from __future__ import annotations

import time
from concurrent import futures
from functools import partial

from redact_dask import detectors, manifest, storage
from redact_dask.config import Config
from redact_dask.driver.history import DISCARDING_ERRORS, History
from redact_dask.driver.summary import Quarantined, Salvaged, Summary
from redact_dask.driver.video_run import VideoRun, salvaged
from redact_dask.manifest import seals, signatures
from redact_dask.manifest.rows import Outcome, rows, run_row
from redact_dask.monitoring import logs
from redact_dask.monitoring.status import Status
from redact_dask.pipeline.job import Job
from redact_dask.records import FACE, Detected, Failure, Probed, Rendered, Usage
from redact_dask.storage import layout, lease

_MOST_NAMED = 1000
"""Most videos that a summary names in each of its lists; the manifest names all of them."""
FLUSH_S = 30.0
"""Seconds after which rows are written; videos whose rows are lost in a crash are redone."""
_FLUSH_ROWS = 50_000
"""Number of waiting rows above which they are written at once: so many take some 50 MB."""
REMOVERS = 8
"""Threads that remove work: an object store answers a listing and a deletion in 30 ms each."""


class Results:
    """Counts the results of tasks, and records what became of each video.

    Parameters
    ----------
    run
        Name of the run.
    destination
        URL of the destination's root.
    config
        All settings of the run.
    history
        Is told which videos this run has published or given up.
    status
        Status of the run, which is kept up to date.

    Raises
    ------
    ConfigError
        The key that is to sign the manifest cannot be used.
    """

    def __init__(
        self, run: str, destination: str, config: Config, history: History, status: Status
    ) -> None:
        self._run = run
        self._destination = destination
        self._config = config
        key = config.evidence.key
        self._key = signatures.private_key(key) if key else None
        self._history = history
        self._status = status
        self._work = layout.work_area(destination, config.work)
        self._writer = manifest.Writer(layout.manifest(destination), run)
        self._is_told = False
        """Whether the run's own row is among those that are written."""
        self._flushed = time.monotonic()
        self._settled: list[Job] = []
        """Jobs of videos that are published or given up."""
        self._unneeded: list[str] = []
        """URLs of their work, and of what is kept of those at fault: removed once their rows are
        written."""
        self._removals: list[futures.Future[None]] = []
        self._quarantined: list[Quarantined] = []
        self._salvaged: list[Salvaged] = []

    def count(self, video_run: VideoRun, result: object) -> None:
        """Add the result of one task of a video in flight to the counts."""
        status = self._status
        if isinstance(result, Probed):
            status.bytes_probed += video_run.job.video.size
            status.frames_probed += result.frames
        if isinstance(result, Detected):
            status.frames_analysed += result.frames + result.frames_damaged
        if isinstance(result, Rendered):
            status.frames_rendered += result.frames

    def count_usage(self, video_run: VideoRun | None, usage: Usage) -> None:
        """Add a task's calls to paid services.

        They cost money even if the task has failed, or its video before it, which is None then.
        """
        status, price = self._status, self._config.detect.dollars
        if video_run is not None:
            video_run.usage += usage
            video_run.dollars += price(usage, status.usage)
        status.usage += usage
        status.dollars = price(status.usage, Usage())

    def published(self, video_run: VideoRun) -> None:
        """Record a video whose copy is published."""
        outcome, status = video_run.outcome(None), self._status
        frames = outcome.probed.frames if outcome.probed else 0
        logs.log_video("published", outcome.video.path, frames=frames, faces=outcome.tracks[FACE])
        for sentence in outcome.probed.dropped if outcome.probed else ():
            logs.log_video(f"published without {sentence}", outcome.video.path)
        self._settled.append(video_run.job)
        self._unneeded.append(video_run.job.work)
        self._add(outcome)
        if outcome.joined:
            self._history.note(outcome.video, outcome.joined)
        status.published += 1
        status.frames += frames
        status.tracks += outcome.tracks
        if outcome.video.modified is not None:
            status.lags.append(outcome.ended - outcome.video.modified)
        if outcome.damage and len(self._salvaged) < _MOST_NAMED:
            self._salvaged.append(salvaged(outcome))

    def quarantined(self, video_run: VideoRun, failure: Failure) -> None:
        """Record a video that is quarantined: nothing of it is published."""
        outcome, status = video_run.outcome(failure), self._status
        path = outcome.video.path
        logs.log_video("quarantined", path, failure.stage, reason=failure.reason)
        if failure.kind in DISCARDING_ERRORS:
            self._settled.append(video_run.job)
            self._unneeded += filter(None, [video_run.job.work, video_run.job.kept])
        self._add(outcome)
        status.quarantined += 1
        frames = outcome.probed.frames if outcome.probed else 0
        done = sum(seen.frames + seen.frames_damaged for seen in outcome.detected)
        done += sum(made.frames for made in outcome.rendered)
        status.frames_given_up += 2 * frames - done
        if len(self._quarantined) < _MOST_NAMED:
            given_up = Quarantined(path, failure.stage, failure.reason, failure.blame)
            self._quarantined.append(given_up)

    @property
    def flush_is_due(self) -> bool:
        """Whether rows have waited for too long, or are too many."""
        late = time.monotonic() - self._flushed > FLUSH_S
        return late or self._writer.waiting > _FLUSH_ROWS

    def flush(self) -> None:
        """Write the rows, and only then remove the work from which the videos could be resumed.

        Other threads remove it, while the run goes on; the next flush waits for them.
        """
        self._flushed = time.monotonic()
        if not (self._writer.waiting or self._settled or self._removals):
            return
        if self._writer.flush():
            self._seal()
        self.wait()
        for job in self._settled:
            self._history.settle(job.video)
        removers = futures.ThreadPoolExecutor(REMOVERS)
        self._removals = [removers.submit(storage.remove, url) for url in self._unneeded]
        removers.shutdown(wait=False)  # Its threads end with the last removal.
        self._settled.clear()
        self._unneeded.clear()

    def wait(self) -> None:
        """Wait until work that is being removed is gone; raise the error of what stays."""
        removals, self._removals = self._removals, []
        for removal in futures.wait(removals).done:
            removal.result()
        storage.prune(self._work)

    def close(self) -> None:
        """Merge the small files of the manifest, and seal all.

        A run that has lost its lease leaves them: the run that has taken over may have sealed them.
        """
        if lease.is_valid(layout.lease(self._destination, self._run)):
            self._writer.close()
            self._seal()
        else:
            self._writer.flush()

    def summary(self) -> Summary:
        """Return what the run did."""
        status = self._status
        return Summary(
            videos=status.counts.videos,
            published=status.published,
            quarantined=status.quarantined,
            skipped=status.counts.done,
            outdated=status.counts.outdated,
            failed=status.counts.failed,
            left=status.counts.videos - status.ended,
            frames=status.frames,
            faces=status.faces,
            tracks=dict(sorted(status.tracks.items())),
            wall_s=status.elapsed_s,
            output=self._destination,
            manifest=layout.manifest(self._destination),
            failures=tuple(self._quarantined),
            salvaged=tuple(self._salvaged),
            lags=tuple(status.lags) if status.endless else (),
            usage=status.usage,
            dollars=status.dollars,
        )

    def _add(self, outcome: Outcome) -> None:
        fingerprint = self._config.fingerprint
        if not self._is_told:
            own = run_row(fingerprint, self._config.deciding, detectors.weights())
            self._writer.add({"runs": [own]})
            self._is_told = True
        self._writer.add(rows(outcome, fingerprint))

    def _seal(self) -> None:
        at_work = partial(lease.holders, self._destination)
        root, growing = layout.manifest(self._destination), self._writer.growing
        seals.write(root, self._run, growing, at_work, self._key)
