"""Carries out a run on the command line: its progress, the signals that end it, its summary."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from types import FrameType
from typing import TYPE_CHECKING

import click
from rich.console import Console

from redact_dask import versions
from redact_dask.cli.exit_codes import EXIT_FAILED, EXIT_QUARANTINED
from redact_dask.cluster import connect
from redact_dask.config import Config
from redact_dask.monitoring.console import (
    describe_lag,
    describe_tracks,
    describe_usage,
    one_line,
    show_progress,
)
from redact_dask.records import Video
from redact_dask.sources.passed_over import PassedOver

if TYPE_CHECKING:
    from redact_dask.driver.summary import Summary


def carry_out(
    videos: Iterable[Video],
    passed_over: PassedOver,
    dest: str,
    settings: Config,
    console: Console,
    started: float | None,
    *,
    as_json: bool,
) -> None:
    """Redact videos, and exit with the code that says how it went.

    Parameters
    ----------
    videos
        Videos of the source.
    passed_over
        What the source holds besides, as far as it is listed.
    dest
        Folder or ``s3://`` prefix in which the copies are published.
    settings
        All settings of the run.
    console
        Console that shows the progress.
    started
        When the command began, seconds of `time.monotonic`; None: now.
    as_json
        Whether the output ends with one JSON object.
    """
    connect.warm_up(settings.cluster)
    # Meanwhile, this process loads what it needs itself.
    from redact_dask import api  # noqa: PLC0415

    # If the scheduler goes, the run says so in one sentence; Dask's client would log many lines.
    for name in ("distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with (
        show_progress(console) as show,
        api.prepared_run(videos, dest, settings, observe=show, started=started) as run,
    ):
        dashboard = run.dashboard
        console.print(f"Dashboard: {dashboard}", soft_wrap=True)
        with _drained_by_signals(run.drain, console):
            summary = replace(run.process(), passed_over=str(passed_over))
    _show(summary, dashboard, as_json)
    if summary.left:
        sys.exit(EXIT_FAILED)
    if summary.quarantined or summary.failed:
        sys.exit(EXIT_QUARANTINED)


@contextmanager
def _drained_by_signals(drain: Callable[[], None], console: Console) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM drain the run, and the next one end it at once."""

    def on_signal(number: int, _: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.default_int_handler)
        name = signal.Signals(number).name
        console.print(f"{name}: finishing the videos in flight; once more ends the run at once")
        drain()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, on_signal)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(summary: Summary, dashboard: str, as_json: bool) -> None:
    _show_videos(summary)
    _show_counts(summary)
    click.echo(f"output    {summary.output}")
    click.echo(f"manifest  {summary.manifest}")
    click.echo(f"dashboard {dashboard} (while the run lasts)")
    if as_json:
        click.echo(json.dumps(asdict(summary)))


def _show_videos(summary: Summary) -> None:
    for failure in summary.failures:
        where = f"{failure.path} in {failure.stage} (fault of the {failure.blame})"
        sentence = f"quarantined {where}: {failure.reason}"
        click.echo(one_line(sentence))
    if summary.quarantined > len(summary.failures):
        click.echo(f"and {summary.quarantined - len(summary.failures)} more: see the manifest")
    for video in summary.salvaged:
        sentence = (
            f"salvaged {video.path}: {video.black} frames are black, {video.missing} are missing: "
            f"{video.reason}"
        )
        click.echo(one_line(sentence))


def _show_counts(summary: Summary) -> None:
    click.echo(
        f"{summary.published} published, {summary.quarantined} quarantined, "
        f"{summary.skipped} skipped, of {summary.videos} videos"
    )
    if summary.outdated:
        click.echo(
            f"{summary.outdated} of the skipped videos have copies of another version; "
            f"--redo-before {versions.own()} makes those of earlier ones again"
        )
    if summary.passed_over:
        click.echo(one_line(f"passed over: {summary.passed_over}"))
    for sentence in summary.unused_zones:
        click.echo(one_line(f"{sentence}: it hides and shows nothing"))
    if summary.failed:
        click.echo(
            f"{summary.failed} quarantined by an earlier run; --retry-failed tries them again"
        )
    if summary.left:
        click.echo(f"{summary.left} left for the next run")
    if summary.published:
        speed = summary.frames / summary.wall_s
        click.echo(
            f"{summary.frames} frames with {describe_tracks(summary.tracks)} "
            f"in {summary.wall_s:.1f} s: {speed:.1f} frames/s"
        )
    if summary.lags:
        click.echo(f"{describe_lag(summary.lags)} of the last {len(summary.lags)}")
    if summary.usage.calls:
        click.echo(describe_usage(summary.usage, summary.dollars))
