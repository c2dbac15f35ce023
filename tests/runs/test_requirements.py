"""What the image installs is pinned by version and hashes, within the ranges of the project."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from project import ROOT

PINNED = (ROOT / "configs" / "requirements.txt").read_text()
LINES = [
    line
    for line in re.sub(r"\\\n\s*", "", PINNED).splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSIONS = dict(line.split()[0].partition("==")[::2] for line in LINES)
EXTRAS = re.findall(r"--extra (\w+)", (ROOT / "Makefile").read_text())


def wanted() -> Iterator[Requirement]:
    """Yield what the project asks for with the extras of the image."""
    yield from map(Requirement, PROJECT["dependencies"])
    for extra in EXTRAS:
        yield from map(Requirement, PROJECT["optional-dependencies"][extra])


def test_every_line_pins_one_version_by_its_hashes() -> None:
    pin = r"[a-z0-9-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+"
    assert len(LINES) > 50
    assert [line for line in LINES if not re.fullmatch(pin, line)] == []


def test_no_host_and_no_path_is_named() -> None:
    assert "/" not in PINNED


def test_every_dependency_is_pinned_within_its_range() -> None:
    assert len(VERSIONS) == len(LINES)
    for requirement in wanted():
        version = VERSIONS[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement}: {version}"
        for extra in requirement.extras:
            for needed in map(Requirement, metadata.requires(requirement.name) or []):
                if needed.marker and needed.marker.evaluate({"extra": extra}):
                    assert canonicalize_name(needed.name) in VERSIONS, f"{requirement}: {needed}"


def test_the_extras_of_clusters_that_run_the_image_are_pinned() -> None:
    of_image = [path.read_text() for path in (ROOT / "configs").glob("*.yaml")]
    needed = {
        extra
        for text in of_image
        if "configs/Dockerfile" in text
        for extra in re.findall(r"redact-dask\[(\w+)\]", text)
    }
    assert needed == {"aws", "gateway", "kubernetes"}
    assert needed < {*EXTRAS}
