"""``redact-dask watch``: redacts the videos of a source as they land."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import log_option, run_options, settings_of
from redact_dask.cli.running import carry_out
from redact_dask.sources.watcher import Watcher


@click.command()
@run_options
@log_option
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes on this machine.")
@click.option("--queue", metavar="URL", help="SQS queue that S3 notifies of new videos.")
@click.pass_obj
def watch(
    started: float | None,
    /,
    source: str,
    dest: str,
    file: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Redact each video that lands in SOURCE, and publish its copy in DEST, until interrupted.

    SOURCE is a folder or an s3:// prefix. Videos that lie there already and are not done come
    first. The progress shows the lag: the time from a video's landing to its copy.

    A video that failed through no fault of its own is retried twice, ten minutes apart.

    The first interrupt or SIGTERM lets the run finish the videos in flight; the second one ends it
    at once.

    \b
    Exit codes: 0 all videos that landed are published; 2 a wrong argument or setting, nothing was
    done; 3 some videos are quarantined; 1 anything else, what was done is kept.
    """
    console = Console(stderr=True)
    with exit_on_error(console):
        settings = settings_of(file, assignments, options, source, dest)
        watcher = Watcher(source, dest, settings)
        carry_out(watcher, watcher.passed_over, dest, settings, console, started, as_json=as_json)
