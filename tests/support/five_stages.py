"""The five stages of a video in a row, without Dask."""

from __future__ import annotations

from dataclasses import dataclass

from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Detected, Joined, Probed, Rendered, Tracked


@dataclass(frozen=True)
class Done:
    """What every stage returned."""

    probed: Probed
    detected: list[Detected]
    tracked: Tracked
    rendered: list[Rendered]
    joined: Joined


def run(job: Job) -> Done:
    """Run them."""
    probed = stages.probe(job)
    detected = [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
    tracked = stages.track(job, probed, detected)
    rendered = [stages.render(job, probed.info, chunk, tracked) for chunk in probed.chunks]
    joined = stages.join(job, probed, tracked, rendered)
    return Done(probed, detected, tracked, rendered, joined)
