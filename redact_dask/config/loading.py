"""Reading nested settings from YAML files and assignments, and merging them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict

from redact_dask.errors import ConfigError


class Section(BaseModel):
    """A group of settings; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    def over(self, general: Self) -> Self:
        """Return general settings in which those that were given here replace the others."""
        given = {key: getattr(self, key) for key in self.model_fields_set}
        return general.model_copy(update=given)


def read(file: Path) -> dict[str, Any]:
    """Return the nested settings of a YAML file; raise `ConfigError` if they cannot be read."""
    try:
        settings = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {file}: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"the configuration {file} is not YAML: {_one_line(error)}") from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError(f"the configuration {file} must be a mapping of sections")
    return settings


def assigned(assignment: str) -> dict[str, Any]:
    """Return the nested settings of an assignment; raise `ConfigError` if it is malformed.

    >>> assigned("track.start=0.2")
    {'track': {'start': 0.2}}
    """
    key, equals, text = assignment.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {assignment}: write it as section.key=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"--set {assignment}: the value is not YAML: {_one_line(error)}"
        ) from None
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings in which those of ``over`` replace or extend those of ``base``.

    >>> merged({"track": {"start": 0.3, "gap_s": 1.0}}, {"track": {"start": 0.2}})
    {'track': {'start': 0.2, 'gap_s': 1.0}}
    """
    both = dict(base)
    for key, value in over.items():
        below = both.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            both[key] = merged(below, value)
        else:
            both[key] = value
    return both


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
