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


DECIDING = (PACKAGE, "av", "openvino", "opencv-python-headless", "numpy")
"""Those of them that decide what is found in a picture, and what is hidden how."""


@cache
def own() -> str:
    """Return the version of this package."""
    return version(PACKAGE)


def deciding() -> str:
    """Return names and versions of `DECIDING`: what others have made is not mixed with ours."""
    return ", ".join(f"{name} {installed().get(name)}" for name in DECIDING)


@cache
def installed() -> dict[str, str]:
    """Return the versions of Python and of the packages in `SOFTWARE` installed here, by name."""
    found = {"python": platform.python_version()}
    for name in SOFTWARE:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
