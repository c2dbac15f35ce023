"""The command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from redact_dask import (
    bench,
    cluster,
    config,
    dataset,
    detectors,
    inventory,
    plan,
    progress,
    storage,
)
from redact_dask.driver import Backfill, Summary
from redact_dask.errors import RunEnded, UsageError, VideoError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_QUARANTINED = 3
EXIT_GATE = 4


@click.group()
@click.version_option(package_name="redact-dask")
def main() -> None:
    """Remove every face from fleet video with Dask."""


_JOB = (
    click.argument("source"),
    click.argument("dest"),
    click.option("--config", "file", metavar="FILE", help="Settings in YAML."),
    click.option(
        "--set", "assignments", metavar="SECTION.KEY=VALUE", multiple=True, help="One setting."
    ),
    click.option(
        "--detector",
        "names",
        metavar="NAME",
        multiple=True,
        help=f"Who looks for what to hide: {', '.join(detectors.names())}. "
        "Repeated: boxes are united.",
    ),
    click.option(
        "--profile", type=click.Choice([*config.PROFILES]), help="What all settings start from."
    ),
    click.option("--json", "as_json", is_flag=True, help="End with one JSON object."),
)


def _of_a_job(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments that say what is redacted, where to, and how."""
    for decorate in reversed(_JOB):
        command = decorate(command)
    return command


@main.command()
@_of_a_job
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes on this machine.")
@click.option(
    "--max-cost",
    metavar="DOLLARS",
    type=click.FloatRange(min=0),
    help="What paid detectors may cost: a run that needs more does not begin.",
)
def run(
    source: str,
    dest: str,
    file: str | None,
    assignments: tuple[str, ...],
    names: tuple[str, ...],
    profile: str | None,
    as_json: bool,
    workers: int | None,
    max_cost: float | None,
) -> None:
    r"""Redact every video of SOURCE, and publish the copies in DEST.

    SOURCE is a video, a folder, a pattern with *, or an s3:// prefix; DEST is a folder or an s3://
    prefix, and mirrors SOURCE's paths. What an earlier run has published is skipped.

    \b
    Exit codes: 0 all videos are published; 2 a wrong argument or setting, nothing was done;
    3 some videos are quarantined; 1 anything else, what was done is kept.
    """
    console = Console(stderr=True)
    with _failures_told(console):
        overrides = _overrides(names, profile, workers, max_cost)
        settings = config.load(file, assignments, overrides)
        videos = inventory.take(source, dest)
        destination = storage.canonical(dest)
        with cluster.connected(settings.cluster) as client:
            dashboard = client.dashboard_link
            console.print(f"Dashboard: {dashboard}", soft_wrap=True)
            with progress.shown(console) as observe:
                summary = Backfill(client, destination, settings, observe).run(videos)
        _show(summary, dashboard, as_json)
    if summary.quarantined:
        sys.exit(EXIT_QUARANTINED)


@main.command(name="plan")
@_of_a_job
def tell_plan(
    source: str,
    dest: str,
    file: str | None,
    assignments: tuple[str, ...],
    names: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> None:
    r"""Tell what `run` would do with SOURCE and DEST, and what it would cost.

    Nothing is redacted or paid for; of many videos, some are probed.

    \b
    Exit codes: 0; 2 a wrong argument or setting; 1 anything else.
    """
    with _failures_told(Console(stderr=True)):
        settings = config.load(file, assignments, _overrides(names, profile, None, None))
        videos = inventory.take(source, dest)
        destination = storage.canonical(dest)
        todays = plan.plan(videos, destination, settings)
        needed = plan.estimate([plan.job(video, destination, settings) for video in todays.to_do])
    for video in todays.to_do:
        click.echo(f"would redact {video.path} ({video.size / 1e6:.1f} MB)")
    click.echo(f"{len(todays.to_do)} to do, {len(todays.skipped)} skipped")
    click.echo(
        f"{needed.frames:,} frames, {needed.seconds:,.1f} s of video "
        f"({needed.probed} of {needed.videos} videos probed)"
    )
    paid = f", ${needed.dollars:,.2f}" if settings.detect.is_paid else ""
    click.echo(f"{needed.looks:,} frames to be looked at{paid}")
    if as_json:
        counts = {"to_do": len(todays.to_do), "skipped": len(todays.skipped)}
        click.echo(json.dumps(counts | asdict(needed)))


@main.group(name="bench")
def measure() -> None:
    """Measure what redaction is worth."""


@measure.command()
@click.option(
    "--dataset", "folder", required=True, metavar="DIR", help="Clips and their truth.csv."
)
@click.option(
    "--config",
    "files",
    metavar="FILE",
    multiple=True,
    help="Settings in YAML. Repeated: they are compared. Default: the defaults.",
)
@click.option(
    "--profile",
    "profiles",
    type=click.Choice([*config.PROFILES]),
    multiple=True,
    help="A profile, compared like a file.",
)
@click.option(
    "--set", "assignments", metavar="SECTION.KEY=VALUE", multiple=True, help="One setting, for all."
)
@click.option(
    "--face-free", metavar="CLIP", multiple=True, help="A clip of DIR on which there is no face."
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
@click.option("--gate", "gate_file", metavar="FILE", help="Thresholds in YAML.")
def leakage(
    folder: str,
    files: tuple[str, ...],
    profiles: tuple[str, ...],
    assignments: tuple[str, ...],
    face_free: tuple[str, ...],
    as_json: bool,
    gate_file: str | None,
) -> None:
    r"""Redact annotated clips, and tell how many true faces stay visible.

    DIR holds clips and truth.csv with the columns clip, frame, track, x0, y0, x1, y1 (pixels),
    height (pixels), readable (0 or 1). Every clip that it names is redacted into a folder that is
    removed afterwards.

    \b
    Exit codes: 0 measured, and within the gate; 2 a wrong argument or setting, nothing was done;
    3 a clip was quarantined; 4 beyond a threshold of the gate; 1 anything else.
    """
    console = Console(stderr=True)
    with _failures_told(console):
        clips = dataset.read(Path(folder), face_free)
        gate = bench.read_gate(Path(gate_file), clips) if gate_file else bench.Gate()
        configs = {name: config.load(None, assignments, {"profile": name}) for name in profiles}
        configs |= {Path(file).stem: config.load(file, assignments) for file in files}
        if len(configs) < len(files) + len(profiles):
            raise UsageError("two --config files or profiles would give columns of the same name")
        configs = configs or {"defaults": config.load(assignments=assignments)}
        results = []
        for name, settings in configs.items():
            with progress.shown(console) as observe:
                results.append(bench.measure(clips, name, settings, observe))
    failures = [sentence for result in results for sentence in gate.failures(result)]
    Console().print(bench.table(results))
    for sentence in failures:
        click.echo(f"gate: {sentence}")
    if as_json:
        click.echo(json.dumps(bench.as_json(results, failures)))
    if failures:
        sys.exit(EXIT_GATE)


@contextmanager
def _failures_told(console: Console) -> Iterator[None]:
    """Tell what goes wrong in one sentence, and exit with its code."""
    try:
        yield
    except UsageError as error:
        _tell(console, str(error))
        sys.exit(EXIT_USAGE)
    except VideoError as error:
        _tell(console, str(error))
        sys.exit(EXIT_QUARANTINED)
    except RunEnded as error:
        _tell(console, f"{error}; the same command goes on from here")
        sys.exit(EXIT_FAILED)
    except storage.FAILURES as error:
        _tell(console, f"the store failed: {error}")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        console.print("Interrupted; the same command goes on from here.")
        sys.exit(EXIT_FAILED)


def _tell(console: Console, sentence: str) -> None:
    console.print(f"Error: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)


def _overrides(
    names: tuple[str, ...], profile: str | None, workers: int | None, max_cost: float | None
) -> dict[str, Any]:
    overrides: dict[str, Any] = {}
    if profile:
        overrides["profile"] = profile
    if names:
        overrides["detect"] = {"detectors": list(names)}
    if workers:
        overrides["cluster"] = {"workers": workers}
    if max_cost is not None:
        overrides["driver"] = {"max_cost": max_cost}
    return overrides


def _show(summary: Summary, dashboard: str, as_json: bool) -> None:
    for failure in summary.failures:
        click.echo(f"quarantined {failure.path} in {failure.stage}: {failure.reason}")
    for video in summary.salvaged:
        click.echo(
            f"salvaged {video.path}: {video.black} frames are black, {video.missing} are missing: "
            f"{video.reason}"
        )
    click.echo(
        f"{summary.published} published, {summary.quarantined} quarantined, "
        f"{summary.skipped} skipped, of {summary.videos} videos"
    )
    if summary.published:
        speed = summary.frames / summary.wall_s
        click.echo(
            f"{summary.frames} frames with {summary.faces} faces "
            f"in {summary.wall_s:.1f} s: {speed:.1f} frames/s"
        )
    if summary.usage.calls:
        click.echo(progress.describe_usage(summary.usage, summary.dollars))
    click.echo(f"output    {summary.output}")
    click.echo(f"manifest  {summary.manifest}")
    click.echo(f"dashboard {dashboard} (while the run lasts)")
    if as_json:
        click.echo(json.dumps(asdict(summary)))
