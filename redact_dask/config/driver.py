"""Settings of how a run works through its videos, and of how a source is watched."""

from __future__ import annotations

from pydantic import Field

from redact_dask.config.loading import Section


class WatchSettings(Section):
    """How a source is watched for new videos."""

    poll_s: float = Field(10.0, gt=0)
    """Time between two looks at the source, seconds. A file on a file system is complete once two
    looks find it unchanged."""
    queue: str | None = None
    """URL of an SQS queue that S3 notifies of new objects below SOURCE: they are found at once."""


class DriverSettings(Section):
    """How a run works through its videos."""

    window: int | None = Field(None, ge=1)
    """Most videos in flight. By default, two for each thread of the cluster, and two more."""
    retry_failed: bool = False
    """Whether a run retries videos that an earlier run quarantined for what they are. Videos that
    failed for another reason, or in another version of the package, are always retried."""
    redo_before: str | None = Field(None, pattern=r"^\d+(\.\d+)*$")
    """Version of redact_dask: copies that an earlier one made are made again, for a mended leak for
    example. By default, a copy stays until its source or a setting changes."""
    stage_limit_s: float = Field(7200.0, gt=0)
    """Longest time of one task, seconds. After it, the worker is ended as if it had crashed, and
    the task runs elsewhere. A video that ends four workers is quarantined."""
    time_limit_s: float | None = Field(None, gt=0)
    """Time after which a run begins no more videos, seconds. Videos in flight are finished."""
    most_failures: int = Field(20, ge=1)
    """Number of videos in a row that fail in the same stage with the same kind of error until the
    run ends: something is wrong. Failures that are the fault of the video do not count."""
    max_cost: float | None = Field(None, ge=0)
    """Most that paid detectors may cost, US dollars. A run that would need more does not begin, and
    one that spends more ends; all that was paid for is kept. By default, there is no limit."""
