"""The arguments and options that commands share, and the settings that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from redact_dask import config, detectors

_SETTINGS_OPTIONS = (
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
)

_JOB = (
    click.argument("source"),
    click.argument("dest"),
    *_SETTINGS_OPTIONS,
    click.option(
        "--include", metavar="PATTERN", multiple=True, help="Only paths below SOURCE like this."
    ),
    click.option("--exclude", metavar="PATTERN", multiple=True, help="No path like this."),
    click.option("--since", metavar="TIME", help="Only videos written then or later."),
    click.option("--shard", metavar="N/OF", help="Only this part, for runs side by side: 3/16."),
    click.option("--retry-failed", is_flag=True, help="Try videos again that are at fault."),
    click.option("--json", "as_json", is_flag=True, help="End with one JSON object."),
)


log_option = click.option(
    "--log", type=click.Choice(["text", "json"]), help="Tell each task and video on standard error."
)
"""Option of the commands that run tasks."""


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments that say what is redacted, where to, and how."""
    return _with(_JOB, command)


def settings_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that make its settings."""
    return _with(_SETTINGS_OPTIONS, command)


def _with(
    options: Sequence[Callable[[Callable[..., None]], Callable[..., None]]],
    command: Callable[..., None],
) -> Callable[..., None]:
    for decorate in reversed(options):
        command = decorate(command)
    return command


_SETTINGS = {
    "names": "detect.detectors",
    "profile": "profile",
    "include": "select.include",
    "exclude": "select.exclude",
    "since": "select.since",
    "shard": "select.shard",
    "retry_failed": "driver.retry_failed",
    "max_cost": "driver.max_cost",
    "time_limit": "driver.time_limit_s",
    "workers": "cluster.workers",
    "queue": "watch.queue",
    "log": "log",
}
"""Setting of each option that is one."""


def overrides_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the options make, nested."""
    overrides: dict[str, Any] = {}
    for name, value in options.items():
        if value is not None and value is not False and value != ():
            *sections, key = _SETTINGS[name].split(".")
            inner = overrides
            for section in sections:
                inner = inner.setdefault(section, {})
            inner[key] = value
    return overrides
