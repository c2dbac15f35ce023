"""The arguments and options that commands share, and the settings that the options set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from redact_dask import config, detectors
from redact_dask.config import Config


def _separated(
    _: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the names of all lists with commas, each name once."""
    names = [name.strip() for names in given for name in names.split(",")]
    if not all(names):
        raise click.BadParameter(
            f"a name is empty; write it as {option.opts[0]} faces,plates", param=option
        )
    return tuple(dict.fromkeys(names))


_SETTINGS_OPTIONS = (
    click.option("--config", "file", metavar="FILE", help="File of settings in YAML."),
    click.option(
        "--set",
        "assignments",
        metavar="SECTION.KEY=VALUE",
        multiple=True,
        help="One setting, which replaces that of the file.",
    ),
    click.option(
        "--hide",
        "--detector",
        "names",
        metavar="NAME,NAME",
        multiple=True,
        callback=_separated,
        help="What to hide, by the names of the detectors that find it: "
        f"{', '.join(detectors.names())}. What any of them finds is hidden.",
    ),
    click.option(
        "--profile",
        type=click.Choice([*config.PROFILES]),
        help="Profile that the settings start from.",
    ),
)

_RUN_OPTIONS = (
    click.argument("source"),
    click.argument("dest"),
    *_SETTINGS_OPTIONS,
    click.option(
        "--include",
        metavar="PATTERN",
        multiple=True,
        help="Take only videos whose path below SOURCE matches this pattern.",
    ),
    click.option(
        "--exclude",
        metavar="PATTERN",
        multiple=True,
        help="Leave out videos whose path below SOURCE matches this pattern.",
    ),
    click.option("--since", metavar="TIME", help="Take only videos written at this time or later."),
    click.option(
        "--shard",
        metavar="N/OF",
        help="Take only this share of the videos, such as 3/16, for runs side by side.",
    ),
    click.option(
        "--retry-failed",
        is_flag=True,
        help="Retry videos that an earlier run quarantined for what they are.",
    ),
    click.option(
        "--redo-before",
        metavar="VERSION",
        help="Make copies again that an earlier version of redact_dask than this one made.",
    ),
    click.option("--json", "as_json", is_flag=True, help="End the output with one JSON object."),
)

log_option = click.option(
    "--log", type=click.Choice(["text", "json"]), help="Log each task and video on standard error."
)
"""The option ``--log``, for the commands that run tasks."""


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments and options that say what is redacted, where to, and how."""
    return _with(_RUN_OPTIONS, command)


def settings_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that set its settings."""
    return _with(_SETTINGS_OPTIONS, command)


def store_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how DEST is reached."""
    return _with(_SETTINGS_OPTIONS[:2], command)


def settings_of(
    file: str | None,
    assignments: Iterable[str],
    options: Mapping[str, Any],
    source: str | None,
    dest: str | None,
) -> Config:
    """Return the settings that the options give, by which SOURCE and DEST are reached from now on.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key or value is wrong.
    """
    settings = config.load(file, assignments, overrides_of(options))
    settings.s3.use(source, dest, settings.work)
    return settings


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
    "redo_before": "driver.redo_before",
    "max_cost": "driver.max_cost",
    "time_limit": "driver.time_limit_s",
    "workers": "cluster.workers",
    "queue": "watch.queue",
    "log": "log",
}
"""Dotted key of the setting that each option sets, by the name of its Python parameter."""


def overrides_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the given options set, nested as in a configuration.

    >>> overrides_of({"workers": 4, "time_limit": None})
    {'cluster': {'workers': 4}}
    """
    overrides: dict[str, Any] = {}
    for name, value in options.items():
        if value is not None and value is not False and value != ():
            *sections, key = _SETTINGS[name].split(".")
            inner = overrides
            for section in sections:
                inner = inner.setdefault(section, {})
            inner[key] = value
    return overrides
