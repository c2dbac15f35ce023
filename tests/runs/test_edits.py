"""A run takes up what people have changed: what they draw is hidden, what they show is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from decoded import pictures
from distributed import Client
from magenta import MAGENTA, excess
from manifest_rows import rows

import redact_dask
from redact_dask.manifest import edits
from redact_dask.records.edits import Edit, EditKind
from redact_dask.sources import listing

SOLID = MAGENTA | {"redact": {"style": "solid"}}


def test_the_next_run_follows_the_edits(clip: Path, client: Client, tmp_path: Path) -> None:
    def run() -> int:
        return redact_dask.redact(clip, tmp_path, SOLID, client).published

    def is_seen(frame: int) -> bool:
        return bool(excess(pictures(tmp_path / "clip.mp4", "rgb24")[frame]).max() > 60)

    assert run() == 1
    (video,) = listing.list_videos(str(clip), str(tmp_path))
    regions = rows(tmp_path, "regions")
    at = datetime(2026, 2, 3, tzinfo=UTC)
    boxes = tuple((row["frame"], *(row[s] for s in ("x0", "y0", "x1", "y1"))) for row in regions)
    show = Edit("clip.mp4", video.id, None, EditKind.SHOW, "face", boxes, "ada", at, "a logo")
    label = regions[0]["label"]
    show = replace(show, label=label)
    hide = replace(
        show, kind=EditKind.HIDE, boxes=((40, 80, 50, 150, 110), (50, 100, 50, 170, 110))
    )
    manifest = str(tmp_path / "_manifest")

    edits.append(manifest, [show])
    assert (run(), run()) == (1, 0)
    assert all(map(is_seen, (10, 45, 80)))
    edits.append(manifest, [hide])
    assert (run(), run()) == (1, 0)
    assert [frame for frame in (30, 45, 60) if is_seen(frame)] == [30, 60]
    assert rows(tmp_path, "videos")[-1]["edits"] == sorted([show.id, hide.id])
    undone = replace(show, kind=EditKind.UNDO, boxes=(), undoes=show.id)
    edits.append(manifest, [undone])
    assert (run(), run()) == (1, 0)
    assert not any(map(is_seen, (10, 45, 80)))
