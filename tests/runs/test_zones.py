"""Zones in whole videos: what is always hidden is gone, and what never is stays, by path."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from decoded import pictures, places
from distributed import Client
from filmed import FRAMES, filmed, told
from five_stages import AUTO, Done, published, run
from fixture_types import Ffmpeg, Redact
from magenta import MAGENTA
from manifest_rows import rows
from numpy.typing import NDArray
from several_cameras import camera, together
from stamped import HEIGHT, TEXT, WIDTH, area, stamped

import redact_dask
from redact_dask import config
from redact_dask.media.planes import planes
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.redaction.zones import WHY_ENCODED
from redact_dask.sources import listing

COVERED = [{"hide": [area(TEXT, WIDTH, HEIGHT)]}]
Prepare = Callable[..., Job]


@pytest.fixture(scope="module")
def drive(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with burnt-in text and nothing else to hide."""
    return stamped(tmp_path_factory.mktemp("drive") / "drive.mp4", ffmpeg)


def planes_of(path: Path) -> list[list[NDArray[Any]]]:
    with av.open(path) as container:
        frames = container.decode(video=0)
        return [[plane.pixels.copy() for plane in planes(frame)] for frame in frames]


def test_burnt_in_text_is_covered_and_nothing_else(redact: Redact, drive: Path) -> None:
    done = redact(drive, zones=COVERED)
    before, after = planes_of(drive), planes_of(published(done))
    assert len(before) == len(after) == 60
    x0, y0, x1, y1 = TEXT
    for was, now in zip(before, after, strict=True):
        for number, (one, other) in enumerate(zip(was, now, strict=True)):
            span = 2 if number else 1
            inside = np.zeros(one.shape, bool)
            inside[y0 // span : y1 // span, x0 // span : x1 // span] = True
            assert np.unique(other[inside]).tolist() == [128 if number else 16]
            assert np.array_equal(one[~inside], other[~inside])


def test_no_gop_with_burnt_in_text_is_copied(redact: Redact, drive: Path) -> None:
    assert sum(made.copied for made in redact(drive, encode=AUTO).rendered) == 60
    done = redact(drive, zones=COVERED, encode=AUTO)
    assert sum(made.copied for made in done.rendered) == 0
    assert done.probed.info.why_encoded == WHY_ENCODED
    assert not len(done.joined.regions), "a zone is no region of each frame"
    x0, y0, x1, y1 = TEXT
    for picture in pictures(published(done)):
        # Beside the border, which the encoder smears, there is no detail.
        assert np.ptp(picture[:HEIGHT][y0 + 4 : y1 - 4, x0 + 4 : x1 - 4].astype(int)) <= 4


def test_why_a_video_is_encoded_tells_all_reasons(redact: Redact, drive: Path) -> None:
    done = redact(drive, zones=COVERED)
    assert done.probed.info.why_encoded == f"the configuration says never; {WHY_ENCODED}"


@pytest.fixture
def fleet(drive: Path, tmp_path: Path) -> Prepare:
    """Return the job of one video of a folder with two cameras."""
    for name in ("front", "cabin"):
        (tmp_path / "fleet" / name).mkdir(parents=True)
        shutil.copy2(drive, tmp_path / "fleet" / name / "1.mp4")

    def prepare(path: str, **sections: Any) -> Job:
        videos = listing.list_videos(str(tmp_path / "fleet"), str(tmp_path / "redacted"))
        (video,) = (video for video in videos if video.path == path)
        settings = config.validate(MAGENTA | {"chunk": {"seconds": 0.5}} | sections)
        return Job.of(video, str(tmp_path / "redacted"), settings)

    return prepare


def test_a_run_makes_copies_again_if_zones_change(
    fleet: Prepare, tmp_path: Path, client: Client
) -> None:
    fleet("front/1.mp4")

    def redact(*zones: dict[str, Any]) -> redact_dask.Summary:
        settings = MAGENTA | {"zones": [*zones]}
        return redact_dask.redact(tmp_path / "fleet", tmp_path / "out", settings, client)

    cabin = {"paths": ["cabin/*"], "hide": [[[0, 0], [1, 1]]]}
    first = redact(cabin, {"paths": ["rear/*"], "hide": [[[0, 0], [1, 1]]]})
    assert first.unused_zones == ("zones.1 (rear/*) fits 0 of 2 videos",)
    assert redact(cabin, {"paths": ["rear/*"], "hide": [[[0, 0], [1, 1]]]}).skipped == 2
    again = redact(cabin)
    assert (again.published, again.skipped, again.unused_zones) == (2, 0, ())
    why = {row["path"]: row["why_encoded"] for row in rows(tmp_path / "out", "videos")}
    assert why == {"front/1.mp4": None, "cabin/1.mp4": WHY_ENCODED}
    assert all(
        picture[:HEIGHT].max() == 16 for picture in pictures(tmp_path / "out" / "cabin" / "1.mp4")
    )


def test_paths_choose_the_videos(fleet: Prepare) -> None:
    zones = [{"paths": ["cabin/*"], "hide": [[[0, 0], [1, 1]]]}]
    front, cabin = (run(fleet(f"{name}/1.mp4", zones=zones)) for name in ("front", "cabin"))
    assert sum(made.copied for made in front.rendered) == 60
    assert sum(made.copied for made in cabin.rendered) == 0
    assert all(picture[:HEIGHT].max() == 16 for picture in pictures(published(cabin)))


def test_what_was_rendered_with_other_zones_is_not_taken(fleet: Prepare) -> None:
    job = fleet("front/1.mp4", zones=COVERED)
    done = run(job)
    (chunk, *_), (plan,) = done.probed.chunks, done.tracked
    again = stages.render(job, done.probed.info, chunk, plan)
    assert again.segments == done.rendered[0].segments
    larger = [{"hide": [[[0, 0.5], [1, 1]]]}]
    other = replace(job, config=fleet("front/1.mp4", zones=larger).config)
    changed = stages.render(other, done.probed.info, chunk, plan)
    assert changed.segments[0].url != done.rendered[0].segments[0].url


def test_what_was_detected_with_other_zones_is_taken(fleet: Prepare) -> None:
    job = fleet("front/1.mp4", zones=COVERED)
    probed = stages.probe(job)
    first = stages.detect(job, probed.info, probed.chunks[0])
    Path(job.video.source.removeprefix("file://")).unlink()
    other = replace(job, config=fleet("cabin/1.mp4").config)
    again = stages.detect(other, probed.info, probed.chunks[0])
    assert replace(again, timing=first.timing) == first


def test_black_pictures_of_damaged_gops_need_no_proof(fleet: Prepare, tmp_path: Path) -> None:
    path = tmp_path / "fleet" / "front" / "1.mp4"
    content = bytearray(path.read_bytes())
    place, size = places(path)[17]
    content[place + 4 : place + size] = bytes(size - 4)
    path.write_bytes(content)
    done = run(fleet("front/1.mp4", zones=COVERED, on_damage="salvage"))
    assert [lost.frames for lost in done.tracked[0].damage] == [range(15, 30)]
    found = planes_of(published(done))
    x0, y0, x1, y1 = TEXT
    assert all(luma.max() == 16 for luma, *_ in found[15:30])
    assert all(
        np.ptp(luma[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4].astype(int)) <= 4 for luma, *_ in found
    )
    assert found[0][0].max() > 100


class TestStreams:
    """Each camera of a file has zones of its own."""

    @pytest.fixture
    def car(self, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
        front = camera(ffmpeg, tmp_path / "front.mp4", seen=None)
        rear = camera(ffmpeg, tmp_path / "rear.mp4", size="192x108", seen=None)
        return together(ffmpeg, tmp_path / "car.mp4", front, rear)

    def test_a_zone_hides_in_the_streams_that_it_names(self, redact: Redact, car: Path) -> None:
        zones = [{"streams": [1], "hide": [[[0, 0], [0.5, 0.5]]]}]
        done = redact(car, zones=zones, encode=AUTO)
        front, rear = (
            [made for made in done.rendered if made.stream == number] for number in (0, 1)
        )
        assert sum(made.copied for made in front) == sum(made.frames for made in front)
        assert sum(made.copied for made in rear) == 0
        assert [stream.info.why_encoded for stream in done.probed.streams] == ["", WHY_ENCODED]
        for before, after in zip(
            pictures(car, stream=0), pictures(published(done), stream=0), strict=True
        ):
            assert np.array_equal(before, after)
        for picture in pictures(published(done), stream=1):
            assert picture[:50, :92].max() <= 20
            assert picture[60:108, 100:].min() > 40


ORIENTATIONS = {
    "upright": [],
    "a quarter": ["-display_rotation", "90"],
    "a half": ["-display_rotation", "180"],
    "three quarters": ["-display_rotation", "270"],
    "mirrored": ["-display_hflip"],
    "upside down in a mirror": ["-display_vflip"],
    "a quarter and mirrored": ["-display_rotation", "90", "-display_hflip"],
    "three quarters and mirrored": ["-display_rotation", "270", "-display_hflip"],
}


@pytest.mark.parametrize("options", ORIENTATIONS.values(), ids=ORIENTATIONS)
def test_a_zone_is_where_a_player_shows_it(
    redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path, options: list[str]
) -> None:
    plain, turned = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=0x909090:s=160x96:r=30", "-frames:v", "3"),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", plain),
    )
    ffmpeg(*options, "-i", plain, "-c", "copy", turned)
    done = redact(turned, zones=[{"hide": [[[0, 0], [0.25, 0.25], [0, 0.75]]]}])
    shown = tmp_path / "shown.mkv"  # ffmpeg turns and mirrors as players do.
    ffmpeg("-i", published(done), "-c:v", "ffv1", "-pix_fmt", "gray", shown)
    for picture in pictures(shown, "gray"):
        height, width = picture.shape
        assert (height < width) != ({"90", "270"} & {*options} != set())
        x, y = (np.arange(n) / n for n in (width, height))
        wide = np.where(y < 0.25, y, (0.75 - y) / 2)[:, None] - x  # To the side on the right.
        assert picture[wide > 0.05].max() < 40
        assert picture[wide < -0.05].min() > 100


FACE = (40.0, 40.0, 80.0, 80.0)


@pytest.fixture(scope="module")
def film(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A magenta square on grey."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return filmed(path, [FACE] * FRAMES, ffmpeg)


class TestShow:
    """A face in an area that is shown, and one that is partly in it."""

    def redacted(self, redact: Redact, film: Path, sides: tuple[int, int, int, int]) -> Done:
        zones = [{"show": [area(sides, 192, 128)]}]
        return redact(film, zones=zones, detect=told([FACE] * FRAMES, every=1), encode=AUTO)

    def test_what_lies_inside_stays_visible(self, redact: Redact, film: Path) -> None:
        done = self.redacted(redact, film, (36, 36, 84, 84))
        assert not len(done.joined.regions)
        assert sum(len(seen.detections) for seen in done.detected) == FRAMES, "it is still noted"
        assert sum(made.copied for made in done.rendered) == FRAMES

    def test_what_lies_half_inside_is_hidden(self, redact: Redact, film: Path) -> None:
        done = self.redacted(redact, film, (60, 36, 100, 84))
        assert {region.frame for region in done.joined.regions} == {*range(FRAMES)}
        assert all(picture[40:80, 40:80].max() < 40 for picture in pictures(published(done)))

    def test_what_is_hidden_wins(self, redact: Redact, film: Path) -> None:
        both = {"show": [[[0, 0], [1, 1]]], "hide": [area((40, 40, 80, 80), 192, 128)]}
        done = redact(film, zones=[both], detect=told([FACE] * FRAMES, every=1))
        assert all((picture[40:80, 40:80] == 16).all() for picture in pictures(published(done)))

    def test_a_region_beside_a_zone_is_hidden_and_proven(self, redact: Redact, film: Path) -> None:
        zones = [{"hide": [area((60, 30, 100, 90), 192, 128)]}]
        detect, style = told([FACE] * FRAMES, every=1), {"style": "pixelate"}
        done = redact(film, zones=zones, detect=detect, redact=style)
        assert all((picture[30:90, 60:100] == 16).all() for picture in pictures(published(done)))
