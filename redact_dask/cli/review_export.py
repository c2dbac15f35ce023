"""``redact-dask review export``: writes the regions of a copy for another tool."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
from rich.console import Console

from redact_dask import storage
from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import settings_of, store_options
from redact_dask.errors import UsageError
from redact_dask.review import coco, comparison, copied_stream, cvat

_FORMATS = {"cvat": cvat, "coco": coco}


@click.command(name="export")
@click.argument("dest")
@click.argument("path")
@click.argument("target", metavar="FILE")
@click.option(
    "--format",
    "name",
    type=click.Choice([*_FORMATS]),
    default="cvat",
    show_default=True,
    help='"CVAT for video 1.1", or COCO for detection.',
)
@click.option(
    "--stream", metavar="N", type=click.IntRange(min=0), help="Video stream, if there are several."
)
@store_options
def export(
    dest: str,
    path: str,
    target: str,
    name: str,
    stream: int | None,
    file: str | None,
    assignments: tuple[str, ...],
) -> None:
    """Write what is hidden in the copy of PATH in DEST into FILE, for another tool.

    PATH is the video's path below its source. People then draw, move and remove boxes over the
    source's or the copy's pictures, and `review import` takes the file back.

    \b
    Exit codes: 0 done; 2 a wrong argument; 3 the copy cannot be read; 1 anything else.
    """
    with exit_on_error(Console(stderr=True)):
        settings_of(file, assignments, {}, None, dest)
        copy = copied_stream.opened(storage.canonical(dest), path, stream)
        comparison.check_current(copy)
        try:
            with Path(target).open("w", encoding="utf-8") as opened:
                opened.writelines(_FORMATS[name].lines(copy))
        except OSError as error:
            raise UsageError(f"{target} cannot be written ({error.strerror})") from error
    boxes = len(copy.regions)
    click.echo(f"{boxes:,} boxes on {copy.frames:,} frames of {copy.path} are in {target}")
    command = shlex.join(["redact-dask", "review", "import", dest, path, target])
    click.echo(f"next      {command}")
