"""``redact-dask run``."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any

import click
from rich.console import Console

from redact_dask import cluster, config, inventory, progress, storage
from redact_dask.commands.common import (
    EXIT_FAILED,
    EXIT_QUARANTINED,
    failures_told,
    of_a_job,
    overrides_of,
)
from redact_dask.driver import Backfill
from redact_dask.summary import Summary


@click.command()
@of_a_job
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes on this machine.")
@click.option(
    "--max-cost",
    metavar="DOLLARS",
    type=click.FloatRange(min=0),
    help="What paid detectors may cost: a run that needs more does not begin.",
)
@click.option("--time-limit", metavar="SECONDS", type=float, help="Begin no more videos then.")
def run(
    source: str,
    dest: str,
    file: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    r"""Redact every video of SOURCE, and publish the copies in DEST.

    SOURCE is a video, a folder, a pattern with *, or an s3:// prefix; DEST is a folder or an s3://
    prefix, and mirrors SOURCE's paths. What an earlier run has published is skipped.

    Interrupted once, or sent SIGTERM, it finishes the videos in flight; twice, it ends at once.

    \b
    Exit codes: 0 all videos are published; 2 a wrong argument or setting, nothing was done;
    3 some videos are quarantined; 1 anything else, what was done is kept.
    """
    console = Console(stderr=True)
    with failures_told(console):
        settings = config.load(file, assignments, overrides_of(options))
        videos = inventory.select(inventory.take(source, dest), settings.select)
        destination = storage.canonical(dest)
        with cluster.connected(settings.cluster) as client:
            dashboard = client.dashboard_link
            console.print(f"Dashboard: {dashboard}", soft_wrap=True)
            with progress.shown(console) as observe:
                backfill = Backfill(client, destination, settings, observe)
                with _drained_by_signals(backfill, console):
                    summary = backfill.run(videos)
        _show(summary, dashboard, as_json)
    if summary.left:
        sys.exit(EXIT_FAILED)
    if summary.quarantined or summary.failed:
        sys.exit(EXIT_QUARANTINED)


@contextmanager
def _drained_by_signals(backfill: Backfill, console: Console) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM end the run gently, and the next one at once."""

    def drain(number: int, _: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.default_int_handler)
        name = signal.Signals(number).name
        console.print(f"{name}: finishing the videos in flight; once more ends the run at once")
        backfill.drain()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, drain)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(summary: Summary, dashboard: str, as_json: bool) -> None:
    for failure in summary.failures:
        click.echo(f"quarantined {failure.path} in {failure.stage}: {failure.reason}")
    if summary.quarantined > len(summary.failures):
        click.echo(f"and {summary.quarantined - len(summary.failures)} more: see the manifest")
    for video in summary.salvaged:
        click.echo(
            f"salvaged {video.path}: {video.black} frames are black, {video.missing} are missing: "
            f"{video.reason}"
        )
    click.echo(
        f"{summary.published} published, {summary.quarantined} quarantined, "
        f"{summary.skipped} skipped, of {summary.videos} videos"
    )
    if summary.failed:
        click.echo(
            f"{summary.failed} quarantined by an earlier run; --retry-failed tries them again"
        )
    if summary.left:
        click.echo(f"{summary.left} left for the next run")
    if summary.published:
        speed = summary.frames / summary.wall_s
        click.echo(
            f"{summary.frames} frames with {summary.faces} faces "
            f"in {summary.wall_s:.1f} s: {speed:.1f} frames/s"
        )
    if summary.usage.calls:
        click.echo(progress.describe_usage(summary.usage, summary.dollars))
    click.echo(f"output    {summary.output}")
    click.echo(f"manifest  {summary.manifest}")
    click.echo(f"dashboard {dashboard} (while the run lasts)")
    if as_json:
        click.echo(json.dumps(asdict(summary)))
