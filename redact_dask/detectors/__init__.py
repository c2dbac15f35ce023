"""Detectors by name.

A package offers a detector as an entry point of the group ``redact_dask.detectors``, which names a
class that keeps the contract `Detector`. The project's own detectors register in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from pydantic import BaseModel, ValidationError

from redact_dask.detectors.base import Box, Detector
from redact_dask.errors import ConfigError

__all__ = ["Box", "Detector", "check_options", "create", "names"]

GROUP = "redact_dask.detectors"


def names() -> tuple[str, ...]:
    """Return the names of all installed detectors, sorted."""
    return tuple(sorted(entry_points(group=GROUP).names))


def create(name: str, options: Mapping[str, object]) -> Detector:
    """Build a detector, with its model loaded.

    Parameters
    ----------
    name
        One of `names`.
    options
        Settings of that detector; what is left out has its default.

    Raises
    ------
    ConfigError
        The name is unknown, or an option is unknown or wrong; the sentence names it.
    """
    detector = _load(name)
    return detector(_parse(name, detector, options))


def check_options(name: str, options: Mapping[str, object]) -> None:
    """Raise what `create` would raise for this name and these options, without loading a model."""
    _parse(name, _load(name), options)


def _load(name: str) -> type[Detector]:
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise ConfigError(f"no detector is called {name}; installed are: {', '.join(names())}")
    detector: type[Detector] = found[name].load()
    return detector


def _parse(name: str, detector: type[Detector], options: Mapping[str, object]) -> BaseModel:
    try:
        return detector.Options.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(["detect", "options", name, *map(str, first["loc"])])
        if first["type"] == "extra_forbidden":
            known = ", ".join(detector.Options.model_fields) or "none"
            raise ConfigError(f"unknown configuration key {key}; known here: {known}") from None
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"configuration key {key}: {message}") from None
