"""The root of the command line, which holds all commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class _Verb:
    """A command that is imported when it is called."""

    module: str
    name: str
    """Name of the command in the module."""
    summary: str
    """What the command does, for the list of commands."""

    def load(self) -> click.Command:
        """Return the command."""
        command: click.Command = getattr(import_module(f"redact_dask.cli.{self.module}"), self.name)
        return command


class _Group(click.Group):
    """A group of verbs: its help imports none of them, and a call imports one."""

    def __init__(self, *args: Any, verbs: Mapping[str, _Verb], **options: Any) -> None:
        super().__init__(*args, **options)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self._verbs])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = self._verbs.get(cmd_name)
        return verb.load() if verb else super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            if name in self._verbs:
                summary = self._verbs[name].summary
            else:
                summary = self.commands[name].get_short_help_str(formatter.width)
            rows.append((name, summary))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=_Group,
    verbs={
        "audit": _Verb("audit", "audit", "Let people judge a sample, and bound what leaks."),
        "doctor": _Verb("doctor", "examine", "Tell whether the cluster is ready for a run."),
        "plan": _Verb("plan", "tell_plan", "Tell what `run` would do, and what it would cost."),
        "report": _Verb("report", "write_report", "Write one HTML page about what was done."),
        "run": _Verb("run", "run", "Redact every video of SOURCE once."),
        "verify": _Verb("verify", "verify", "Check what was published against the manifest."),
        "watch": _Verb("watch", "watch", "Redact each video that lands in SOURCE."),
    },
)
@click.version_option(package_name="redact-dask")
def main() -> None:
    """Remove every face from fleet video with Dask."""


@main.group(
    cls=_Group,
    name="bench",
    verbs={
        "leakage": _Verb("bench_leakage", "leakage", "Tell how many true faces stay visible."),
        "sizes": _Verb("bench_sizes", "sizes", "Measure worker shapes, and predict machines."),
    },
)
def measure() -> None:
    """Measure how well redaction works, and what it takes."""


@main.group(
    cls=_Group,
    name="review",
    verbs={
        "export": _Verb("review_export", "export", "Write what is hidden for another tool."),
        "import": _Verb("review_import", "import_file", "Take up what another tool has changed."),
        "list": _Verb("review_list", "list_doubts", "Tell which copies to look at first."),
        "open": _Verb("review_open", "open_page", "Look again, and edit what is hidden."),
    },
)
def review() -> None:
    """Look where there is reason to doubt, and change what is hidden."""
