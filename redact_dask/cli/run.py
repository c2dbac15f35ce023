"""``redact-dask run``: redacts every video of a source once."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import log_option, run_options, settings_of
from redact_dask.cli.running import carry_out
from redact_dask.sources import listing
from redact_dask.sources.passed_over import PassedOver


@click.command()
@run_options
@log_option
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes on this machine.")
@click.option(
    "--max-cost",
    metavar="DOLLARS",
    type=click.FloatRange(min=0),
    help="Most that paid detectors may cost: a run that would need more does not begin.",
)
@click.option(
    "--time-limit", metavar="SECONDS", type=float, help="Begin no more videos after this time."
)
@click.pass_obj
def run(
    started: float | None,
    /,
    source: str,
    dest: str,
    file: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Redact every video of SOURCE, and publish the copies in DEST.

    SOURCE is a video, a folder, a pattern with *, or an s3:// prefix; DEST is a folder or an s3://
    prefix, and mirrors SOURCE's paths. Videos that an earlier run has published are skipped.

    The first interrupt or SIGTERM lets the run finish the videos in flight; the second one ends it
    at once.

    \b
    Exit codes: 0 all videos are published; 2 a wrong argument or setting, nothing was done;
    3 some videos are quarantined; 1 anything else, what was done is kept.
    """
    console = Console(stderr=True)
    with exit_on_error(console):
        settings = settings_of(file, assignments, options, source, dest)
        passed_over = PassedOver()
        videos = listing.list_selected(source, dest, settings, passed_over)
        carry_out(videos, passed_over, dest, settings, console, started, as_json=as_json)
