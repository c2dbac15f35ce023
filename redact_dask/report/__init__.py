"""The report: one HTML file about the runs of a destination, made from its manifest.

The file is self-contained and loads nothing, and its size does not grow with the number of videos.
It holds pictures only on request, and only from published copies.
"""

from __future__ import annotations

from collections.abc import Collection

from redact_dask import storage
from redact_dask.audit import result
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
        Names of the runs to report on; ``all`` stands for all of them. Empty: the last run, and
        those that ran at the same time.
    frames
        Most redacted frames that the report shows.

    Raises
    ------
    SourceError
        The destination has no manifest.
    UsageError
        No run has one of the names.
    """
    root = layout.manifest(destination)
    known = runs.read(root)
    if not known:
        raise SourceError(
            f"{destination} holds no manifest of a run: is this where `redact-dask run` published?"
        )
    chosen = runs.choose(known, names)
    chosen_names = [run.name for run in chosen]
    periods = Periods.over(min(run.began for run in chosen), max(run.ended for run in chosen))
    about_videos = videos.read(root, chosen_names, periods)
    slowest = [row["video"] for row in about_videos.slowest]
    about_tasks = tasks.read(root, chosen_names, periods, slowest)
    shown = contact_sheet.pictures(root, chosen_names, frames) if frames else None
    last = result.last(destination)
    content = page.Content(
        storage.canonical(destination),
        known,
        chosen,
        periods,
        about_videos,
        about_tasks,
        shown,
        last,
    )
    return page.render(content)
