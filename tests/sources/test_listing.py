"""Which videos a source has, under which paths, and where they must not go."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest

from redact_dask import storage
from redact_dask.config import SelectSettings
from redact_dask.errors import SourceError
from redact_dask.sources import listing
from redact_dask.sources.passed_over import PassedOver

FILES = [
    "a b.mp4",
    "car #1/front.MP4",
    "car #1/notes.txt",
    "car [2]/deep/rear.mkv",
    "film.mp4.part",
    "ü [1].Mov",
]
VIDEOS = ["a b.mp4", "car #1/front.MP4", "car [2]/deep/rear.mkv", "ü [1].Mov"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with four videos and two other files."""
    root = tmp_path / "source"
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    return root


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """A destination apart from the source."""
    return str(tmp_path / "destination")


def _paths(source: Path | str, destination: str) -> list[str]:
    return sorted(video.path for video in listing.list_videos(str(source), destination))


def test_a_folder_gives_all_videos_below_it(source: Path, elsewhere: str) -> None:
    assert _paths(source, elsewhere) == VIDEOS
    assert _paths(f"{source}/", elsewhere) == VIDEOS
    assert _paths(f"file://{source}", elsewhere) == VIDEOS


@pytest.mark.parametrize("name", [*VIDEOS, "car #1/notes.txt"])
def test_a_file_is_taken_whatever_its_name(name: str, source: Path, elsewhere: str) -> None:
    (video,) = listing.list_videos(str(source / name), elsewhere)
    assert video.path == Path(name).name
    assert video.source == f"file://{source / name}"
    assert video.size == 5


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("*.mp4", ["a b.mp4"]),
        ("*", ["a b.mp4", "ü [1].Mov"]),
        ("**", VIDEOS),
        ("**/*.MP4", ["car #1/front.MP4"]),
        ("car*/*", ["car #1/front.MP4"]),
        ("car*/**", ["car #1/front.MP4", "car [2]/deep/rear.mkv"]),
        ("[a-c] b.mp?", ["a b.mp4"]),
        ("car #1/*", ["front.MP4"]),
    ],
)
def test_a_pattern_gives_the_videos_that_match(
    pattern: str, paths: list[str], source: Path, elsewhere: str
) -> None:
    assert _paths(source / pattern, elsewhere) == paths


def test_a_relative_source(source: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source)
    assert _paths(".", elsewhere) == VIDEOS
    assert _paths("*.mp4", elsewhere) == ["a b.mp4"]
    assert _paths("a b.mp4", elsewhere) == ["a b.mp4"]


def test_an_object_store(elsewhere: str) -> None:
    memory = fsspec.filesystem("memory")
    for name in FILES:
        memory.pipe_file(f"/fleet/{name}", b"12345")
    assert _paths("memory://fleet", elsewhere) == VIDEOS
    assert _paths("memory://fleet/car*/**", elsewhere) == VIDEOS[1:3]
    memory.rm("/fleet", recursive=True)


def test_id_changes_with_the_content(source: Path, elsewhere: str) -> None:
    path = source / "a b.mp4"
    (before,) = listing.list_videos(str(path), elsewhere)
    assert list(listing.list_videos(str(path), elsewhere)) == [before]
    os.utime(path, (1, 1))
    (touched,) = listing.list_videos(str(path), elsewhere)
    path.write_bytes(b"123456")
    (longer,) = listing.list_videos(str(path), elsewhere)
    assert len({before.id, touched.id, longer.id}) == 3
    (other,) = listing.list_videos(str(source / "ü [1].Mov"), elsewhere)
    assert len(other.id) == 16
    assert other.id != before.id


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing", "the source .*missing does not exist"),
        ("missing.mp4", "the source .*missing.mp4 does not exist"),
        ("empty", "no video found in .*empty; looked for files that end in .*.mp4"),
        ("*.avi", "no video found in .*avi; looked for"),
    ],
)
def test_nothing_to_do_is_an_error(name: str, sentence: str, source: Path, elsewhere: str) -> None:
    (source / "empty").mkdir()
    with pytest.raises(SourceError, match=sentence):
        listing.list_videos(str(source / name), elsewhere)


@pytest.mark.parametrize(
    ("taken", "destination", "sentence"),
    [
        ("", "", "is the source's own folder"),
        ("", "../source/", "is the source's own folder"),
        ("a b.mp4", "", "is the source's own folder"),
        ("*.mp4", "", "is the source's own folder"),
        ("", "out", "lies inside the source"),
        ("", "../link/out", "lies inside the source"),
        ("**/*.mp4", "out", "lies inside the source"),
        ("", "..", "lies inside the destination"),
    ],
)
def test_source_and_destination_must_not_mix(
    taken: str, destination: str, sentence: str, source: Path
) -> None:
    (source.parent / "link").symlink_to(source)
    with pytest.raises(SourceError, match=sentence):
        listing.list_videos(str(source / taken), str(source / destination))


@pytest.mark.parametrize("work", ["source", "source/work", "."])
def test_a_work_area_that_overlaps_the_source_is_refused(work: str, tmp_path: Path) -> None:
    """It is swept, and its segments would be taken for videos."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.mp4").touch()
    source, destination = str(tmp_path / "source"), str(tmp_path / "out")
    with pytest.raises(SourceError, match=r"the work area .* overlap; name another folder"):
        list(listing.list_videos(source, destination, str(tmp_path / work)))
    assert list(listing.list_videos(source, destination, str(tmp_path / "work")))


@pytest.mark.parametrize(
    ("taken", "destination"), [("", "../source-redacted"), ("a b.mp4", "out"), ("*.mp4", "out")]
)
def test_what_does_not_mix_is_allowed(taken: str, destination: str, source: Path) -> None:
    assert list(listing.list_videos(str(source / taken), str(source / destination)))


def test_every_video_can_be_read_under_its_url(source: Path, elsewhere: str) -> None:
    for video in listing.list_videos(str(source), elsewhere):
        assert storage.read(video.source) == b"12345"


def test_a_link_to_a_video_is_a_video(clip: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "target.mp4"
    source.mkdir()
    target.write_bytes(clip.read_bytes())
    (source / "link.mp4").symlink_to(target)
    (before,) = listing.list_videos(str(source), str(tmp_path / "out"))
    target.write_bytes(clip.read_bytes()[:-1] + b"x")
    os.utime(target, (1, 1))
    (after,) = listing.list_videos(str(source), str(tmp_path / "out"))
    assert before.size == clip.stat().st_size
    assert before.version != after.version


def test_a_linked_source_is_called_as_it_was_typed(tmp_path: Path) -> None:
    cards, far = tmp_path / "cards", tmp_path / "far"
    cards.mkdir()
    far.mkdir()
    (far / "0001.mp4").write_bytes(b"12345")
    (cards / "tour.mp4").symlink_to(far / "0001.mp4")
    (video,) = listing.list_videos(str(cards / "tour.mp4"), str(tmp_path / "out"))
    assert (video.path, video.size) == ("tour.mp4", 5)
    assert storage.read(video.source) == b"12345"
    for folder in (cards, far):
        with pytest.raises(SourceError, match="is the source's own folder"):
            listing.list_videos(str(cards / "tour.mp4"), str(folder))


def chosen(source: Path, **settings: Any) -> list[str]:
    videos = listing.list_videos(str(source), str(source) + "-redacted")
    return sorted(v.path for v in listing.select(videos, SelectSettings(**settings)))


def test_patterns_choose_paths(tmp_path: Path) -> None:
    for name in ("car1/front.mp4", "car1/rear.mp4", "car2/front.mp4"):
        path = tmp_path / "fleet" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")
    source = tmp_path / "fleet"
    assert chosen(source, include=("*front*",)) == ["car1/front.mp4", "car2/front.mp4"]
    assert chosen(source, exclude=("car1/*",)) == ["car2/front.mp4"]
    assert chosen(source, include=("car1/*", "car2/*"), exclude=("*rear.mp4",)) == [
        "car1/front.mp4",
        "car2/front.mp4",
    ]


def test_only_what_was_written_since(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    for number in range(6):
        (fleet / f"{number}.mp4").write_bytes(b"1")
    for number in range(3):
        old = datetime(2026, 2, 3, tzinfo=UTC).timestamp()
        os.utime(fleet / f"{number}.mp4", (old, old))
    assert chosen(fleet, since="2026-02-03T00:00:01Z") == ["3.mp4", "4.mp4", "5.mp4"]
    assert len(chosen(fleet, since="2026-02-03T01:00:00+01:00")) == 6


def test_shards_are_a_partition(tmp_path: Path) -> None:
    source = tmp_path / "fleet"
    source.mkdir()
    for number in range(100):
        (source / f"{number}.mp4").write_bytes(b"1")
    shards = [chosen(source, shard=f"{number}/4") for number in (1, 2, 3, 4)]
    assert sorted(path for shard in shards for path in shard) == sorted(chosen(source))
    assert min(map(len, shards)) > 10


def test_videos_whose_copies_may_clash_share_a_shard(tmp_path: Path) -> None:
    source = tmp_path / "fleet.v2"
    source.mkdir()
    for number in range(40):
        (source / f"{number}.ts").write_bytes(b"1")
        (source / f"{number}.ts.mp4").write_bytes(b"1")
    for shard in ("1/2", "2/2"):
        stems = [path.partition(".")[0] for path in chosen(source, shard=shard)]
        assert all(stems.count(stem) == 2 for stem in stems)


def test_what_is_passed_over_is_named(source: Path, elsewhere: str, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JPG", "README", "._a b.mp4", "old.rm"):
        (source / name).write_bytes(b"1")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "far.mp4").write_bytes(b"1")
    (source / "car #1" / "linked").symlink_to(tmp_path / "other")
    (source / "linked.mp4").symlink_to(tmp_path / "other")
    (source / "link to a file.mp4").symlink_to(tmp_path / "other" / "far.mp4")
    passed_over = PassedOver()
    found = [v.path for v in listing.list_videos(str(source), elsewhere, None, passed_over)]
    assert sorted(found) == sorted([*VIDEOS, "link to a file.mp4"])
    assert str(passed_over) == (
        "2 linked folders (linked.mp4, linked), 2 .jpg files, 1 file without an ending, "
        "1 .part file, 1 .rm file, 1 .txt file, 1 file of other kinds"
    )


def test_a_source_without_a_video_names_what_it_has(tmp_path: Path, elsewhere: str) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "linked").symlink_to(tmp_path)
    with pytest.raises(SourceError, match=r"passed over: 1 linked folder \(linked\)$"):
        _paths(tmp_path / "source", elsewhere)


@pytest.mark.parametrize("name", ["a.wmv", "b.ASF", "c.flv", "d.vob", "e.ogv"])
def test_endings_that_are_taken(name: str, tmp_path: Path, elsewhere: str) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / name).write_bytes(b"1")
    assert _paths(tmp_path / "source", elsewhere) == [name]
