"""The five stages of a video in a row, without Dask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Detected, Joined, Probed, Rendered, Tracked

LOSSLESS: dict[str, Any] = {"preset": "ultrafast", "crf": 0, "copy": "never"}
"""The section ``encode`` with which a copy has the same pictures."""
AUTO: dict[str, Any] = {"preset": "ultrafast"}
"""The same with which what shows nothing to hide is copied, if that is possible."""


@dataclass(frozen=True)
class Done:
    """What every stage returned."""

    probed: Probed
    detected: list[Detected]
    tracked: list[Tracked]
    rendered: list[Rendered]
    joined: Joined


def published(done: Done) -> Path:
    """Return the path of the copy."""
    return Path(done.joined.output)


def run(job: Job) -> Done:
    """Run them."""
    probed = stages.probe(job)
    detected, tracked, rendered = [], [], []
    for stream in probed.streams:
        seen = [stages.detect(job, stream.info, chunk) for chunk in stream.chunks]
        plan = stages.track(job, probed, seen)
        rendered += [stages.render(job, stream.info, chunk, plan) for chunk in stream.chunks]
        detected += seen
        tracked.append(plan)
    joined = stages.join(job, probed, tracked, rendered)
    return Done(probed, detected, tracked, rendered, joined)
