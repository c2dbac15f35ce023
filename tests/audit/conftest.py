"""A destination whose copies are made here: nothing was redacted, so everything leaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixture_types import MakeClip
from made_up import VIDEO
from published_rows import name, regions, write

from redact_dask import storage
from redact_dask.audit import audits
from redact_dask.audit.audits import Audit


@pytest.fixture(scope="session")
def redacted(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two published copies with 90 frames each; the second one has a region on frames 30 to 59."""
    folder = tmp_path_factory.mktemp("audited") / "redacted"
    rows = []
    for number in range(2):
        path = f"car {number}/night <b>.mp4"
        copy = make_clip(folder / path)
        row = {
            "video": name(number),
            "path": path,
            "output": storage.canonical(str(copy)),
            "frames": 90,
        }
        row |= {"frames": 90, "duration_s": 3.0}
        rows.append(VIDEO | row | {"bytes_out": copy.stat().st_size})
    write(folder, {"videos": rows, "regions": regions(name(1), range(30, 60))})
    return folder


@pytest.fixture
def audit(redacted: Path, tmp_path: Path) -> Audit:
    """An audit of 20 frames that nobody has judged, whose answers lie elsewhere."""
    return audits.draw(storage.canonical(str(redacted)), (tmp_path / "audit").as_uri(), 20, 1)
