"""The report: one HTML file about the runs of a destination, made from its manifest.

It holds all that it needs, asks nobody for anything, and its size does not grow with the number of
videos. Pictures are in it only on request, and those are of published copies.
"""

from __future__ import annotations

from collections.abc import Collection

from redact_dask import storage
from redact_dask.errors import SourceError
from redact_dask.report import contact_sheet, page, runs, tasks, videos
from redact_dask.report.time_bins import Periods
from redact_dask.storage import layout


def render(destination: str, names: Collection[str] = (), frames: int = 0) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    destination
        URL of the destination's root.
    names
        Of the runs that it is about, ``all`` for all; empty: the last one, and those that ran
        beside it.
    frames
        Number of redacted frames that it shows, at most.

    Raises
    ------
    SourceError
        The destination has no manifest.
    UsageError
        There is no run of such a name.
    """
    root = layout.manifest(destination)
    known = runs.read(root)
    if not known:
        raise SourceError(
            f"{destination} holds no manifest of a run: is this where `redact-dask run` published?"
        )
    chosen = runs.choose(known, names)
    told = [run.name for run in chosen]
    periods = Periods.over(min(run.began for run in chosen), max(run.ended for run in chosen))
    about_videos = videos.read(root, told, periods)
    about_tasks = tasks.read(root, told, periods, [row["video"] for row in about_videos.slowest])
    shown = contact_sheet.pictures(root, told, frames) if frames else None
    content = page.Content(
        storage.canonical(destination), known, chosen, periods, about_videos, about_tasks, shown
    )
    return page.render(content)
