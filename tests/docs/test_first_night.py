"""The five commands of a first night, with the wheel, ``configs/`` and a bucket."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import boto3
import pytest
from installed import Installed
from project import ROOT

from redact_dask import storage

PAGE = (ROOT / "docs" / "pages" / "first-night.md").read_text()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_commands_make_a_night(
    installed: Installed, s3: str, carphone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = re.findall(r"^    (\S.*)$", PAGE.partition("\n## ")[0], re.MULTILINE)
    assert len(commands) == 5
    bucket = s3.removeprefix("s3://")
    boto3.client("s3").upload_file(str(carphone), bucket, "first/raw/day/car.mp4")
    shutil.copy(installed.wheel, tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    # `make release-check` takes the dependencies from their registry; here they are at hand.
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    for command in commands:
        here = command.replace("s3://", f"{s3}/first/")
        done = subprocess.run(
            ["bash", "-c", here],
            check=False,
            capture_output=True,
            cwd=tmp_path,
            env=installed.environment,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        for packages in tmp_path.glob(".venv/lib/*/site-packages"):
            (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    assert storage.exists(f"{s3}/first/redacted/day/car.mp4")
