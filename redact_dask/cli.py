"""The command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console

from redact_dask import cluster, config, detectors, driver, inventory, progress, storage
from redact_dask.config import Config
from redact_dask.driver import Backfill, Summary
from redact_dask.errors import UsageError
from redact_dask.model import Video

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_QUARANTINED = 3


@click.group()
@click.version_option(package_name="redact-dask")
def main() -> None:
    """Remove every face from fleet video with Dask."""


@main.command()
@click.argument("source")
@click.argument("dest")
@click.option("--config", "file", metavar="FILE", help="Settings in YAML.")
@click.option(
    "--set", "assignments", metavar="SECTION.KEY=VALUE", multiple=True, help="One setting."
)
@click.option(
    "--detector",
    "names",
    metavar="NAME",
    multiple=True,
    help=f"Who looks for what to hide: {', '.join(detectors.names())}. Repeated: boxes are united.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes on this machine.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
@click.option("--dry-run", is_flag=True, help="Only list what would be done.")
def run(
    source: str,
    dest: str,
    file: str | None,
    assignments: tuple[str, ...],
    names: tuple[str, ...],
    workers: int | None,
    as_json: bool,
    dry_run: bool,
) -> None:
    r"""Redact every video of SOURCE, and publish the copies in DEST.

    SOURCE is a video, a folder, a pattern with *, or an s3:// prefix; DEST is a folder or an s3://
    prefix, and mirrors SOURCE's paths. What an earlier run has published is skipped.

    \b
    Exit codes: 0 all videos are published; 2 a wrong argument or setting, nothing was done;
    3 some videos are quarantined; 1 anything else.
    """
    console = Console(stderr=True)
    try:
        overrides = _overrides(names, workers)
        settings = config.load(file, assignments, overrides)
        videos = inventory.take(source, dest)
        destination = storage.canonical(dest)
        if dry_run:
            _show_plan(videos, destination, settings, as_json)
            return
        with cluster.connected(settings.cluster) as client:
            dashboard = client.dashboard_link
            console.print(f"Dashboard: {dashboard}", soft_wrap=True)
            with progress.shown(console) as observe:
                summary = Backfill(client, destination, settings, observe).run(videos)
        _show(summary, dashboard, as_json)
    except UsageError as error:
        console.print(f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(EXIT_USAGE)
    except storage.FAILURES as error:
        console.print(f"Error: the store failed: {error}", style="red", markup=False)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        console.print("Interrupted; the same command goes on from here.")
        sys.exit(EXIT_FAILED)
    if summary.quarantined:
        sys.exit(EXIT_QUARANTINED)


def _overrides(names: tuple[str, ...], workers: int | None) -> dict[str, Any]:
    overrides: dict[str, Any] = {}
    if names:
        overrides["detect"] = {"detectors": list(names)}
    if workers:
        overrides["cluster"] = {"workers": workers}
    return overrides


def _show_plan(
    videos: tuple[Video, ...], destination: str, settings: Config, as_json: bool
) -> None:
    plan = driver.plan(videos, destination, settings)
    for video in plan.to_do:
        click.echo(f"would redact {video.path} ({video.size / 1e6:.1f} MB)")
    counts = {"videos": len(videos), "to_do": len(plan.to_do), "skipped": len(plan.skipped)}
    click.echo(
        json.dumps(counts) if as_json else f"{len(plan.to_do)} to do, {len(plan.skipped)} skipped"
    )


def _show(summary: Summary, dashboard: str, as_json: bool) -> None:
    for failure in summary.failures:
        click.echo(f"quarantined {failure.path} in {failure.stage}: {failure.reason}")
    click.echo(
        f"{summary.published} published, {summary.quarantined} quarantined, "
        f"{summary.skipped} skipped, of {summary.videos} videos"
    )
    if summary.published:
        speed = summary.frames / summary.wall_s
        click.echo(
            f"{summary.frames} frames with {summary.faces} faces "
            f"in {summary.wall_s:.1f} s: {speed:.1f} frames/s"
        )
    click.echo(f"output    {summary.output}")
    click.echo(f"manifest  {summary.manifest}")
    click.echo(f"dashboard {dashboard} (while the run lasts)")
    if as_json:
        click.echo(json.dumps(asdict(summary)))
