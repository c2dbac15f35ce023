"""The root of the command line, which holds all commands."""

from __future__ import annotations

import click

from redact_dask.cli.bench_leakage import leakage
from redact_dask.cli.bench_sizes import sizes
from redact_dask.cli.doctor import examine
from redact_dask.cli.plan import tell_plan
from redact_dask.cli.report import write_report
from redact_dask.cli.run import run
from redact_dask.cli.watch import watch


@click.group()
@click.version_option(package_name="redact-dask")
def main() -> None:
    """Remove every face from fleet video with Dask."""


@main.group(name="bench")
def measure() -> None:
    """Measure how well redaction works, and what it takes."""


main.add_command(run)
main.add_command(watch)
main.add_command(tell_plan)
main.add_command(examine)
main.add_command(write_report)
measure.add_command(leakage)
measure.add_command(sizes)
