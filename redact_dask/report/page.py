"""Filling the page's template with what the manifest tells."""

from __future__ import annotations

import hashlib
import os.path
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from redact_dask import versions
from redact_dask.audit.audits import Audit
from redact_dask.audit.result import Result, percent
from redact_dask.monitoring.console import describe_tracks
from redact_dask.records import STAGES
from redact_dask.report import charts, formatting
from redact_dask.report.charts import Chart, Series
from redact_dask.report.contact_sheet import Picture
from redact_dask.report.runs import Run, Totals, wall_s
from redact_dask.report.tasks import Tasks
from redact_dask.report.time_bins import Periods
from redact_dask.report.videos import Videos

_FAILED = 200
"""Most rows of the table of failed videos."""
_OTHERS = 20
"""Most rows of the tables of runs, hosts and reasons."""


@dataclass(frozen=True, slots=True)
class Content:
    """All that a page shows."""

    destination: str
    """URL of the destination's root."""
    runs: Sequence[Run]
    """All runs of the destination, in the order in which they ended."""
    chosen: Sequence[Run]
    """The runs that the page is about."""
    periods: Periods
    videos: Videos
    tasks: Tasks
    pictures: Sequence[Picture] | None
    """Redacted frames to show; None: none were asked for."""
    audit: tuple[Audit, Result] | None = None
    """The last audit that people have judged, and its result; None: nobody has judged any."""


def render(content: Content) -> str:
    """Return the page as HTML, which loads nothing; every text from the manifest is escaped."""
    environment = Environment(
        loader=PackageLoader("redact_dask.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"tracks": describe_tracks, "percent": percent}
    environment.filters |= {
        name: getattr(formatting, name)
        for name in ("number", "size", "duration", "share", "dollars", "when", "clipped")
    }
    script = _file("page.js")
    failed = content.videos.failed
    kinds = Counter((row["stage"], row["error"]) for row in failed)
    shown = [*failed[:_FAILED], *content.videos.slowest]
    return environment.get_template("page.html").render(
        content=content,
        videos=content.videos,
        tasks=content.tasks,
        totals=sum((run.totals for run in content.chosen), Totals()),
        all_totals=sum((run.totals for run in content.runs), Totals()),
        began=min(run.began for run in content.chosen),
        ended=max(run.ended for run in content.chosen),
        wall_s=wall_s(content.chosen),
        all_wall_s=wall_s(content.runs),
        runs=content.runs[: -_OTHERS - 1 : -1],
        failed=failed[:_FAILED],
        kinds=kinds.most_common(_OTHERS),
        hosts=content.tasks.hosts[:_OTHERS],
        why_encoded=content.videos.why_encoded[:_OTHERS],
        folder=_folder([row["source"] for row in shown]),
        charts=_charts(content),
        width=charts.WIDTH,
        height=charts.HEIGHT,
        style=_file("house.css", "redact_dask.pages") + _file("page.css"),
        script=script,
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        made=datetime.now(UTC),
        version=versions.own(),
    )


def _charts(content: Content) -> list[Chart]:
    periods, tasks, videos = content.periods, content.tasks, content.videos
    analysed = Series("analysed", "detect", tasks.analysed / periods.length_s)
    rendered = Series("redacted", "render", tasks.rendered / periods.length_s)
    busy = [Series(name, name, tasks.busy[name] / periods.length_s) for name in STAGES]
    each = f"each {formatting.duration(periods.length_s)}"
    published = [Series("published", "ok", videos.published)]
    faces = [Series("faces", "faces", videos.faces)]
    of_published = f"faces in the videos published {each}"
    return [
        charts.steps("speed", "Throughput", "frames a second", [analysed, rendered], periods),
        charts.bars("busy", "Tasks at work", "tasks at a time", busy, periods),
        charts.bars("published", "Videos published", f"videos {each}", published, periods),
        charts.bars("faces", "Faces hidden", of_published, faces, periods),
    ]


def _folder(sources: Sequence[str]) -> str:
    """Return the deepest folder that holds all sources, with its slash; empty: there is none."""
    same = os.path.commonprefix([*sources])  # noqa: RUF071 (of URLs; cut at a slash below)
    return same[: same.rfind("/") + 1]


def _file(name: str, room: str = "redact_dask.report") -> str:
    """Return the text of a file in a room of the package."""
    return files(room).joinpath(name).read_text(encoding="utf-8")
