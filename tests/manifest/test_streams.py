"""Rows of each stream come together, however the files and their parts cut them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doubted import detection_rows, detections, region_rows
from doubted import regions as track
from made_up import VIDEO
from published_rows import RUN, name, regions, write

from redact_dask.manifest import reader, streams
from redact_dask.records import FACE, Detections, Regions
from redact_dask.storage import layout


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    seen = [*detections(range(0, 9, 3), 0.75), *detections([9], 0.5, who="yunet")]
    hidden = track(range(12), [0, 3, 6, 9])
    rows = {"videos": [VIDEO | {"video": name(1), "path": "a.mp4"}]}
    rows |= {"detections": detection_rows(name(1), seen, 2)}
    rows |= {"regions": region_rows(name(1), hidden, 2)}
    root = layout.manifest(write(tmp_path, rows))
    (found,) = streams.by_stream(root, "detections", streams.DETECTIONS)
    assert found[:3] == (RUN, name(1), 2)
    assert streams.detections(found.table) == Detections.of(seen)
    assert np.allclose(found.table["pts_s"], [0, 0.3, 0.6, 0.9])
    (found,) = streams.by_stream(root, "regions", streams.REGIONS)
    assert streams.regions(found.table) == Regions.of(hidden)


def test_a_stream_is_one_though_it_is_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = ((0, 0), (0, 1), (3, 0))
    rows = [row for n, s in places for row in regions(name(n), range(7), stream=s)]
    videos = [VIDEO | {"video": name(n), "path": f"{n}.mp4"} for n in (0, 3)]
    root = layout.manifest(write(tmp_path, {"videos": videos, "regions": rows}))
    whole = reader.tables

    def in_parts(*arguments: object, **options: object) -> object:
        for table in whole(*arguments, **options):  # type: ignore[arg-type]
            yield from (table.slice(first, 4) for first in range(0, table.num_rows, 4))

    monkeypatch.setattr(reader, "tables", in_parts)
    found = [*streams.by_stream(root, "regions", streams.REGIONS)]
    assert [(g.video, g.stream) for g in found] == [(name(0), 0), (name(0), 1), (name(3), 0)]
    for group in found:
        own = streams.regions(group.table)
        assert own.frame.tolist() == [*range(7)]
        # Rows before 0.3 tell neither a label nor who found it.
        assert own.kinds.tolist() == [[FACE, ""]]
    (only,) = streams.by_stream(root, "regions", ["frame"], [RUN], name(3))
    assert only.video == name(3)
