"""Removes every face from fleet video with Dask.

- `redact` redacts the videos of a source into a destination, as a configuration says.
- `Config` holds every setting; `load_config` reads it from a file.
- `Summary` tells what a run did, and `Status` how far it is; `notebook_progress` shows the status.
- `Detector` and `Box` are the contract for detectors of your own.
- `RedactError` and its subclasses are the errors that the package raises on purpose.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from redact_dask.errors import ConfigError, RedactError, SourceError, UsageError

if TYPE_CHECKING:
    from redact_dask.api import redact
    from redact_dask.config import Config
    from redact_dask.config import load as load_config
    from redact_dask.detectors import Box, Detector
    from redact_dask.driver.summary import Summary
    from redact_dask.monitoring.console import notebook as notebook_progress
    from redact_dask.monitoring.status import Status

    __version__: str

__all__ = [
    "Box",
    "Config",
    "ConfigError",
    "Detector",
    "RedactError",
    "SourceError",
    "Status",
    "Summary",
    "UsageError",
    "__version__",
    "load_config",
    "notebook_progress",
    "redact",
]

_MODULES = {
    "Box": ("detectors", "Box"),
    "Config": ("config", "Config"),
    "Detector": ("detectors", "Detector"),
    "Status": ("monitoring.status", "Status"),
    "Summary": ("driver.summary", "Summary"),
    "load_config": ("config", "load"),
    "notebook_progress": ("monitoring.console", "notebook"),
    "redact": ("api", "redact"),
}
"""Module below this package that holds each name, and what it is called there."""


def __getattr__(name: str) -> object:
    # The command line and workers import the package too, and should load only what they need.
    if name in _MODULES:
        module, attribute = _MODULES[name]
        return getattr(import_module(f"redact_dask.{module}"), attribute)
    if name == "__version__":
        return import_module("redact_dask.versions").own()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
