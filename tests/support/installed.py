"""The package as a wheel that is installed in an environment of its own, far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from project import ROOT


class Installed:
    """An environment with the wheel; what the wheel depends on is that of this environment.

    Parameters
    ----------
    folder
        Empty: for the wheel and the environment.
    """

    def __init__(self, folder: Path) -> None:
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder]
        subprocess.run([*build, ROOT], check=True, capture_output=True)
        (self.wheel,) = folder.glob("*.whl")
        self.folder = folder / "environment"
        self.python = self.folder / "bin" / "python"
        make = [sys.executable, "-m", "venv", "--without-pip", self.folder]
        subprocess.run(make, check=True)
        (packages,) = self.folder.glob("lib/*/site-packages")
        # A plain path: the editable installation that is named there is not followed.
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-index", self.wheel], check=True)
        self.program = self.folder / "bin" / "redact-dask"

    @property
    def environment(self) -> dict[str, str]:
        """What processes have that may not see the checkout."""
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
