"""Puts a run together, in the same way for the commands and for a notebook."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import Client

from redact_dask import config as configuration
from redact_dask import storage
from redact_dask.cluster import connect
from redact_dask.config import Config
from redact_dask.driver.run import Run
from redact_dask.driver.summary import Summary
from redact_dask.monitoring import dashboard_feed
from redact_dask.monitoring.status import Observer, Status
from redact_dask.records import Video
from redact_dask.sources import listing
from redact_dask.sources.passed_over import PassedOver


def redact(
    source: str | Path,
    dest: str | Path,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    client: Client | None = None,
    observe: Observer | None = None,
) -> Summary:
    """Redact every video of a source, and publish the copies with a manifest.

    Parameters
    ----------
    source
        A video, a folder, a pattern with ``*``, or an ``s3://`` prefix.
    dest
        Folder or ``s3://`` prefix that mirrors the source's paths.
    config
        Settings as a `Config`, as a nested mapping, or as the path of a YAML file.
    client
        Client of a cluster that runs already. Default: the cluster that ``config.cluster`` names.
    observe
        Function that is called with the `Status` after each change.

    Returns
    -------
    What the run did. A video that could not be redacted safely is among its ``failures``.

    Raises
    ------
    UsageError
        The source, the destination, a setting or the cluster cannot be used; nothing was done.
    RunEnded
        Going on would be in vain, or would cost too much; the same call resumes the run.
    OSError, botocore.exceptions.BotoCoreError
        The destination's store fails; the same call resumes from what the store holds.
    """
    started = time.monotonic()
    settings = _config(config)
    if client is None:
        connect.warm_up(settings.cluster)
    settings.s3.use(str(source), str(dest), settings.work)
    passed_over = PassedOver()
    videos = listing.list_selected(str(source), str(dest), settings, passed_over)
    with prepared_run(videos, str(dest), settings, client, observe, started) as run:
        return replace(run.process(), passed_over=str(passed_over))


@contextmanager
def prepared_run(
    videos: Iterable[Video],
    dest: str,
    settings: Config,
    client: Client | None = None,
    observe: Observer | None = None,
    started: float | None = None,
) -> Iterator[Run]:
    """Yield a run on a prepared cluster; what was started for the run is closed after the block.

    Parameters
    ----------
    videos
        Videos of the source.
    dest
        Folder or ``s3://`` prefix in which the copies are published.
    settings
        All settings of the run.
    client, observe
        See `redact`.
    started
        When the command or call began, seconds of `time.monotonic`; None: now.

    Raises
    ------
    UsageError
        The cluster cannot be reached or started, or is not fit.
    """
    destination = storage.canonical(dest)
    with nullcontext(client) if client else connect.connect(settings.cluster) as connected:
        ready = connect.prepare(connected, settings.cluster.wait_s)
        shard = settings.select.shard
        shown = observe or _ignore
        with dashboard_feed.publish_status(ready, destination, shard, shown) as observer:
            yield Run(ready, videos, destination, settings, observer, started)


def _ignore(_: Status) -> None:
    """Ignore a status: nobody observes the run."""


def _config(config: Config | Mapping[str, Any] | str | Path | None) -> Config:
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return configuration.validate(config)
    return configuration.load(config)
