"""``redact-dask plan``: tells what a run would do, and what it would cost."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console

from redact_dask import storage
from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import run_options, settings_of
from redact_dask.cluster import connect
from redact_dask.driver.backlog import Backlog
from redact_dask.driver.estimate import estimate
from redact_dask.driver.history import History
from redact_dask.monitoring.console import one_line
from redact_dask.sources import listing
from redact_dask.sources.passed_over import PassedOver
from redact_dask.sources.zone_fits import ZoneFits


@click.command(name="plan")
@run_options
def tell_plan(
    source: str,
    dest: str,
    file: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Tell what `run` would do with SOURCE and DEST, and what it would cost.

    Nothing is redacted or paid for. If there are many videos, only some of them are probed.

    \b
    Exit codes: 0; 2 a wrong argument or setting; 1 anything else.
    """
    with exit_on_error(Console(stderr=True)):
        settings = settings_of(file, assignments, options, source, dest)
        passed_over = PassedOver()
        videos = listing.list_selected(source, dest, settings, passed_over)
        destination = storage.canonical(dest)
        history = History(destination, settings)
        history.load()
        fits = ZoneFits(settings.zones)
        with Backlog(fits.counted(videos), history) as backlog:
            needed = estimate(backlog, destination, settings)
            for video in backlog:
                click.echo(one_line(f"would redact {video.path} ({video.size / 1e6:.1f} MB)"))
            known = backlog.counts
    counts = {"to_do": known.pending, "skipped": known.done, "outdated": known.outdated}
    counts["failed"] = known.failed
    click.echo(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()))
    if str(passed_over):
        click.echo(one_line(f"passed over: {passed_over}"))
    for sentence in fits.sentences:
        click.echo(one_line(sentence))
    click.echo(
        f"{needed.frames:,} frames, {needed.seconds:,.1f} s of video "
        f"({needed.probed} of {needed.videos} videos probed)"
    )
    paid = f", ${needed.dollars:,.2f}" if settings.detect.is_paid else ""
    click.echo(f"{needed.looks:,} frames to be looked at{paid}")
    threads = connect.threads_at(settings.cluster)
    hours = needed.cpu_hours
    wall = f": {hours / threads:,.2f} hours with {threads} threads" if threads else ""
    click.echo(f"{needed.tasks:,} tasks, about {hours:,.2f} CPU hours{wall}")
    if as_json:
        click.echo(json.dumps(counts | asdict(needed) | {"threads": threads}))
