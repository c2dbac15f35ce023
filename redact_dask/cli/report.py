"""``redact-dask report``: writes a page about the runs of a destination."""

from __future__ import annotations

import click
from rich.console import Console

from redact_dask import report, storage
from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import settings_of, store_options
from redact_dask.report.contact_sheet import MOST


@click.command(name="report")
@click.argument("dest")
@click.option(
    "--output",
    metavar="FILE",
    default="redact-dask-report.html",
    show_default=True,
    help="File to which the page is written.",
)
@click.option(
    "--run",
    "names",
    metavar="NAME",
    multiple=True,
    help="A run to report, or all. Default: the last run, and those that ran beside it.",
)
@click.option(
    "--frames",
    metavar="N",
    type=click.IntRange(0, MOST),
    default=0,
    help=f"Number of redacted frames to show, at most {MOST}. Default: none.",
)
@store_options
def write_report(
    dest: str,
    output: str,
    names: tuple[str, ...],
    frames: int,
    file: str | None,
    assignments: tuple[str, ...],
) -> None:
    """Write one HTML page about what was done in DEST, from its manifest alone.

    The page holds all that it needs, and loads nothing from elsewhere. Frames come from the
    published copies.

    \b
    Exit codes: 0 the page is written; 2 a wrong argument, or DEST has no manifest; 1 anything else.
    """
    with exit_on_error(Console(stderr=True)):
        settings_of(file, assignments, {}, None, dest)
        content = report.render(storage.canonical(dest), names, frames).encode()
        storage.write(output, content)
    click.echo(f"report    {output} ({len(content) / 1e6:.2f} MB)")
