"""Removes every face from fleet video with Dask.

- `redact` does all: a source, a destination, a configuration.
- `Config` holds every setting; `load_config` reads it from a file.
- `Summary` and `Status` tell what a run did, and how far it is; `notebook_progress` shows that.
- `Detector` and `Box` are the contract for detectors of your own.
- `RedactError` and its children are what can go wrong.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from redact_dask import versions
from redact_dask.config import Config
from redact_dask.config import load as load_config
from redact_dask.detectors import Box, Detector
from redact_dask.errors import ConfigError, RedactError, SourceError, UsageError

if TYPE_CHECKING:
    from redact_dask.api import redact
    from redact_dask.driver.summary import Summary
    from redact_dask.monitoring.console import notebook as notebook_progress
    from redact_dask.monitoring.status import Status

__version__ = versions.own()

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

_OF_THE_DRIVER = {
    "redact": ("redact_dask.api", "redact"),
    "notebook_progress": ("redact_dask.monitoring.console", "notebook"),
    "Status": ("redact_dask.monitoring.status", "Status"),
    "Summary": ("redact_dask.driver.summary", "Summary"),
}


def __getattr__(name: str) -> object:
    # Workers import the package too, and have no use for the driver's libraries in their memory.
    if name in _OF_THE_DRIVER:
        module, attribute = _OF_THE_DRIVER[name]
        return getattr(import_module(module), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
