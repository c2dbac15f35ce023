"""A video is rendered again with other settings: nothing is looked at twice, or encoded in vain."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from decoded import pictures
from distributed import Client
from filmed import filmed
from five_stages import Done, run
from fixture_types import Ffmpeg, MakeClip
from manifest_rows import rows
from numpy.typing import NDArray
from scripted import Magenta, Told
from several_cameras import X265, camera, together

import redact_dask
from redact_dask import Box, config, storage, versions
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Rendered
from redact_dask.sources import listing

FRAMES = 250
"""Of the film, with a keyframe every ten frames."""
SEEN: list[tuple[range, tuple[float, float, float, float, float]]] = [
    (range(20), (100.0, 20.0, 140.0, 60.0, 0.9)),
    (range(125, 131), (20.0, 30.0, 60.0, 70.0, 0.9)),
    (range(140, 150), (140.0, 80.0, 170.0, 110.0, 0.4)),
    (range(235, FRAMES), (100.0, 20.0, 140.0, 60.0, 0.9)),
]
"""Frames on which things are seen, their boxes and confidences: the third is doubtful."""
DROPPED = range(125, 165)
"""Frames on which the doubtful thing is hidden: half a second before and after it is seen."""
HIDDEN = {*range(40), *range(110, 170), *range(220, FRAMES)}
"""Frames of the GOPs in which something is hidden. A piece ends with frames 119 and 239."""
ENCODED = range(120, 150)
"""Those of the piece that shows something else once the doubtful thing is dropped."""
TAKEN = HIDDEN - {*range(120, 170)}
"""Those of all other pieces."""

SETTINGS: dict[str, Any] = {
    "detect": {
        "detectors": ["told"],
        "every": 1,
        "options": {
            "told": {
                "script": [[box for seen, box in SEEN if n in seen] for n in range(FRAMES)],
            }
        },
    },
    "encode": {"preset": "ultrafast"},
    "redact": {"style": "solid"},
}
STRICT: dict[str, Any] = {"track": {"start": 0.6}}
"""Settings with which the doubtful thing is no track."""

HEVC = (
    *("-c:v", "libx265", "-preset", "ultrafast", "-crf", "10"),
    *("-x265-params", "log-level=none:keyint=10:min-keyint=10:scenecut=0:open-gop=0"),
)
KINDS = {
    "h264.mp4": ("-c", "copy"),
    "h264.mkv": ("-c", "copy"),
    "b_frames.mov": ("-c:v", "libx264", "-crf", "8", "-bf", "3", "-g", "10", "-sc_threshold", "0"),
    "hevc.mp4": HEVC,
    "hevc.mkv": HEVC,
    "mpeg4.mp4": ("-c:v", "mpeg4", "-q:v", "2", "-g", "10"),
}


@pytest.fixture(scope="module")
def film(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of a magenta box that moves."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    boxes = [(20.0 + n, 40.0, 60.0 + n, 80.0) for n in range(FRAMES)]
    return filmed(path, boxes, ffmpeg)


@pytest.fixture(scope="module")
def clip(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of three GOPs."""
    return make_clip(tmp_path_factory.mktemp("three") / "clip.mp4", frames=45)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, film: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
    """The film in several codecs and containers."""
    path = tmp_path / "source" / request.param
    path.parent.mkdir()
    ffmpeg("-i", film, *KINDS[request.param], path)
    return path


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of pictures that each call of a detector has looked at."""
    found: list[int] = []

    def count(kind: type[Magenta | Told]) -> None:
        detect = kind.detect

        def counted(self: Any, images: NDArray[np.uint8]) -> list[list[Box]]:
            found.append(len(images))
            return detect(self, images)

        monkeypatch.setattr(kind, "detect", counted)

    count(Magenta)
    count(Told)
    return found


def job_of(path: Path, destination: str | Path, **sections: Any) -> Job:
    (video,) = listing.list_videos(str(path), str(destination))
    configured = config.validate(SETTINGS | sections)
    return Job.of(video, storage.canonical(str(destination)), configured)


def redact(path: Path, destination: str | Path, threads: int = 1, **sections: Any) -> Done:
    """Take a video through the five stages, and remove its work as a run does."""
    job = job_of(path, destination, **sections)
    done = run(replace(job, least_chunks=threads))
    storage.remove(job.work)
    return done


def published(done: Done) -> Path:
    """Return the path of the copy."""
    return Path(done.joined.output.removeprefix("file://"))


def taken(done: Done) -> int:
    return sum(made.taken for made in done.rendered)


def encoded(done: Done) -> int:
    """Return the number of frames that were encoded now."""
    segments = (segment for made in done.rendered for segment in made.segments)
    return sum(s.frames for s in segments if s.url is not None and not s.is_taken)


def packets(path: Path) -> list[bytes]:
    """Return all packets, in the order in which they are shown."""
    with av.open(path) as container:
        found = [packet for packet in container.demux(video=0) if packet.size]
    return [bytes(packet) for packet in sorted(found, key=lambda packet: packet.pts or 0)]


@pytest.mark.parametrize("before", [1, 3])
@pytest.mark.parametrize(
    "other",
    [
        {"redact": {"style": "pixelate"}},
        {"track": {"margin": 0.3}},
        STRICT,
        {"encode": {"preset": "ultrafast", "crf": 30}},
    ],
)
def test_no_frame_is_looked_at_again(
    before: int, other: dict[str, Any], clip: Path, tmp_path: Path, looks: list[int]
) -> None:
    detect = {"detect": {"detectors": ["magenta"], "every": 1}}
    first = redact(clip, tmp_path, before, **detect)
    assert sum(looks) == len(first.probed.pts)
    looks.clear()
    again = redact(clip, tmp_path, 4 - before, **detect | other)
    assert looks == []
    assert [chunk.pts for chunk in again.probed.chunks] == [c.pts for c in first.probed.chunks]
    assert again.joined.replaces == (first.joined.sha256 if other is not STRICT else None)


def test_other_detectors_are_free_to_cut_the_video(clip: Path, tmp_path: Path) -> None:
    redact(clip, tmp_path, threads=1, detect={"detectors": ["magenta"]})
    again = redact(clip, tmp_path, threads=3, detect={"detectors": ["magenta"], "every": 2})
    assert len(again.probed.chunks) == 3


@pytest.mark.parametrize("copy", ["auto", "never"])
def test_only_what_an_edit_touches_is_encoded_again(
    copy: str, kind: Path, tmp_path: Path, looks: list[int]
) -> None:
    encode = {"encode": {"preset": "ultrafast", "copy": copy}}
    first = redact(kind, tmp_path, **encode)
    assert (taken(first), first.joined.replaces) == (0, None)
    before = pictures(published(first)), packets(published(first))
    looks.clear()

    again = redact(kind, tmp_path, **encode | STRICT)
    after = pictures(published(again)), packets(published(again))
    assert looks == []
    assert again.joined.replaces == first.joined.sha256
    assert len(after[0]) == len(after[1]) == FRAMES
    copies = any(made.copied for made in first.rendered)
    touched = ENCODED if copies else range(120, 240)
    assert encoded(again) == len(touched)
    assert taken(again) == (len(TAKEN) if copies else FRAMES - len(touched))
    for frame in {*range(FRAMES)} - {*range(120, 170), *touched}:
        assert before[1][frame] == after[1][frame]
        assert np.array_equal(before[0][frame], after[0][frame])
    assert all(before[0][n][85:105, 145:165].max() < 30 for n in DROPPED)
    assert all(after[0][n][85:105, 145:165].min() > 60 for n in DROPPED)
    assert all(after[0][n][35:65, 25:55].max() < 30 for n in range(125, 131)), "still hidden"


def test_another_style_takes_nothing(film: Path, tmp_path: Path) -> None:
    redact(film, tmp_path)
    again = redact(film, tmp_path, redact={"style": "pixelate"})
    assert (taken(again), encoded(again)) == (0, len(HIDDEN))
    shown = pictures(published(again))[10]
    assert shown[25:55, 105:135].min() > 60, "not black any more"


def test_with_the_same_settings_the_copy_is_the_same(kind: Path, tmp_path: Path) -> None:
    first = redact(kind, tmp_path)
    again = redact(kind, tmp_path)
    assert (taken(again), encoded(again)) == (encoded(first), 0)
    assert again.joined.sha256 == first.joined.sha256
    assert again.joined.replaces is None, "no other copy was there"


def test_each_stream_takes_its_own(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    front = camera(ffmpeg, tmp_path / "front.mp4", seen=(10, 20))
    rear = camera(ffmpeg, tmp_path / "rear.mp4", seen=(40, 50), size="160x128", codec=X265)
    both = together(ffmpeg, tmp_path / "both.mp4", front, rear)
    detect = {"detect": {"detectors": ["magenta"], "every": 1}}
    first = redact(both, tmp_path / "out", **detect)
    again = redact(both, tmp_path / "out", **detect)
    assert {made.stream for made in again.rendered if made.taken} == {0, 1}
    assert (taken(again), encoded(again)) == (encoded(first), 0)
    assert again.joined.sha256 == first.joined.sha256


def test_black_pictures_are_made_again(film: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "source" / "film.mp4"
    damaged.parent.mkdir()
    with av.open(film) as container:
        places = [(p.pts, p.pos, p.size) for p in container.demux(video=0) if p.size]
    _, place, size = sorted(places)[205]
    content = bytearray(film.read_bytes())
    content[place + 20 : place + size] = bytes(size - 20)
    damaged.write_bytes(content)
    salvage = {"on_damage": "salvage"}
    first = redact(damaged, tmp_path, **salvage)
    black = sum(seen.frames_damaged for seen in first.detected)
    assert 0 < black < 30
    again = redact(damaged, tmp_path, **salvage | STRICT)
    assert taken(again) == len(TAKEN)
    before, after = (pictures(published(done)) for done in (first, again))
    assert len(after) == FRAMES
    same = {*range(FRAMES)} - {*DROPPED}
    assert all(np.array_equal(before[n], after[n]) for n in same)


@pytest.fixture(scope="module")
def fresh(film: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """SHA-256 of the copy of the film that nothing could be taken for."""
    return redact(film, tmp_path_factory.mktemp("fresh")).joined.sha256


class TestAlteredCopy:
    """What is not exactly as it was published is not taken, and all is rendered as ever."""

    @pytest.fixture
    def first(self, film: Path, tmp_path: Path) -> Done:
        return redact(film, tmp_path)

    def again(self, film: Path, tmp_path: Path, fresh: str) -> Done:
        done = redact(film, tmp_path)
        assert storage.digest(done.joined.output).sha256 == done.joined.sha256
        assert len(pictures(published(done))) == FRAMES
        assert (encoded(done) == 0) == (taken(done) == len(HIDDEN))
        assert done.joined.sha256 == fresh
        return done

    def test_a_byte_of_a_packet(self, film: Path, tmp_path: Path, first: Done, fresh: str) -> None:
        path = published(first)
        with av.open(path) as container:
            found = [(p.pts, p.pos, p.size) for p in container.demux(video=0) if p.size]
        _, place, size = sorted(found)[5]
        content, facts = bytearray(path.read_bytes()), path.stat()
        content[place + size - 1] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        # Only the first stretch holds the byte.
        assert taken(self.again(film, tmp_path, fresh)) == len(HIDDEN) - 40

    @pytest.mark.parametrize("content", [b"", b"no video"])
    def test_another_file(
        self, content: bytes, film: Path, tmp_path: Path, first: Done, fresh: str
    ) -> None:
        published(first).write_bytes(content)
        assert taken(self.again(film, tmp_path, fresh)) == 0

    def test_a_file_of_that_size_and_time(
        self, film: Path, tmp_path: Path, first: Done, fresh: str
    ) -> None:
        path = published(first)
        facts = path.stat()
        path.write_bytes(bytes(facts.st_size))
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        assert taken(self.again(film, tmp_path, fresh)) == 0

    def test_none(self, film: Path, tmp_path: Path, first: Done, fresh: str) -> None:
        published(first).unlink()
        done = self.again(film, tmp_path, fresh)
        assert (taken(done), done.joined.replaces) == (0, None)

    @pytest.mark.parametrize("damage", [lambda _: b"{", lambda text: text.replace(b"place", b"")])
    def test_a_damaged_record(
        self,
        damage: Callable[[bytes], bytes],
        film: Path,
        tmp_path: Path,
        first: Done,
        fresh: str,
    ) -> None:
        (record,) = (tmp_path / "_kept").glob("*/copy.json")
        record.write_bytes(damage(record.read_bytes()))
        assert first.joined.replaces is None
        assert taken(self.again(film, tmp_path, fresh)) == 0

    def test_other_software(
        self,
        film: Path,
        tmp_path: Path,
        first: Done,
        fresh: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        assert first.joined.sha256 == fresh
        monkeypatch.setattr(versions, "deciding", lambda: "a later version")
        assert taken(self.again(film, tmp_path, fresh)) == 0


def test_what_was_taken_outlasts_the_copy_it_is_from(film: Path, tmp_path: Path) -> None:
    """A run that is killed after it has rendered joins what it has rendered, whatever happens."""
    first = redact(film, tmp_path)
    job = job_of(film, tmp_path, **STRICT)
    probed = stages.probe(job)
    seen = [stages.detect(job, probed.info, part) for part in probed.parts]
    plan = stages.track(job, probed, seen)

    def render() -> list[Rendered]:
        return [stages.render(job, probed.info, chunk, plan) for chunk in probed.chunks]

    made = render()
    published(first).write_bytes(b"another copy")
    other = storage.digest(first.joined.output).sha256
    assert [replace(one, timing=made[0].timing) for one in render()] == [
        replace(one, timing=made[0].timing) for one in made
    ]
    joined = stages.join(job, probed, [plan], made)
    assert sum(one.taken for one in made) == len(TAKEN)
    assert joined.replaces == other != first.joined.sha256
    assert len(pictures(published(first))) == FRAMES


def test_what_does_not_fit_is_encoded(film: Path, tmp_path: Path) -> None:
    job = job_of(film, tmp_path)
    done = run(job)
    published(done).unlink()
    # A segment as the encoder made it has other parameter sets than the joined track.
    (made,) = done.rendered
    segments = tuple(replace(s, is_taken=s.url is not None) for s in made.segments)
    joined = stages.join(job, done.probed, done.tracked, [replace(made, segments=segments)])
    assert "GOPs do not fit beside encoded ones" in joined.why_encoded
    shown = pictures(published(done))
    assert len(shown) == FRAMES
    assert shown[10][25:55, 105:135].max() < 20
    assert taken(redact(film, tmp_path)) == 0, "what was encoded after all is not recorded"


def test_the_manifest_names_what_was_taken_and_replaced(
    film: Path, client: Client, tmp_path: Path
) -> None:
    for sections in ({}, STRICT):
        summary = redact_dask.redact(film, tmp_path, SETTINGS | sections, client)
        assert (summary.published, summary.failures) == (1, ())
    first, again = sorted(rows(tmp_path, "videos"), key=lambda row: row["finished"])
    assert (first["frames_taken"], first["replaces"]) == (0, None)
    assert again["frames_taken"] == len(TAKEN)
    assert again["replaces"] == first["sha256"]
    looked = [
        {name for name, _ in row["seconds"]}
        for row in sorted(rows(tmp_path, "chunks"), key=lambda row: row["started"])
        if row["stage"] == "detect"
    ]
    assert looked[-1] == {"recall"}
    assert not (tmp_path / "_work").exists()


@pytest.mark.slow
def test_pieces_are_taken_from_an_object_store(film: Path, s3: str) -> None:
    first = redact(film, f"{s3}/again")
    again = redact(film, f"{s3}/again", **STRICT)
    assert (taken(again), encoded(again)) == (len(TAKEN), len(ENCODED))
    assert again.joined.replaces == first.joined.sha256
    storage.write(again.joined.output, b"another object")
    assert taken(redact(film, f"{s3}/again")) == 0


def test_a_zone_is_covered_on_what_an_earlier_copy_shows(
    film: Path, client: Client, tmp_path: Path
) -> None:
    def run_with(zones: list[dict[str, Any]]) -> list[int]:
        redact_dask.redact(film, tmp_path, SETTINGS | {"zones": zones}, client)
        found = pictures(tmp_path / film.name, "gray")
        taken = max(rows(tmp_path, "videos"), key=lambda row: row["finished"])["frames_taken"]
        return [int(picture[-16:, -16:].max()) for picture in found] + [taken or 0]

    *before, _ = run_with([])
    *covered, taken = run_with([{"hide": [[[0.8, 0.8], [1, 1]]]}])
    assert max(before) > 40
    assert max(covered) < 20
    assert taken == 0
    *moved, taken = run_with([{"hide": [[[0, 0], [0.2, 0.2]]]}])
    assert max(moved) > 40
    assert taken == 0
