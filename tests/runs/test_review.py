"""What a run has left open on purpose is what a review names first."""

from __future__ import annotations

from pathlib import Path

from distributed import Client
from magenta import MAGENTA

import redact_dask
from redact_dask import storage
from redact_dask.review import ranking
from redact_dask.review.doubts import Kind


def test_a_face_that_is_left_open_on_purpose_is_named(
    clip: Path, client: Client, tmp_path: Path
) -> None:
    for name, start in (("hidden", 0.3), ("open", 0.95)):
        redact_dask.redact(clip, tmp_path / name, MAGENTA | {"track": {"start": start}}, client)
    assert ranking.ranked(storage.canonical(str(tmp_path / "hidden")), 9) == []
    (found,) = ranking.ranked(storage.canonical(str(tmp_path / "open")), 9)
    (doubt,) = found.doubts
    assert (found.path, doubt.kind, doubt.first, doubt.last) == ("clip.mp4", Kind.OPEN, 0, 89)
    assert doubt.weight > 0.85
