"""``redact-dask audit``: people judge a sample of published frames, and a bound follows."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console

from redact_dask import storage
from redact_dask.audit import answers, audits, result
from redact_dask.audit.audits import Audit
from redact_dask.audit.result import Result
from redact_dask.audit.server import Server
from redact_dask.audit.session import Session
from redact_dask.cli import serving
from redact_dask.cli.exit_codes import exit_on_error
from redact_dask.cli.options import settings_of, store_options
from redact_dask.errors import SourceError


@click.command(name="audit")
@click.argument("dest")
@click.option(
    "--frames",
    metavar="N",
    type=click.IntRange(min=audits.LEAST),
    default=audits.FRAMES,
    show_default=True,
    help="Number of frames to draw.",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Decides which frames are drawn; another seed begins another audit.",
)
@click.option("--as", "judge", metavar="NAME", help="Who judges. Default: your user name.")
@click.option(
    "--judge",
    "detector",
    metavar="DETECTOR",
    help="Another detector, whose finds are marked on each frame. Default: none.",
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the page on this machine. Default: one that is free.",
)
@click.option(
    "--result",
    "only_result",
    is_flag=True,
    help="Print the result of the last audit; judge nothing.",
)
@store_options
@click.option("--json", "as_json", is_flag=True, help="End the output with one JSON object.")
def audit(
    dest: str,
    frames: int,
    seed: int,
    judge: str | None,
    detector: str | None,
    port: int,
    only_result: bool,
    file: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Let people judge a sample of DEST's frames, and bound how much leaks.

    The command draws frames from the published copies, and serves a page to browsers of this
    machine until somebody interrupts it. The next call goes on where the last one has stopped.

    \b
    Exit codes: 0 done; 2 a wrong argument, or DEST has no published video; 1 anything else.
    """
    console = Console(stderr=True)
    with exit_on_error(console):
        settings_of(file, assignments, {}, None, dest)
        destination = storage.canonical(dest)
        if not only_result:
            sample = audits.opened(destination, frames, seed)
            _tell_sample(destination, sample)
            _serve(sample, judge or serving.user(), detector, port)
            found = result.result(sample, answers.read(sample))
        elif last := result.last(destination):
            sample, found = last
            _tell_sample(destination, sample)
        else:
            raise SourceError(f"nobody has judged {destination}: leave out --result to begin")
        _tell(found)
    if as_json:
        click.echo(json.dumps(asdict(found) | {"bound_per_hour": found.bound_per_hour}))


def _tell_sample(destination: str, sample: Audit) -> None:
    click.echo(
        f"sample    {len(sample.items):,} of {sample.all_frames:,} frames, of {sample.videos:,} "
        f"videos, drawn {sample.drawn[:16].replace('T', ' ')} UTC with seed {sample.seed}"
    )
    if newer := audits.published_since(destination, sample):
        click.echo(f"newer     {newer:,} videos are not in it; another --seed draws from all")


def _serve(sample: Audit, judge: str, detector: str | None, port: int) -> None:
    """Serve the page until somebody interrupts it."""
    session = Session(sample, judge, detector)
    try:
        serving.serve(Server(session, port), "every answer")
    finally:
        session.close()


def _tell(found: Result) -> None:
    judges = ", ".join(found.judges) or "nobody"
    click.echo(
        f"judged    {found.judged:,} of {found.drawn:,} frames by {judges}: "
        f"{found.leaks:,} leaks, {found.unsure:,} unsure"
    )
    for one in found.strata:
        if one.frames:
            click.echo(
                f"          {one.title}: {one.leaks} leaks and {one.unsure} unsure in "
                f"{one.judged:,} of {one.drawn:,}; at most {result.percent(one.bound)} leak"
            )
    for pair in found.agreements:
        kappa = "" if pair.kappa is None else f", Cohen's kappa {pair.kappa:.2f}"
        click.echo(
            f"agreement {' and '.join(pair.judges)}: {pair.alike:,} of {pair.frames:,} alike{kappa}"
        )
    click.echo(f"bound     {found.sentence}")
