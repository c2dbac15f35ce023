"""Which video streams of a file are published, and the checks of a file that has several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from fixture_types import Ffmpeg
from several_cameras import camera, preview, sound, together
from streams import HD

from redact_dask.config import EncodeSettings, OutputSettings
from redact_dask.errors import CheckFailed, DamagedVideo, UnsupportedVideo
from redact_dask.media import cameras, demux, mux, verify
from redact_dask.media.index import Index
from redact_dask.records import Footage, Segment

Choose = Callable[..., cameras.Cameras]


@pytest.fixture(scope="module")
def folder(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras that cannot be told apart but by their pictures, a third one, and a preview."""
    folder = tmp_path_factory.mktemp("cameras")
    for name, seen in (("one", (5, 6)), ("two", (20, 21))):
        camera(ffmpeg, folder / f"{name}.mp4", size="160x90", frames=30, seen=seen)
    camera(ffmpeg, folder / "three.mp4", size="128x96", frames=30)
    preview(ffmpeg, folder / "small.mkv")
    sound(ffmpeg, folder / "sound.m4a", 1)
    return folder


@pytest.fixture
def car(folder: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
    names = ("one.mp4", "two.mp4", "sound.m4a")
    return together(ffmpeg, tmp_path / "car.mp4", *(folder / name for name in names))


def choose(path: Path, streams: object = "all") -> cameras.Cameras:
    return cameras.scan(
        str(path), EncodeSettings(), OutputSettings.model_validate({"streams": streams})
    )


def numbers(found: cameras.Cameras) -> list[int | None]:
    return [scanned.info.number for scanned in found.streams]


class TestChoice:
    """Every camera is published, unless the configuration says otherwise."""

    @pytest.mark.parametrize("streams", ["all", "first", [0]])
    def test_the_only_stream_has_no_number(self, folder: Path, streams: object) -> None:
        found = choose(folder / "one.mp4", streams)
        assert (numbers(found), found.dropped) == ([None], ())

    def test_a_file_with_one_stream_is_opened_no_more_often(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = []
        right = demux._open
        monkeypatch.setattr(demux, "_open", lambda *a: opened.append(a) or right(*a))
        choose(folder / "one.mp4")
        assert len(opened) == 2

    @pytest.mark.parametrize("place", [0, 1])
    def test_the_first_is_the_first_camera(
        self, place: int, folder: Path, ffmpeg: Ffmpeg, tmp_path: Path
    ) -> None:
        names = ["one.mp4", "two.mp4"]
        names.insert(place, "small.mkv")
        path = together(ffmpeg, tmp_path / "car.mp4", *(folder / name for name in names))
        found = choose(path, "first")
        assert numbers(found) == [1 - place]
        assert len(found.dropped) == 2
        assert numbers(choose(path)) == sorted({0, 1, 2} - {place})

    def test_a_preview_may_be_named(self, folder: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
        parts = (folder / "one.mp4", folder / "small.mkv")
        found = choose(together(ffmpeg, tmp_path / "car.mp4", *parts), [1])
        assert [scanned.info.codec for scanned in found.streams] == ["mjpeg"]
        assert found.dropped == ("video stream 0, h264, 160x90: output.streams does not name it",)

    @pytest.mark.parametrize(("pictures", "dropped"), [(3, True), (4, False)])
    def test_a_preview_has_few_pictures(
        self, pictures: int, dropped: bool, folder: Path, ffmpeg: Ffmpeg, tmp_path: Path
    ) -> None:
        small = preview(ffmpeg, tmp_path / "small.mkv", pictures)
        found = choose(together(ffmpeg, tmp_path / "car.mkv", folder / "one.mp4", small))
        assert len(found.dropped) == dropped
        assert numbers(found) == ([0] if dropped else [0, 1])

    def test_jpegs_beside_few_pictures_are_a_camera(self, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
        few = camera(ffmpeg, tmp_path / "few.mp4", frames=9)
        path = together(ffmpeg, tmp_path / "car.mkv", few, preview(ffmpeg, tmp_path / "p.mkv"))
        assert numbers(choose(path)) == [0, 1]

    def test_films_of_jpegs_alone_are_cameras(self, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
        one, two = (preview(ffmpeg, tmp_path / f"{n}.mkv", n) for n in (1, 30))
        assert numbers(choose(together(ffmpeg, tmp_path / "car.mkv", one, two))) == [0, 1]


@pytest.mark.parametrize("kind", [CheckFailed, DamagedVideo, UnsupportedVideo])
def test_an_error_names_its_stream(kind: type[Exception]) -> None:
    with (
        pytest.raises(kind, match=r"^video stream 2: it is wrong; output\.streams can"),
        cameras.named(2),
    ):
        raise kind("it is wrong")
    with pytest.raises(kind, match=r"^it is wrong$"), cameras.named(None):
        raise kind("it is wrong")


def test_all_streams_are_moved_by_one_time() -> None:
    bases = (Fraction(1, 90000), Fraction(1, 12800), Fraction(1001, 30000))
    found = []
    for number, (base, first) in enumerate(zip(bases, (2, -0.7, -0.2), strict=True)):
        info = replace(HD, time_base=base, number=number)
        found.append(Index(info, (round(first / base), 10**6), (), frozenset(), None))
    moved = [*cameras._moved(found, from_zero=False)]
    by = {scanned.info.shift * scanned.info.time_base for scanned in moved}
    assert len(by) == 1
    assert all((scanned.pts[0] + scanned.info.shift) >= 0 for scanned in moved)
    assert [scanned.info.shift for scanned in cameras._moved(found[:1], from_zero=False)] == [0]


class TestCheck:
    """The check finds what is wrong in any stream, and streams that nobody planned."""

    def planned(self, car: Path) -> list[Footage]:
        """Copy all GOPs."""
        return [
            Footage(
                tuple(
                    Segment(gop.frames, gop.start, None, stream.info.reorder_depth)
                    for chunk in stream.chunks(9)
                    for gop in chunk.gops
                ),
                stream.pts,
                stream.info,
            )
            for stream in choose(car).streams
        ]

    def written(self, path: Path, car: Path, videos: list[Footage]) -> tuple[mux.Written, ...]:
        return mux.write(path, videos, str(car), OutputSettings())

    def test_what_is_right_is_accepted(self, car: Path, tmp_path: Path) -> None:
        videos = self.planned(car)
        written = self.written(tmp_path / "joined.mp4", car, videos)
        verify.verify(tmp_path / "joined.mp4", videos, str(car), OutputSettings(), written)
        verify.verify(tmp_path / "joined.mp4", videos, str(car), OutputSettings())

    def test_a_stream_that_nobody_planned(self, car: Path, tmp_path: Path) -> None:
        """The audio of both is the same, and the first stream too."""
        videos = self.planned(car)
        written = self.written(tmp_path / "joined.mp4", car, videos)
        sentence = "2 video streams"
        for known in ((), written[:1]):
            with pytest.raises(CheckFailed, match=sentence):
                verify.verify(
                    tmp_path / "joined.mp4", videos[:1], str(car), OutputSettings(), known
                )

    def test_a_stream_that_is_not_there(self, car: Path, tmp_path: Path) -> None:
        videos = self.planned(car)
        self.written(tmp_path / "joined.mp4", car, videos[:1])
        with pytest.raises(CheckFailed, match=r"video stream 1: .*has no video stream 1"):
            verify.verify(tmp_path / "joined.mp4", videos, str(car), OutputSettings())

    @pytest.mark.parametrize("full", [True, False])
    def test_streams_in_each_others_place(self, full: bool, car: Path, tmp_path: Path) -> None:
        one, two = self.planned(car)
        written = self.written(tmp_path / "joined.mp4", car, [two, one])
        known = () if full else written[::-1]
        with pytest.raises(CheckFailed, match=r"video stream 0: .*(copied, but|not those)"):
            verify.verify(tmp_path / "joined.mp4", [one, two], str(car), OutputSettings(), known)

    def test_a_broken_packet_of_the_second_stream(self, car: Path, tmp_path: Path) -> None:
        videos, path = self.planned(car), tmp_path / "joined.mp4"
        written = self.written(path, car, videos)
        with av.open(path) as container:
            found = [packet for packet in container.demux(video=1) if packet.size]
            place = found[9].pos + found[9].size - 4
        content = bytearray(path.read_bytes())
        content[place] ^= 255
        path.write_bytes(content)
        with pytest.raises(CheckFailed, match="video stream 1: "):
            verify.verify(path, videos, str(car), OutputSettings(), written)
