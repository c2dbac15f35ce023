"""``redact-dask review open``: a page on which people look again, and change what is hidden."""

from __future__ import annotations

import shlex

import click
from rich.console import Console

from redact_dask import storage
from redact_dask.cli import serving
from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import settings_of, store_options
from redact_dask.review import pairs, ranking
from redact_dask.review.server import Server
from redact_dask.review.session import Session

_RANKED = 200
"""Most videos that are ranked by doubt: more than people review on one day."""


@click.command(name="open")
@click.argument("source")
@click.argument("dest")
@click.argument("path", required=False)
@click.option("--as", "by", metavar="NAME", help="Who reviews. Default: your user name.")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the page on this machine. Default: one that is free.",
)
@store_options
def open_page(
    source: str,
    dest: str,
    path: str | None,
    by: str | None,
    port: int,
    file: str | None,
    assignments: tuple[str, ...],
) -> None:
    """Show the videos of SOURCE beside their copies in DEST, and let people edit what is hidden.

    PATH is the path of one video below SOURCE; without it, all videos are shown, the most doubtful
    ones first. The command serves
    a page to browsers of this machine until somebody interrupts it. The page shows SOURCE, so it
    shows faces. The next `redact-dask run SOURCE DEST` follows the edits.

    \b
    Exit codes: 0 done; 2 a wrong argument, or no copy has a source; 1 anything else.
    """
    with exit_on_error(Console(stderr=True)):
        settings_of(file, assignments, {}, source, dest)
        destination = storage.canonical(dest)
        found = pairs.listed(source, destination, path)
        outdated = sum(pair.is_outdated for pair in found)
        click.echo(f"videos    {len(found):,}, and their sources show faces on the page")
        if outdated:
            click.echo(f"changed   {outdated:,} since their copies were made; run again first")
        doubtful = (
            [ranking.of_video(destination, path)] if path else ranking.ranked(destination, _RANKED)
        )
        session = Session(pairs.ordered(found, doubtful), destination, by or serving.user())
        try:
            serving.serve(Server(session, port), "every edit")
        finally:
            session.close()
        click.echo(f"next      {shlex.join(['redact-dask', 'run', source, dest])}")
