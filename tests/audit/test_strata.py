"""Each published frame is in the stratum that the manifest's regions tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import FAILED, TASK, VIDEO, later
from published_rows import name, place, regions, write

from redact_dask import manifest
from redact_dask.audit import strata
from redact_dask.audit.strata import Stratum, StreamKey
from redact_dask.errors import SourceError
from redact_dask.storage import layout

N, O, E, H = Stratum  # noqa: E741 (no face, other frames, ends of tracks, hidden)


def video(number: int, **columns: Any) -> dict[str, Any]:
    """Return the row of a published video of 10 s with 10 frames a second."""
    row = {"video": name(number), "output": f"s3://redacted/{number}.mp4", "path": f"{number}.mp4"}
    return VIDEO | row | {"frames": 100, "duration_s": 10.0, "finished": later(number)} | columns


def strata_of(destination: str) -> dict[tuple[str, int], np.ndarray]:
    root = layout.manifest(destination)
    copies = strata.published(destination)
    names = copies.table["video"].to_pylist()
    found = {}
    for key, codes in strata.stratified(root, copies):
        assert (names[key.video], key.stream) not in found
        found[names[key.video], key.stream] = codes
    return found


def spans(codes: np.ndarray) -> list[tuple[Stratum, int]]:
    """Return stratum and first frame of each span of equal codes."""
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1)]
    return [(Stratum(codes[start]), int(start)) for start in starts]


def test_the_second_around_the_ends_of_a_track_is_a_stratum(tmp_path: Path) -> None:
    hidden = regions(name(1), range(30, 71)) + regions(name(1), range(45, 50), track=1)
    rows = {"videos": [video(0), video(1)], "regions": hidden}
    found = strata_of(write(tmp_path, rows))
    assert spans(found[name(0), 0]) == [(N, 0)]
    codes = found[name(1), 0]
    expected = np.full(100, O)
    expected[30:71] = H
    expected[20:41] = expected[60:81] = expected[35:60] = E
    assert codes.tolist() == expected.tolist()


def test_a_track_over_the_whole_video_has_no_ends(tmp_path: Path) -> None:
    rows = {"videos": [video(0)], "regions": regions(name(0), range(100))}
    assert spans(strata_of(write(tmp_path, rows))[name(0), 0]) == [(H, 0)]


def test_the_last_attempt_at_a_copy_counts(tmp_path: Path) -> None:
    write(tmp_path, {"videos": [video(0)], "regions": regions(name(0), range(100))}, "run-1")
    again = video(0, finished=later(9))
    write(tmp_path, {"videos": [again], "regions": regions(name(0), range(50))}, "run-2")
    failed = video(0, finished=later(20)) | FAILED
    destination = write(tmp_path, {"videos": [failed, video(3)]}, "run-3")
    found = strata_of(destination)
    assert found.keys() == {(name(0), 0), (name(3), 0)}
    assert spans(found[name(0), 0]) == [(H, 0), (E, 39), (O, 60)]


def test_streams_of_one_file_have_frames_of_their_own(tmp_path: Path) -> None:
    both = video(0, streams=[0, 2], frames=140)
    tasks = [
        TASK | {"video": name(0), "stream": stream, "last_frame": last}
        for stream, last in ((0, 49), (0, 99), (2, 39))
    ]
    hidden = regions(name(0), range(100)) + regions(name(0), range(40), stream=2)
    destination = write(tmp_path, {"chunks": tasks, "videos": [both], "regions": hidden})
    found = strata_of(destination)
    assert {key: len(codes) for key, codes in found.items()} == {
        (name(0), 0): 100,
        (name(0), 2): 40,
    }
    copies = strata.published(destination)
    assert [copies.place(StreamKey(0, stream)) for stream in (0, 2)] == [0, 1]
    alone = strata.published(write(tmp_path / "alone", {"videos": [video(0)]}))
    assert alone.place(StreamKey(0, 0)) is None


def test_a_copy_that_is_gone_is_not_published(tmp_path: Path) -> None:
    destination = write(tmp_path, {"videos": [video(0), video(1)]})
    (tmp_path / "0.mp4").unlink()
    assert strata_of(destination).keys() == {(name(1), 0)}


def test_the_destination_may_be_mounted_elsewhere(tmp_path: Path) -> None:
    # A row that tells no path is one of an earlier version.
    old = video(1, path=None, output=f"{tmp_path.as_uri()}/a/1.mp4")
    deep = video(0, path="a/0.avi", output="s3://elsewhere/a/0.mp4")
    for copy in ("a/0.mp4", "a/1.mp4"):
        place(tmp_path, copy)
    copies = strata.published(write(tmp_path, {"videos": [old, deep]}))
    assert copies.table["copy"].to_pylist() == ["a/0.mp4", "a/1.mp4"]


def test_regions_are_joined_over_the_batches_in_which_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = regions(name(0), range(100)) + regions(name(1), range(100))
    rows = {"videos": [video(0), video(1)], "regions": hidden}
    destination = write(tmp_path, rows)
    (whole,) = manifest.tables(
        layout.manifest(destination), "regions", ["run", "video", "stream", "frame", "track"]
    )
    real = manifest.tables

    def in_pieces(root: str, dataset: str, *rest: Any) -> Any:
        if dataset != "regions":
            return real(root, dataset, *rest)
        return (whole.slice(begin, 30) for begin in range(0, 200, 30))

    monkeypatch.setattr(manifest, "tables", in_pieces)
    assert [spans(codes) for codes in strata_of(destination).values()] == [[(H, 0)], [(H, 0)]]


def test_a_manifest_in_another_order_is_refused(tmp_path: Path) -> None:
    mixed = regions(name(0), [1]) + regions(name(1), [1]) + regions(name(0), [2])
    destination = write(tmp_path, {"videos": [video(0), video(1)], "regions": mixed})
    with pytest.raises(SourceError, match="do not lie side by side"):
        strata_of(destination)


def test_nothing_published_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no published video"):
        strata_of(str(tmp_path))
