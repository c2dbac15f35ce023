"""Redacting a source, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
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
from redact_dask.sources import listing


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
        Settings: ready, nested in a mapping, or the path of a YAML file.
    client
        Of a cluster that runs already; default: what ``config.cluster`` says.
    observe
        Called with the `Status` after each change.

    Returns
    -------
    What was done. A video that could not be redacted safely is among its ``failures``.

    Raises
    ------
    UsageError
        The source, the destination, a setting or the cluster cannot be used; nothing was done.
    OSError, botocore.exceptions.BotoCoreError
        The destination's store fails; the same call goes on from what it holds.
    """
    settings = _config(config)
    videos = listing.select(
        listing.list_videos(str(source), str(dest), settings.work), settings.select
    )
    destination = storage.canonical(str(dest))
    with nullcontext(client) if client else connect.connect(settings.cluster) as reached:
        ready = connect.prepare(reached, settings.cluster.wait_s)
        with dashboard_feed.publish_status(
            ready, destination, settings.select.shard, observe or _ignore
        ) as told:
            return Run(ready, destination, settings, told).run(videos)


def _ignore(_: Status) -> None:
    """Observe nothing."""


def _config(config: Config | Mapping[str, Any] | str | Path | None) -> Config:
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return configuration.validate(config)
    return configuration.load(config)
