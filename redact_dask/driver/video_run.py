"""One video on its way through the stages, and its outcome."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, TypeVar

from distributed import Future

from redact_dask.cluster.tasks import Result, VideoGraph
from redact_dask.driver.summary import Salvaged
from redact_dask.manifest.rows import Outcome
from redact_dask.pipeline.job import Job
from redact_dask.records import Detected, Failure, Joined, Probed, Rendered, Tracked, Usage

Kind = TypeVar("Kind")


@dataclass(slots=True)
class VideoRun:
    """One video in flight, with its tasks and their results."""

    job: Job
    graph: VideoGraph
    """Its tasks: those of the second attempt, if there is one."""
    started: float
    """Seconds since the epoch."""
    futures: list[Future[Any]]
    """Futures of its tasks, kept until the end: the scheduler forgets one that nobody holds."""
    results: list[Result]
    """Results of the stages, in the order in which they arrived."""
    usage: Usage = field(default_factory=Usage)
    """Calls to paid services, also those of tasks that failed."""
    dollars: float = 0.0
    """Price of the calls to paid services, US dollars."""

    def outcome(self, failure: Failure | None) -> Outcome:
        """Return all that is known of the video now, for its manifest rows.

        Parameters
        ----------
        failure
            Why the video is quarantined; None: it is published.
        """

        def of_kind(kind: type[Kind]) -> list[Kind]:
            return [result for result in self.results if isinstance(result, kind)]

        return Outcome(
            video=self.job.video,
            started=self.started,
            ended=time.time(),
            probed=next(iter(of_kind(Probed)), None),
            detected=tuple(sorted(of_kind(Detected), key=_place)),
            tracked=tuple(sorted(of_kind(Tracked), key=lambda plan: plan.stream or 0)),
            rendered=tuple(sorted(of_kind(Rendered), key=_place)),
            joined=next(iter(of_kind(Joined)), None),
            failure=failure,
            edits=tuple(edit.id for edit in self.job.edits),
            usage=self.usage,
            dollars=self.dollars,
        )


def _place(result: Detected | Rendered) -> tuple[int, int]:
    return result.stream or 0, result.chunk


def salvaged(outcome: Outcome) -> Salvaged:
    """Return what a summary tells of a published video that has damage."""
    streams = outcome.probed.streams if outcome.probed else ()
    absent = sum(len(stream.missing.frames) for stream in streams if stream.missing)
    black = sum(seen.frames_damaged for seen in outcome.detected)
    return Salvaged(outcome.video.path, black, absent, outcome.damage[0].reason)
