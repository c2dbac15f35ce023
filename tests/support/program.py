"""The command line, called in this process; and what a process of its own is told."""

from __future__ import annotations

from click.testing import CliRunner, Result

from redact_dask.cli.main import main

ALONE = ["--detector", "magenta", "--set", "encode.preset=ultrafast", "--workers", "1"]
ALONE += ["--set", "cluster.dashboard=127.0.0.1:0"]
"""Options of a quick run with one worker, whose dashboard has a port of its own."""


def invoke(*arguments: object) -> Result:
    """Call the program."""
    return CliRunner().invoke(main, [*map(str, arguments)])
