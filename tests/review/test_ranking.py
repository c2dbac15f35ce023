"""The manifest's copies by doubt: each with its own detections and regions, however they lie."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from doubted import detection_rows, detections, region_rows, regions
from made_up import FAILED, TASK, VIDEO, later
from published_rows import RUN, name, place, write, write_many

from redact_dask import manifest, storage
from redact_dask.audit import answers, audits
from redact_dask.audit.answers import Answer, Verdict
from redact_dask.errors import SourceError
from redact_dask.manifest import edits
from redact_dask.records import FACE
from redact_dask.records.edits import Edit, EditKind
from redact_dask.review import ranking
from redact_dask.review.doubts import Kind
from redact_dask.storage import layout

WHOLE = range(100)


def video(number: int, **columns: Any) -> dict[str, Any]:
    """Return the row of a published video of 10 s with 10 frames a second."""
    row = {"video": name(number), "output": f"s3://redacted/{number}.mp4", "path": f"{number}.mp4"}
    return VIDEO | row | {"frames": 100, "duration_s": 10.0, "finished": later(number)} | columns


def rows(number: int, hides: bool, stream: int = 0, **columns: Any) -> dict[str, list[Any]]:
    """Return the rows of a video with a face that is hidden or not."""
    shown = region_rows(name(number), regions(WHOLE, WHOLE), stream) if hides else []
    return {
        "detections": detection_rows(name(number), detections(WHOLE), stream),
        "regions": shown,
        "videos": [video(number, **columns)],
    }


def flushed(destination: Path, *parts: dict[str, list[Any]], run: str = RUN) -> str:
    """Write the rows of videos one after the other, as a run does."""
    writer = manifest.Writer(layout.manifest(str(destination)), run)
    for number, part in enumerate(parts):
        writer.add(part)
        for row in part["videos"]:
            if row["status"] == "published":
                place(destination, row["path"])
        if number % 3 == 2:
            writer.flush()
    writer.close()
    return storage.canonical(str(destination))


def doubted(destination: str) -> dict[str, list[Kind]]:
    return {v.path: [one.kind for one in v.doubts] for v in ranking.ranked(destination, 99)}


def test_a_face_that_was_left_open_ranks_first_and_its_place_is_told(tmp_path: Path) -> None:
    weak = rows(7, hides=False)
    weak["detections"] = detection_rows(name(7), detections(range(20, 24), 0.3))
    parts = [rows(number, hides=number != 4) for number in range(7)]
    destination = flushed(tmp_path, *parts, weak)
    first, second = ranking.ranked(destination, 10)
    assert (first.path, second.path) == ("4.mp4", "7.mp4")
    (doubt,) = first.doubts
    assert (doubt.kind, doubt.first, doubt.last, doubt.label) == (Kind.OPEN, 0, 99, FACE)
    assert first.doubt == doubt.weight > 0.8
    assert second.doubts[0].start_s == 2.0
    assert ranking.ranked(destination, 1) == [first]
    assert ranking.of_video(destination, "7.mp4") == second
    assert ranking.of_video(destination, "3.mp4").doubts == ()


def test_each_video_of_many_runs_has_its_own_rows(tmp_path: Path) -> None:
    open_ones = random.Random(3).sample(range(60), 20)
    for run in range(3):
        some = [rows(number, number not in open_ones) for number in range(20 * run, 20 * run + 20)]
        for number in range(0, 20, 4):
            some[number]["detections"] = some[number]["regions"] = []
        flushed(tmp_path, *some, run=f"2026020{run}T200000-0123abcd")
    expected = {f"{number}.mp4" for number in open_ones if number % 4}
    assert doubted(storage.canonical(str(tmp_path))).keys() == expected


def test_of_a_video_that_was_tried_twice_the_published_attempt_counts(tmp_path: Path) -> None:
    failed = rows(0, hides=False) | {"videos": [video(0, **FAILED)]}
    again = rows(0, hides=True, finished=later(50))
    destination = flushed(tmp_path, failed, rows(1, hides=True), again, rows(2, hides=False))
    assert doubted(destination) == {"2.mp4": [Kind.OPEN]}


def test_a_later_copy_replaces_an_earlier_one(tmp_path: Path) -> None:
    flushed(tmp_path, rows(0, hides=False), run="20260203T200000-0123abcd")
    again = rows(0, hides=True, finished=later(50))
    destination = flushed(tmp_path, again, run="20260204T200000-0123abcd")
    assert doubted(destination) == {}


def test_each_stream_has_its_own_rows(tmp_path: Path) -> None:
    parts = [rows(0, hides=stream == 0, stream=stream) for stream in (0, 2)]
    both = {key: parts[0][key] + parts[1][key] for key in ("detections", "regions")}
    task = TASK | {"video": name(0), "first_frame": 0, "last_frame": 99, "frames": 100}
    chunks = [task | {"stream": stream} for stream in (0, 2)]
    several = both | {"videos": [video(0, streams=[0, 2], frames=200)], "chunks": chunks}
    (found,) = ranking.ranked(flushed(tmp_path, several, rows(1, hides=True)), 9)
    assert [(doubt.kind, doubt.stream) for doubt in found.doubts] == [(Kind.OPEN, 2)]


def test_a_label_that_the_settings_show_is_not_doubted(tmp_path: Path) -> None:
    settings = '["", {"labels": {"face": "shown"}}]'
    shown = rows(0, hides=False) | {"runs": [{"settings": settings}]}
    assert doubted(flushed(tmp_path, shown)) == {}


def test_an_edit_settles_what_it_hides(tmp_path: Path) -> None:
    destination = flushed(tmp_path, rows(0, hides=False), rows(1, hides=False))
    boxes = ((0, 90.0, 40.0, 150.0, 100.0), (99, 90.0, 40.0, 150.0, 100.0))
    at = datetime(2026, 2, 3, tzinfo=UTC)
    hide = Edit("0.mp4", name(0), None, EditKind.HIDE, FACE, boxes, "ada", at)
    edits.append(layout.manifest(destination), [hide])
    assert doubted(destination) == {"1.mp4": [Kind.OPEN]}


def test_a_leak_of_an_audit_is_a_doubt_though_nothing_was_detected(tmp_path: Path) -> None:
    destination = write_many(tmp_path, 30)
    audit = audits.opened(destination, 50)
    writer = answers.Writer(audit, "bob")
    for item, verdict in ((3, Verdict.LEAK), (4, Verdict.CLEAN)):
        writer.add(Answer("bob", datetime.now(UTC), item, verdict))
    writer.close()
    leak = audit.items[3]
    found = ranking.ranked(destination, 1)[0]
    assert found.path == leak.path
    assert (found.doubts[0].kind, found.doubts[0].first) == (Kind.LEAK, leak.frame)


def test_many_little_doubts_do_not_bury_a_grave_one(tmp_path: Path) -> None:
    crowd = rows(0, hides=False)
    seen = [d for n in range(30) for d in detections(range(3), 0.1, (n * 10.5, 0, n * 10.5 + 9, 9))]
    crowd["detections"] = detection_rows(name(0), sorted(seen, key=lambda one: one.frame))
    first, second = ranking.ranked(flushed(tmp_path, crowd, rows(1, hides=False)), 2)
    assert len(first.doubts) == 1
    assert len(second.doubts) == 30


def test_a_manifest_that_was_sorted_anew_is_refused(tmp_path: Path) -> None:
    parts = [rows(number, hides=False) for number in range(3)]
    turned = {"videos": [part["videos"][0] for part in parts], "regions": []}
    turned["detections"] = [row for part in reversed(parts) for row in part["detections"]]
    with pytest.raises(SourceError, match="as the runs wrote it"):
        ranking.ranked(write(tmp_path, turned), 9)


def test_a_path_without_a_copy_is_told(tmp_path: Path) -> None:
    destination = flushed(tmp_path, rows(0, hides=True))
    with pytest.raises(SourceError, match=r"no copy of b\.mp4 is published: give the path"):
        ranking.of_video(destination, "b.mp4")
