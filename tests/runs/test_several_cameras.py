"""Several video streams in one file: each camera is redacted, and stays a stream of the copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from decoded import audio, frames, pictures, time_of, times
from distributed import Client
from five_stages import Done, run
from fixture_types import Ffmpeg, StartStandin
from local_cluster import workers
from made_up import Row
from magenta import MAGENTA, excess
from manifest_rows import rows
from report_page import images
from several_cameras import X265, camera, preview, sound, together

import redact_dask
from redact_dask import config, report
from redact_dask.config import RedactSettings
from redact_dask.driver.backlog import Backlog
from redact_dask.driver.estimate import estimate
from redact_dask.driver.history import History
from redact_dask.errors import CheckFailed, DamagedVideo, UnsupportedVideo, VideoError
from redact_dask.media import verify
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Footage, Probed, Region
from redact_dask.redaction import hide
from redact_dask.sources import listing

Redact = Callable[..., Done]


@pytest.fixture
def redact(tmp_path: Path) -> Redact:
    """Take a file through the five stages, in chunks of a second."""

    def through(path: Path, **sections: Any) -> Done:
        destination = tmp_path / "redacted"
        (video,) = listing.list_videos(str(path), str(destination))
        settings = {"chunk": {"seconds": 0.9}, "redact": {"style": "solid"}}
        configured = config.validate(MAGENTA | settings | sections)
        return run(Job.of(video, str(destination), configured))

    return through


@pytest.fixture(scope="module")
def front(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return camera(ffmpeg, tmp_path_factory.mktemp("front") / "front.mp4")


@pytest.fixture(scope="module")
def rear(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another size, rate and length; the square comes late."""
    path = tmp_path_factory.mktemp("rear") / "rear.mp4"
    return camera(ffmpeg, path, size="192x108", rate=25, frames=75, seen=(50, 54))


@pytest.fixture(scope="module")
def noise(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audio."""
    return sound(ffmpeg, tmp_path_factory.mktemp("noise") / "noise.m4a")


@pytest.fixture(scope="module")
def fleet(
    front: Path,
    rear: Path,
    noise: Path,
    ffmpeg: Ffmpeg,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A file with two cameras, audio and a preview, and one with one camera."""
    folder = tmp_path_factory.mktemp("fleet")
    small = preview(ffmpeg, folder.with_name("small.mkv"))
    together(ffmpeg, folder / "car.mp4", front, rear, noise, small)
    together(ffmpeg, folder / "one.mp4", front, noise)
    return folder


def published(done: Done) -> Path:
    return Path(done.joined.output)


def streams(path: Path) -> list[tuple[str, int, int]]:
    with av.open(path) as container:
        found = container.streams.video
        return [(video.codec_context.name, video.width, video.height) for video in found]


def shows(path: Path, stream: int) -> list[int]:
    """Return the frames of a stream on which the square is seen."""
    return with_square(frames(path, stream))


def with_square(shown: list[VideoFrame]) -> list[int]:
    found = enumerate(frame.to_ndarray(format="rgb24") for frame in shown)
    return [number for number, picture in found if (excess(picture) > 60).sum() > 16]


def assert_redacted(source: Path, done: Done, of: dict[int, int]) -> None:
    """Check each stream of the copy, given the number of its source's stream by its own."""
    result = published(done)
    assert len(streams(result)) == len(of) == len(done.probed.streams)
    for now, was in of.items():
        before, after = frames(source, was), frames(result, now)
        assert with_square(before), "the source shows something to hide"
        assert with_square(after) == []
        assert [*map(time_of, after)] == [*map(time_of, before)]
        hidden = {region.frame for region in (done.joined.regions, *done.joined.beside)[now]}
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            if not {*range(number // 15 * 15, number // 15 * 15 + 15)} & hidden:
                same = np.array_equal(one.to_ndarray(), other.to_ndarray())
                assert same or done.probed.streams[now].info.why_encoded, number


@pytest.mark.parametrize(
    "suffix", ["mp4", "mkv", pytest.param("mov", marks=pytest.mark.slow), "ts"]
)
def test_each_camera_is_redacted_and_copied_where_nothing_is_to_be_hidden(
    suffix: str,
    front: Path,
    rear: Path,
    noise: Path,
    ffmpeg: Ffmpeg,
    redact: Redact,
    tmp_path: Path,
) -> None:
    path = together(ffmpeg, tmp_path / f"car.{suffix}", front, rear, noise)
    done = redact(path)
    assert_redacted(path, done, {0: 0, 1: 1})
    assert streams(published(done)) == [("h264", 320, 180), ("h264", 192, 108)]
    assert audio(published(done)) == audio(path) != []
    for stream in done.probed.streams:
        own = [made for made in done.rendered if made.stream == stream.info.number]
        assert 0 < sum(made.copied for made in own) < stream.info.frames
    assert published(done).suffix == (".mp4" if suffix == "ts" else f".{suffix}")


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("alike", [True, False])
def test_a_face_in_the_second_camera_alone_is_hidden(
    alike: bool,
    suffix: str,
    front: Path,
    rear: Path,
    ffmpeg: Ffmpeg,
    redact: Redact,
    tmp_path: Path,
) -> None:
    empty = camera(ffmpeg, tmp_path / "empty.mp4", seen=None)
    path = together(ffmpeg, tmp_path / f"car.{suffix}", empty, front if alike else rear)
    done = redact(path)
    assert len(done.joined.regions) == 0 < len(done.joined.beside[0])
    assert shows(path, 1)
    assert [shows(published(done), number) for number in (0, 1)] == [[], []]
    assert all(map(np.array_equal, pictures(path), pictures(published(done))))


def test_three_cameras_of_which_one_is_hevc(
    front: Path, rear: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
) -> None:
    cabin = camera(ffmpeg, tmp_path / "cabin.mp4", size="160x90", seen=(40, 44), codec=X265)
    path = together(ffmpeg, tmp_path / "car.mp4", front, cabin, rear)
    done = redact(path)
    assert_redacted(path, done, {0: 0, 1: 1, 2: 2})
    assert [stream.info.why_encoded != "" for stream in done.probed.streams] == [False, True, False]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("place", [0, 2])
def test_a_preview_is_dropped_and_told(
    place: int, suffix: str, front: Path, rear: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
) -> None:
    small = preview(ffmpeg, tmp_path / "small.mkv")
    parts = [front, rear]
    parts.insert(place, small)
    path = together(ffmpeg, tmp_path / f"car.{suffix}", *parts)
    assert len(streams(path)) == 3
    done = redact(path)
    assert_redacted(path, done, {0: 0, 1: 1} if place else {0: 1, 1: 2})
    told = f"video stream {place}, mjpeg, 160x96: it is a preview, 1 beside 75 pictures"
    assert done.probed.dropped == (told,)
    with av.open(small) as container:
        picture = bytes(next(container.demux(video=0)))
    assert picture in path.read_bytes()
    assert picture[-500:] not in published(done).read_bytes()


def test_one_camera_with_a_preview(
    front: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
) -> None:
    small = preview(ffmpeg, tmp_path / "small.mkv", 3)
    path = together(ffmpeg, tmp_path / "camera.mp4", front, small)
    done = redact(path)
    assert_redacted(path, done, {0: 0})
    assert len(done.probed.dropped) == 1


def test_a_camera_of_small_jpegs_is_no_preview(
    front: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
) -> None:
    small = camera(ffmpeg, tmp_path / "small.mkv", size="160x96", codec=("mjpeg", "-q:v", "3"))
    path = together(ffmpeg, tmp_path / "camera.mkv", front, small)
    done = redact(path)
    assert_redacted(path, done, {0: 0, 1: 1})
    assert done.probed.dropped == ()


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [("all", [0, 1, 2]), ("first", [0]), ([2], [2]), ([2, 0, 2], [0, 2]), (1, [1])],
)
def test_the_configuration_chooses(
    chosen: Any,
    kept: list[int],
    front: Path,
    rear: Path,
    ffmpeg: Ffmpeg,
    redact: Redact,
    tmp_path: Path,
) -> None:
    path = together(ffmpeg, tmp_path / "car.mp4", front, rear, front)
    done = redact(path, output={"streams": chosen})
    assert_redacted(path, done, dict(enumerate(kept)))
    assert len(done.probed.dropped) == 3 - len(kept)
    assert all("output.streams" in sentence for sentence in done.probed.dropped)


def damage_rear(car: Path) -> None:
    """Take the content of a picture from the second of two cameras."""
    with av.open(car) as container:
        found = [packet for packet in container.demux(video=1) if packet.size]
        place, size = found[40].pos, found[40].size
    content = bytearray(car.read_bytes())
    content[place + 5 : place + size] = bytes(size - 5)
    car.write_bytes(content)


class TestWhatCannotBeRedacted:
    """No stream is left as it is: the whole video fails, and the reason names the way out."""

    @pytest.fixture
    def car(self, front: Path, rear: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
        return together(ffmpeg, tmp_path / "car.mp4", front, rear)

    def refused(self, path: Path, redact: Redact, kind: type[VideoError], why: str) -> None:
        with pytest.raises(kind, match=f"video stream 1: {why}.*; output.streams"):
            redact(path)
        assert not (path.parent / "redacted").is_dir() or not [
            *(path.parent / "redacted").glob("*.mp4")
        ]
        done = redact(path, output={"streams": "first"})
        assert_redacted(path, done, {0: 0})

    def test_a_damaged_stream(self, car: Path, redact: Redact) -> None:
        damage_rear(car)
        self.refused(car, redact, DamagedVideo, "")

    def test_damage_is_salvaged_in_its_stream_alone(self, car: Path, redact: Redact) -> None:
        damage_rear(car)
        done = redact(car, on_damage="salvage")
        assert [plan.damage != () for plan in done.tracked] == [False, True]
        assert [shows(published(done), number) for number in (0, 1)] == [[], []]
        assert [len(times(published(done), number)) for number in (0, 1)] == [60, 75]

    def test_a_codec_that_nobody_knows(self, car: Path, redact: Redact) -> None:
        content = car.read_bytes()
        place = content.rindex(b"avc1")
        car.write_bytes(content[:place] + b"xyz1" + content[place + 4 :])
        self.refused(car, redact, UnsupportedVideo, "")

    def test_a_pixel_format_that_cannot_be_encoded(
        self, front: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
    ) -> None:
        raw = ("ffv1", "-pix_fmt", "bgra")
        rear = camera(ffmpeg, tmp_path / "rear.mkv", size="160x90", frames=10, codec=raw)
        path = together(ffmpeg, tmp_path / "car.mkv", front, rear)
        self.refused(path, redact, UnsupportedVideo, "its pixel format bgra")

    @pytest.mark.parametrize("chosen", [[2], [0, 2]])
    def test_a_stream_that_is_not_there(self, chosen: Any, car: Path, redact: Redact) -> None:
        with pytest.raises(UnsupportedVideo, match="names video stream 2, but it has 2"):
            redact(car, output={"streams": chosen})

    def test_a_second_stream_of_a_file_with_one(self, front: Path, redact: Redact) -> None:
        with pytest.raises(UnsupportedVideo, match="names video stream 1, but it has 1"):
            redact(front, output={"streams": [1]})


class TestProof:
    """What would show a face of one stream is not published."""

    @pytest.fixture
    def car(self, front: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
        """Two cameras that nothing tells apart but when they see something."""
        other = camera(ffmpeg, tmp_path / "other.mp4", seen=(40, 44))
        return together(ffmpeg, tmp_path / "car.mp4", front, other)

    @pytest.fixture
    def done(self, car: Path, redact: Redact) -> Done:
        done = redact(car)
        published(done).unlink()
        return done

    @pytest.fixture
    def job(self, car: Path, tmp_path: Path) -> Job:
        (video,) = listing.list_videos(str(car), str(tmp_path / "redacted"))
        settings = {"chunk": {"seconds": 0.9}, "redact": {"style": "solid"}}
        return Job.of(video, str(tmp_path / "redacted"), config.validate(MAGENTA | settings))

    def refused(self, job: Job, probed: Probed, why: str, *arguments: Any) -> None:
        with pytest.raises(CheckFailed, match=why):
            stages.join(job, probed, *arguments)
        assert not [*Path(job.destination).glob("*.mp4")]

    def test_what_was_hidden_in_the_first_stream_alone(
        self, car: Path, redact: Redact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        right = hide.hide

        def early(frame: VideoFrame, regions: list[Region], settings: RedactSettings) -> None:
            if regions[0].frame < 30:
                right(frame, regions, settings)

        monkeypatch.setattr(hide, "hide", early)
        with pytest.raises(CheckFailed, match=r"video stream 1: frame .* still shows"):
            redact(car)
        assert not [*(tmp_path / "redacted").glob("*.mp4")]

    def test_the_plans_of_the_streams_are_mixed_up(self, done: Done, job: Job) -> None:
        mixed = done.tracked[::-1]
        self.refused(job, done.probed, "plan is that of another stream", mixed, done.rendered)
        chunk, info = done.probed.chunks[0], done.probed.info
        with pytest.raises(CheckFailed, match="video stream 0: its plan is that of another"):
            stages.render(job, info, chunk, mixed[0])

    def test_the_segments_of_the_streams_are_mixed_up(self, done: Done, job: Job) -> None:
        mixed = [replace(made, stream=1 - (made.stream or 0)) for made in done.rendered]
        why = "video stream 0: frame 0 has something to hide, but was copied"
        self.refused(job, done.probed, why, done.tracked, mixed)

    def test_what_was_detected_in_another_stream(self, done: Done, job: Job) -> None:
        mixed = [replace(seen, stream=1) for seen in done.detected if seen.stream == 0]
        mixed[-1] = replace(mixed[-1], stream=0)
        with pytest.raises(CheckFailed, match=r"video stream 1: not all .* were analysed"):
            stages.track(job, done.probed, mixed)

    def test_copies_that_do_not_fit_are_encoded(
        self, car: Path, redact: Redact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        right = verify.verify

        def refuse_copies(path: Path, videos: list[Footage], *rest: Any) -> None:
            if any(segment.url is None for segment in videos[1].segments):
                raise CheckFailed("it is said to be wrong")
            right(path, videos, *rest)

        monkeypatch.setattr(verify, "verify", refuse_copies)
        done = redact(car)
        assert done.joined.why_encoded == (
            "copied GOPs do not fit beside encoded ones: it is said to be wrong"
        )
        for number in (0, 1):
            assert shows(published(done), number) == []
            assert times(published(done), number) == times(car, number)

    def test_copies_are_encoded_as_the_pictures_of_their_own_stream(
        self, done: Done, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> None:
            raise CheckFailed("it is said to be wrong")

        monkeypatch.setattr(verify, "verify", refuse)
        first, second = done.tracked
        with pytest.raises(CheckFailed, match="said to be wrong"):
            stages.join(job, done.probed, [first, second], done.rendered)
        mixed = [first, replace(second, pictures=first.pictures)]
        with pytest.raises(DamagedVideo, match=r"video stream 1: .* another picture each time"):
            stages.join(job, done.probed, mixed, done.rendered)

    def test_the_segments_of_a_stream_are_missing(self, done: Done, job: Job) -> None:
        some = [made for made in done.rendered if made.stream == 0]
        why = "video stream 1: of 60 frames, 0 were rendered"
        self.refused(job, done.probed, why, done.tracked, some)


class TestTimes:
    """All streams keep their distance in time."""

    @pytest.fixture
    def late(self, front: Path, rear: Path, noise: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
        """The second camera begins 1.7 s after the first, whose clock begins at an hour."""
        path = tmp_path / "late.mkv"
        delayed = ["-itsoffset", "3600", "-i", front, "-itsoffset", "3601.7", "-i", rear]
        delayed += ["-itsoffset", "3600.2", "-i", noise]
        ffmpeg(*delayed, "-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-copyts", path)
        return path

    def test_a_camera_that_begins_late(self, late: Path, redact: Redact) -> None:
        assert_redacted(late, redact(late), {0: 0, 1: 1})

    def test_the_copy_may_begin_at_zero(self, late: Path, redact: Redact) -> None:
        done = redact(late, output={"begin": "zero"})
        for number in (0, 1):
            moved = [time - Fraction(3600) for time in times(late, number)]
            assert times(published(done), number) == moved
        assert audio(published(done)) == audio(late)

    def test_times_below_zero(
        self, front: Path, rear: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
    ) -> None:
        path = tmp_path / "wraps.ts"
        together(ffmpeg, path, front, rear, options=("-output_ts_offset", "95442.2"))
        done = redact(path)
        before, after = ([times(p, n) for n in (0, 1)] for p in (path, published(done)))
        begin = min(times[0] for times in before)
        assert begin < 0 == min(times[0] for times in after)
        assert after == [[time - begin for time in own] for own in before]


class TestHowItIsShown:
    """Rotation, shape, and which stream a player takes."""

    @pytest.mark.parametrize("suffix", ["mp4", "mkv"])
    def test_is_kept_of_each_stream(
        self, suffix: str, front: Path, rear: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
    ) -> None:
        turned = tmp_path / "turned.mp4"
        ffmpeg("-display_rotation", "90", "-i", rear, "-c", "copy", turned)
        path = tmp_path / f"car.{suffix}"
        disposition = ("-disposition:v:0", "0", "-disposition:v:1", "default")
        together(ffmpeg, path, front, turned, options=disposition)
        done = redact(path)
        assert_redacted(path, done, {0: 0, 1: 1})
        assert self.look(published(done)) == self.look(path)
        assert [rotation for rotation, _ in self.look(path)] == [0, 90]

    @pytest.mark.parametrize("kept", [[], ["other_tags", "title"]])
    def test_tags_are_those_that_are_kept(
        self,
        kept: list[str],
        front: Path,
        rear: Path,
        ffmpeg: Ffmpeg,
        redact: Redact,
        tmp_path: Path,
    ) -> None:
        tags = [f"-metadata:s:v:{n}" for n in (0, 0, 1)]
        named = ["title=Front", "language=ger", "language=fre"]
        options = [option for pair in zip(tags, named, strict=True) for option in pair]
        path = together(ffmpeg, tmp_path / "car.mkv", front, rear, options=(*options,))
        done = redact(path, output={"keep": kept})
        with av.open(published(done)) as container:
            found = [video.metadata for video in container.streams.video]
        titles = ["Front", None] if kept else [None, None]
        assert [tag.get("title") for tag in found] == titles
        if kept:
            assert [tag.get("language") for tag in found] == ["ger", "fre"]

    def look(self, path: Path) -> list[tuple[int, int]]:
        found = []
        for number in (0, 1):
            with av.open(path) as container:
                frame = next(container.decode(video=number))
                stream = container.streams.video[number]
                found.append((frame.rotation, int(stream.disposition & 1)))
        return found


def test_sound_that_only_the_program_writes_into_matroska(
    front: Path, rear: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
) -> None:
    wave = sound(ffmpeg, tmp_path / "sound.wav", codec="pcm_alaw")
    path = together(ffmpeg, tmp_path / "car.mkv", front, rear, wave)
    done = redact(path)
    assert_redacted(path, done, {0: 0, 1: 1})
    assert audio(published(done)) == audio(path) != []


def test_a_container_without_presentation_times(
    front: Path, rear: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
) -> None:
    """AVI numbers packets, and seeking changes the numbers of those that were copied into it."""
    path = together(ffmpeg, tmp_path / "car.avi", front, rear)
    done = redact(path)
    for number, length in enumerate((60, 75)):
        assert shows(path, number)
        assert shows(published(done), number) == []
        assert len(pictures(published(done), None, number)) == length
        copied = slice(-10, None) if number == 0 else slice(10)
        before, after = (pictures(file, None, number)[copied] for file in (path, published(done)))
        assert all(map(np.array_equal, before, after))


def test_a_transport_stream_of_two_programs(
    front: Path, rear: Path, noise: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
) -> None:
    path = tmp_path / "car.ts"
    programs = ("-program", "title=a:st=0:st=2", "-program", "title=b:st=1")
    together(ffmpeg, path, front, rear, noise, options=programs)
    done = redact(path)
    assert_redacted(path, done, {0: 0, 1: 1})


def test_a_resumed_video_does_nothing_twice(
    front: Path, rear: Path, ffmpeg: Ffmpeg, redact: Redact, tmp_path: Path
) -> None:
    path = together(ffmpeg, tmp_path / "car.mp4", front, front)
    first = redact(path)
    published(first).unlink()
    again = redact(path)
    assert again.joined.sha256 == first.joined.sha256
    for result in (*again.detected, *again.rendered):
        assert not {"decode", "encode", "detect"} & {*dict(result.timing.steps)}
    urls = [part.url for made in again.rendered for part in made.segments if part.url]
    assert len({*urls}) == len(urls) == 2


class TestRun:
    """A run on a cluster, beside a file with one camera."""

    def test_the_manifest_tells_of_each_stream(
        self, fleet: Path, client: Client, tmp_path: Path
    ) -> None:
        settings = MAGENTA | {"chunk": {"seconds": 0.9}, "redact": {"style": "solid"}}
        history = History(str(tmp_path), config.validate(settings))
        with Backlog(listing.list_videos(str(fleet), str(tmp_path)), history) as backlog:
            needed = estimate(backlog, str(tmp_path), config.validate(settings))
        summary = redact_dask.redact(fleet, tmp_path, settings, client)
        assert (summary.published, summary.frames, summary.faces) == (2, 60 + 75 + 60, 3)
        assert needed.frames == summary.frames
        one, car = sorted(rows(tmp_path, "videos"), key=lambda row: row["source"], reverse=True)
        assert (one["streams"], one["streams_dropped"]) == ([0], [])
        assert (car["streams"], len(car["streams_dropped"])) == ([0, 1], 1)
        assert (car["frames"], car["frames_analysed"], car["faces"]) == (135, 135, 2)
        assert car["duration_s"] == pytest.approx(3)
        assert needed.looks == one["frames_looked_at"] + car["frames_looked_at"]
        own = {name: self.of(car, tmp_path, name) for name in ("detections", "regions", "chunks")}
        assert needed.tasks == len(rows(tmp_path, "chunks"))
        for name in ("detections", "regions"):
            frames = [{row["frame"] for row in own[name] if row["stream"] == n} for n in (0, 1)]
            assert 12 in frames[0] - frames[1]
            assert 52 in frames[1] - frames[0]
            assert {row["stream"] for row in self.of(one, tmp_path, name)} == {0}
        whole = [row["stage"] for row in own["chunks"] if row["stream"] is None]
        assert sorted(whole) == ["join", "probe"]
        for stage in ("detect", "render"):
            for number, frames in enumerate((60, 75)):
                tasks = [r for r in own["chunks"] if (r["stage"], r["stream"]) == (stage, number)]
                assert sum(row["frames"] for row in tasks) == frames
                assert [row["index"] for row in tasks] == [*range(len(tasks))]

        again = redact_dask.redact(fleet, tmp_path, settings, client)
        assert (again.skipped, again.published) == (2, 0)

        page = report.render(str(tmp_path), frames=9)
        sizes = sorted(image.size for image in images(page))
        assert sizes == [(192, 108), (320, 180), (320, 180)]
        for image in images(page):
            assert excess(np.asarray(image.convert("RGB"))).max() < 40

    def of(self, video: Row, destination: Path, name: str) -> list[Row]:
        found = [row for row in rows(destination, name) if row["video"] == video["video"]]
        first = "first_frame" if name == "chunks" else "frame"
        return sorted(found, key=lambda row: (row["stream"] or 0, row[first]))

    def test_each_look_at_each_stream_is_paid_for_once(
        self, fleet: Path, standin: StartStandin, tmp_path: Path
    ) -> None:
        standin("--latency", 0.01, "--faces", "magenta")
        options = {"rekognition": {"tps": 500}}
        detect = {"detectors": ["rekognition"], "every": 3, "options": options}
        settings = MAGENTA | {"detect": detect, "redact": {"style": "solid"}}
        with workers(2) as client:
            first = redact_dask.redact(fleet / "car.mp4", tmp_path, settings, client)
            (row,) = rows(tmp_path, "videos")
            assert first.usage.calls == row["frames_looked_at"] > 45
            chosen = settings | {"output": {"streams": [1]}}
            again = redact_dask.redact(fleet / "car.mp4", tmp_path, chosen, client)
        assert (again.published, again.usage.calls) == (1, 0)
        assert streams(tmp_path / "car.mp4") == [("h264", 192, 108)]
        assert shows(tmp_path / "car.mp4", 0) == []
