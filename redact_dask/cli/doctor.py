"""``redact-dask doctor``: tells whether the cluster is ready for a run."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console

from redact_dask.cli.exit_codes import EXIT_FAILED, exit_on_error
from redact_dask.cli.options import settings_of, settings_options
from redact_dask.cluster import doctor
from redact_dask.errors import UsageError


@click.command(name="doctor")
@click.argument("source", required=False)
@click.argument("dest", required=False)
@settings_options
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes on this machine.")
@click.option("--json", "as_json", is_flag=True, help="End the output with one JSON object.")
def examine(
    source: str | None,
    dest: str | None,
    file: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Tell whether the cluster is ready for a run.

    Each question is answered by one line: ok, or what to do.

    With SOURCE and DEST, also tell whether the driver and every worker can read and write there.
    Nothing is redacted or paid for.

    \b
    Exit codes: 0 all is well; 2 a wrong argument or setting; 1 something is not well.
    """
    with exit_on_error(Console(stderr=True)):
        if source and not dest:
            raise UsageError("a SOURCE needs a DEST beside it")
        settings = settings_of(file, assignments, options, source, dest)
        found = []
        for finding in doctor.findings(source, dest, settings):
            found.append(finding)
            click.echo(f"{'ok' if finding.ok else 'WRONG':6}{finding.topic:12}{finding.text}")
    if as_json:
        click.echo(json.dumps({"findings": [asdict(finding) for finding in found]}))
    if not all(finding.ok for finding in found):
        sys.exit(EXIT_FAILED)
