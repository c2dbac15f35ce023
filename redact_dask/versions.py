"""Names and versions of the software that decides what a run does, in one list for all uses."""

from __future__ import annotations

import platform
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGE = "redact-dask"
SOFTWARE = (
    PACKAGE,
    "dask",
    "distributed",
    "av",
    "openvino",
    "opencv-python-headless",
    "imageio-ffmpeg",
    "numpy",
    "fsspec",
    "s3fs",
)
"""Packages whose versions the manifest records, and which must be the same on all machines."""


def own() -> str:
    """Return the version of this package."""
    return version(PACKAGE)


@cache
def installed() -> dict[str, str]:
    """Return the versions of Python and of the packages in `SOFTWARE` installed here, by name."""
    found = {"python": platform.python_version()}
    for name in SOFTWARE:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
