"""``redact-dask review list``: the published copies by doubt, or the doubts about one of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console

from redact_dask import storage
from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import settings_of, store_options
from redact_dask.monitoring.console import one_line
from redact_dask.review import ranking
from redact_dask.review.doubts import Doubt
from redact_dask.review.ranking import Doubtful


@click.command(name="list")
@click.argument("dest")
@click.argument("path", required=False)
@click.option(
    "--most",
    metavar="N",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Most videos, or doubts about PATH, to print.",
)
@store_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def list_doubts(
    dest: str,
    path: str | None,
    most: int,
    file: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Tell which copies in DEST to look at first, and where in them.

    Each line has a video's path, its gravest doubt with its time, and the number of doubts. With
    PATH, each line has a doubt about that video: its N gravest, by time.

    \b
    Exit codes: 0 done; 2 a wrong argument, or DEST has no published video; 1 anything else.
    """
    with exit_on_error(Console(stderr=True)):
        settings_of(file, assignments, {}, None, dest)
        destination = storage.canonical(dest)
        if path is None:
            found = ranking.ranked(destination, most)
        else:
            found = [ranking.of_video(destination, path)]
    if as_json:
        videos = [_as_json(video, most if path else None) for video in found]
        click.echo(json.dumps({"videos": videos}))
    elif path is None:
        for video in found:
            worst, *rest = video.doubts
            more = f" (and {len(rest):,} more)" if rest else ""
            click.echo(one_line(f"{video.doubt:6.2f}  {video.path}  {_line(worst)}{more}"))
        if not found:
            click.echo("Nothing that is published gives reason to doubt.")
    else:
        (video,) = found
        for doubt in _by_time(video, most):
            click.echo(one_line(f"{doubt.weight:6.2f}  {_line(doubt)}"))
        total = f"doubt {video.doubt:.2f}, {len(video.doubts):,} doubts about {video.path}"
        click.echo(one_line(total))


def _by_time(video: Doubtful, most: int | None) -> list[Doubt]:
    """Return the gravest doubts, by time."""
    return sorted(video.doubts[:most], key=lambda doubt: (doubt.start_s, doubt.stream))


def _line(doubt: Doubt) -> str:
    minutes, seconds = divmod(doubt.start_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    time = f"{hours}:{minutes:02}:{seconds:04.1f}"
    return f"{time}  {doubt.kind}  {doubt.label}: {doubt.why}"


def _as_json(video: Doubtful, most: int | None) -> dict[str, Any]:
    told = [asdict(doubt) for doubt in _by_time(video, most)]
    return {"video": video.video, "path": video.path, "doubt": video.doubt, "doubts": told}
