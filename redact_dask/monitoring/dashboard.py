"""Shows the runs on a cluster as a page and as metrics, beside Dask's own dashboard.

The scheduler serves ``/redact`` for people and ``/redact/metrics`` for Prometheus, at the address
of its dashboard: no other port needs to be opened. The driver of each run sends the figures to the
scheduler as events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Any

from distributed import Scheduler, SchedulerPlugin
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from tornado.web import RequestHandler

TOPIC = "redact-dask-run"
"""Topic of these events."""
SILENT_S = 60.0
"""Time without an event after which a driver may be gone, seconds."""
_RUNS = 20
"""Most runs that are shown, the latest first."""

Value = float | str | bool | None
Snapshot = Mapping[str, Value]
"""What one event holds: ``destination``, ``shard``, ``ended``, ``share`` (0 to 1), and a number, or
None where it is not known, for each of `FIGURES`."""


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _duration(value: float) -> str:
    return str(timedelta(seconds=round(value)))


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a run."""

    key: str
    """Key in a `Snapshot`, from which the name of the metric is made."""
    title: str
    text: Callable[[float], str] = _count
    """Function that turns the number into text for the page."""
    grows: bool = False
    """Whether the number only grows while a run lasts: then its metric is a counter, else a gauge.
    """


FIGURES = (
    Figure("published", "Videos published", grows=True),
    Figure("quarantined", "Videos quarantined", grows=True),
    Figure("skipped", "Videos done by earlier runs"),
    Figure("failed", "Videos at fault in earlier runs"),
    Figure("left", "Videos left, of those listed so far"),
    Figure("frames", "Frames published", grows=True),
    Figure("faces", "Faces hidden", grows=True),
    Figure("others", "Things of other labels hidden", grows=True),
    Figure("frames_per_second", "Frames a second", lambda value: f"{value:,.1f}"),
    Figure("calls", "Calls of a paid service", grows=True),
    Figure("throttled", "Calls throttled", grows=True),
    Figure("retried", "Calls tried again", grows=True),
    Figure("dollars", "US dollars spent", lambda value: f"{value:,.2f}", grows=True),
    Figure("lag_seconds", "Lag from landing to copy, median", _duration),
    Figure("elapsed_seconds", "Since the start", _duration),
    Figure("left_seconds", "Time left", _duration),
)


class Dashboard(SchedulerPlugin):
    """Keeps the last event of each run on the scheduler, and shows it."""

    name = "redact-dask-dashboard"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Add the page and the metrics to the scheduler, once the first driver has connected."""
        self._heard: dict[tuple[Value, Value], tuple[float, Snapshot]] = {}
        about = {"dashboard": self}
        pages = [(r"/redact", _Page, about), (r"/redact/metrics", _Metrics, about)]
        scheduler.http_application.add_handlers(r".*", pages)

    def log_event(self, topic: str, msg: Any) -> None:
        """Keep an event of `TOPIC`; Dask passes on the events of all topics."""
        if topic == TOPIC:
            # A destination has one run at a time, or one for each shard.
            place = (msg["destination"], msg["shard"])
            self._heard.pop(place, None)
            self._heard[place] = (time.time(), msg)
            while len(self._heard) > _RUNS:
                del self._heard[next(iter(self._heard))]

    def runs(self) -> list[tuple[float, Snapshot]]:
        """Return the time of each run's last event, seconds since the epoch, and what it held."""
        return [*reversed(self._heard.values())]


class _Metrics(RequestHandler):
    def initialize(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    def get(self) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Runs(self._dashboard.runs()))
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.write(generate_latest(registry))


class _Runs(Collector):
    """Turns the last events of the runs into metrics."""

    def __init__(self, runs: list[tuple[float, Snapshot]]) -> None:
        self._runs = runs

    def collect(self) -> Iterator[Metric]:
        labels = ["destination", "shard"]
        running = GaugeMetricFamily("redact_dask_running", "Whether the run goes on", labels=labels)
        told = GaugeMetricFamily(
            "redact_dask_told_timestamp_seconds", "When the driver last told of it", labels=labels
        )
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {
            figure.key: (CounterMetricFamily if figure.grows else GaugeMetricFamily)(
                f"redact_dask_{figure.key}", figure.title, labels=labels
            )
            for figure in FIGURES
        }
        for when, run in self._runs:
            values = [str(run[label]) for label in labels]
            running.add_metric(values, float(not run["ended"]))
            told.add_metric(values, when)
            for key, family in families.items():
                value = run[key]
                if isinstance(value, int | float):
                    family.add_metric(values, value)
        yield from (running, told, *families.values())


class _Page(RequestHandler):
    def initialize(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    def get(self) -> None:
        runs = [_section(time.time() - when, run) for when, run in self._dashboard.runs()]
        self.write(_PAGE.format(runs="".join(runs) or "<p>No run has begun.</p>"))


def _section(age: float, run: Snapshot) -> str:
    """Return a run's part of the page, ``age`` seconds after its last event."""
    state = "Running"
    if run["ended"]:
        state = "Ended"
    elif age > SILENT_S:
        state = f"No word from the driver for {_duration(age)}: it may be gone"
    rows = "".join(
        f"<div><dt>{figure.title}</dt><dd>{figure.text(value)}</dd></div>"
        for figure in FIGURES
        if isinstance(value := run[figure.key], int | float)
    )
    shard = f", shard {escape(str(run['shard']))}" if run["shard"] else ""
    return (
        f"<section><h2>{escape(str(run['destination']))}{shard}</h2>"
        f"<p>{state}.</p>"
        f'<progress value="{run["share"]}" aria-label="share of the work"></progress>'
        f"<dl>{rows}</dl></section>"
    )


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>redact_dask</title>
<noscript><meta http-equiv="refresh" content="5"></noscript>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
body {{ max-width: 60rem; margin: 0 auto; padding: 1rem; }}
h2 {{ overflow-wrap: anywhere; font-size: 1.1rem; margin-bottom: 0; }}
progress {{ width: 100%; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem; }}
dt {{ font-size: .85rem; }}
dd {{ margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }}
</style>
<h1>redact_dask</h1>
<nav><a href="/status">Dask's dashboard</a> · <a href="/redact/metrics">metrics</a></nav>
<main>{runs}</main>
<script>
setInterval(async () => {{
  const page = new DOMParser().parseFromString(
    await (await fetch(location)).text(), "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
}}, 2000);
</script>
</html>
"""
