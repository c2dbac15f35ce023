"""``redact-dask review import``: takes up what people have changed in another tool."""

from __future__ import annotations

import shlex
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from redact_dask import storage
from redact_dask.cli import serving
from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import settings_of, store_options
from redact_dask.manifest import edits
from redact_dask.records.edits import EditKind
from redact_dask.review import coco, comparison, copied_stream, cvat
from redact_dask.storage import layout


@click.command(name="import")
@click.argument("dest")
@click.argument("path")
@click.argument(
    "target", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--as", "by", metavar="NAME", help="Who made the changes. Default: your user name.")
@click.option("--why", metavar="TEXT", default="", help="The reason, which is kept with the edits.")
@click.option(
    "--stream", metavar="N", type=click.IntRange(min=0), help="Video stream, if there are several."
)
@store_options
def import_file(
    dest: str,
    path: str,
    target: Path,
    by: str | None,
    why: str,
    stream: int | None,
    file: str | None,
    assignments: tuple[str, ...],
) -> None:
    """Make edits of what people have changed in FILE, which `review export` has written.

    FILE has all that is to be hidden in the copy of PATH in DEST, in the format of CVAT or of COCO.
    What it has more, fewer or elsewhere than the copy hides becomes edits.

    \b
    Exit codes: 0 done; 2 a wrong argument or file, nothing was done; 3 the copy cannot be read;
    1 anything else.
    """
    with exit_on_error(Console(stderr=True)):
        settings_of(file, assignments, {}, None, dest)
        destination = storage.canonical(dest)
        with target.open("rb") as opened:
            is_json = opened.read(64).lstrip().startswith(b"{")
        sheet = (coco if is_json else cvat).read(target)
        copy = copied_stream.opened(destination, path, stream)
        made = comparison.edits(copy, sheet, by or serving.user(), datetime.now(UTC), why)
        if made:
            edits.append(layout.manifest(destination), made)
    boxes: Counter[EditKind] = Counter()
    for edit in made:
        boxes[edit.kind] += len(edit.boxes) or 1
    if not made:
        click.echo(f"{target} hides what the copy of {copy.path} hides: no edit was made")
        return
    click.echo(
        f"{len(made):,} edits of {copy.path}: {boxes[EditKind.HIDE]:,} boxes more are hidden, "
        f"{boxes[EditKind.SHOW]:,} are shown, {boxes[EditKind.UNDO]:,} edits are undone"
    )
    command = shlex.join(["redact-dask", "run", "SOURCE", dest])
    click.echo(f"next      {command}, with the settings of the copies")
