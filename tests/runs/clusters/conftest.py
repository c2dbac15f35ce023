"""Fixtures of the runs on clusters that a class starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from installed import Installed
from project import ROOT
from ready import Fleet, digest, run_of


@pytest.fixture(scope="session")
def fleet(carphone: Path, installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A real clip, and what the wheel makes of it on this machine alone."""
    folder = tmp_path_factory.mktemp("alone")
    command = run_of(installed, carphone, folder, ROOT / "configs" / "local.yaml")
    options = ["--set", "cluster.dashboard=127.0.0.1:0", "--workers", "2"]
    subprocess.run([*command, *options], check=True, capture_output=True, env=installed.environment)
    return Fleet(carphone, installed, digest(folder / carphone.name))
