"""Finding and building the installed detectors by name.

A package offers a detector as an entry point of the group ``redact_dask.detectors``, which names a
class that keeps the contract `Detector`. The project's own detectors register in the same way.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from pydantic import BaseModel, ValidationError

from redact_dask import validation
from redact_dask.detectors.base import Box, Detector, PaidOptions
from redact_dask.errors import ConfigError

__all__ = ["Box", "Detector", "create", "load", "names", "options", "weights"]

# When it is loaded, OpenVINO writes an ID to the home and sends it to Google Analytics, unless this
# package of it is missing: so Python is told that it is.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

GROUP = "redact_dask.detectors"
"""Group of the entry points by which packages offer detectors."""


def names() -> tuple[str, ...]:
    """Return the names of all installed detectors, sorted."""
    return tuple(sorted(entry_points(group=GROUP).names))


def create(name: str, settings: Mapping[str, object]) -> Detector:
    """Build a detector and load its model.

    Parameters
    ----------
    name
        One of `names`.
    settings
        Options of that detector; one that is left out has its default.

    Raises
    ------
    ConfigError
        The name is unknown, or an option is unknown or wrong; the message names it.
    """
    return load(name)(options(name, settings))


def options(name: str, settings: Mapping[str, object]) -> BaseModel:
    """Check the options of a detector, and return them, without loading its model.

    Raises
    ------
    ConfigError
        See `create`.
    """
    try:
        found = load(name).Options.model_validate(dict(settings))
    except ValidationError as error:
        options_of, prefix = load(name).Options, f"detect.options.{name}"
        raise ConfigError(validation.sentence(error, options_of, prefix)) from None
    # Else a detector that has a price, but does not keep the contract, would be taken for free.
    if hasattr(found, "dollars") and not isinstance(found, PaidOptions):
        raise ConfigError(
            f"the detector {name} has a price, but does not tell the calls of some looks "
            "(usage_of); update its package"
        )
    return found


@cache
def weights() -> dict[str, str]:
    """Return the SHA-256 of each file of weights that the package brings, by its name."""
    files = sorted(Path(__file__).with_name("weights").glob("*.onnx"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@cache
def load(name: str) -> type[Detector]:
    """Return the class of a detector; raise `ConfigError` if none has the name."""
    # Cached, because the search reads a file of each installed package.
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise ConfigError(f"no detector is called {name}; installed are: {', '.join(names())}")
    detector: type[Detector] = found[name].load()
    return detector
