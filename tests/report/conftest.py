"""Fixtures: a manifest of a real run with a failure, and rows made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from fixture_types import MakeClip, WriteRows
from made_up import TASK, VIDEO
from magenta import MAGENTA, RAISING

import redact_dask
from redact_dask import Summary, manifest
from redact_dask.storage import layout


@pytest.fixture
def write(tmp_path: Path) -> WriteRows:
    """Write videos, each with changes to a row, and tasks; gives the destination."""

    def to_manifest(
        run: str, *videos: Mapping[str, Any], tasks: tuple[Mapping[str, Any], ...] = ()
    ) -> str:
        destination = str(tmp_path / "redacted")
        writer = manifest.Writer(layout.manifest(destination), run)
        for number, changes in enumerate(videos):
            writer.add({"videos": [{"video": f"{number:016x}"} | VIDEO | changes]})
        for changes in tasks:
            writer.add({"chunks": [{"video": f"{0:016x}"} | TASK | changes]})
        writer.close()
        return destination

    return to_manifest


@dataclass(frozen=True)
class Night:
    """A real run."""

    source: Path
    destination: Path
    summary: Summary


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip, client: Client) -> Night:
    """Two videos that are published, one of them longer, and one that is not."""
    folder = tmp_path_factory.mktemp("night")
    source = folder / "fleet"
    make_clip(source / "a.mp4", frames=30, audio=False)
    make_clip(source / "car <b>1<br> & co" / "b.mkv", frames=90)
    make_clip(source / "blue.mp4", frames=60, blue_frame=40, audio=False)
    config = MAGENTA | {"detect": RAISING, "redact": {"style": "solid"}}
    summary = redact_dask.redact(source, folder / "redacted", config, client)
    return Night(source, folder / "redacted", summary)
