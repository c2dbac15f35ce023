"""A detector sees the picture as a player shows it, and its boxes find the way back."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from fixture_types import Ffmpeg
from numpy.typing import NDArray

from redact_dask import Box, detectors
from redact_dask.config import EncodeSettings
from redact_dask.detectors.frame_view import FrameView
from redact_dask.errors import CheckFailed
from redact_dask.media import index
from redact_dask.media.decode import frames

SIZE = (320, 180)
BRIGHT = (40, 60, 100, 90)
"""Box of a bright rectangle in the stored picture; no turn or flip maps it onto itself."""


class Scaling:
    """Wants pictures of a third of the width and half of the height, and finds what is bright."""

    identity = "scaling"

    def __init__(self, seen: list[NDArray[np.uint8]]) -> None:
        self._seen = seen

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        return width // 3, height // 2

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        self._seen.extend(images)
        return [[_bright(image)] for image in images]


@pytest.fixture(params=[0, 90, 180, 270])
def turned(request: pytest.FixtureRequest, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
    """A dark clip with a bright rectangle, that a player turns."""
    stored, turned = tmp_path / "stored.mp4", tmp_path / "turned.mp4"
    x0, y0, x1, y1 = BRIGHT
    area = f"x={x0}:y={y0}:w={x1 - x0}:h={y1 - y0}"
    scene = ["-f", "lavfi", "-i", f"color=0x202020:s={SIZE[0]}x{SIZE[1]}"]
    ffmpeg(*scene, "-frames:v", "2", "-vf", f"drawbox={area}:color=white:t=fill", stored)
    ffmpeg("-display_rotation", str(request.param), "-i", stored, "-c", "copy", turned)
    return turned


def test_boxes_come_back_to_the_stored_picture(turned: Path) -> None:
    scanned = index.scan(str(turned), EncodeSettings())
    view = FrameView(scanned.info, Scaling([]), "scaling")
    images = np.stack([view.image(frame) for frame in _frames(turned)])
    found = list(view.detections([5, 8], images))
    assert [(seen.frame, seen.detector) for seen in found] == [(5, "scaling"), (8, "scaling")]
    for seen in found:
        # Half a pixel of the small picture is up to two of the stored one.
        assert [seen.x0, seen.y0, seen.x1, seen.y1] == pytest.approx(BRIGHT, abs=2)


def test_the_picture_is_upright_as_a_player_shows_it(turned: Path, ffmpeg: Ffmpeg) -> None:
    shown = turned.with_name("shown.mkv")
    ffmpeg("-i", turned, "-c:v", "ffv1", "-pix_fmt", "bgr0", shown)  # ffmpeg turns as a player does
    with av.open(shown) as container:
        expected = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    view = FrameView(index.scan(str(turned), EncodeSettings()).info, _AsItIs([]), "as-it-is")
    for frame, picture in zip(_frames(turned), expected, strict=True):
        image = view.image(frame)
        assert image.shape == picture.shape
        assert np.abs(image.astype(int) - picture).mean() < 3


def test_the_detector_gets_the_size_that_it_asked_for(turned: Path) -> None:
    seen: list[NDArray[np.uint8]] = []
    info = index.scan(str(turned), EncodeSettings()).info
    view = FrameView(info, Scaling(seen), "scaling")
    list(view.detections([0, 1], np.stack([view.image(frame) for frame in _frames(turned)])))
    width, height = SIZE if info.quarter_turns % 2 == 0 else SIZE[::-1]
    assert [image.shape for image in seen] == [(height // 2, width // 3, 3)] * 2


def test_a_box_that_reaches_past_the_border_is_cut(turned: Path) -> None:
    class Wide(Scaling):
        def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
            return [[Box(-50, -50, 500, 500, 0.5, "face")] for _ in images]

    view = FrameView(index.scan(str(turned), EncodeSettings()).info, Wide([]), "wide")
    found = next(view.detections([0], view.image(_frames(turned)[0])[None]))
    assert (found.x0, found.y0, found.x1, found.y1) == (0, 0, *SIZE)


def test_a_detector_of_another_package_gets_its_view(clip: Path) -> None:
    scanned = index.scan(str(clip), EncodeSettings())
    view = FrameView(scanned.info, detectors.create("magenta", {}), "magenta")
    decoded = frames(str(clip), scanned.info, scanned.chunks(1000)[0])
    for number, frame in zip(range(12), decoded, strict=False):
        (seen,) = view.detections([number], view.image(frame)[None])
        x = 12 + 2 * number
        assert [seen.x0, seen.y0, seen.x1, seen.y1] == pytest.approx([x, 60, x + 40, 100], abs=2)


class _AsItIs(Scaling):
    def input_size(self, width: int, height: int) -> tuple[int, int]:
        return width, height


def _frames(path: Path) -> list[av.VideoFrame]:
    scanned = index.scan(str(path), EncodeSettings())
    return list(frames(str(path), scanned.info, scanned.chunks(1000)[0]))


def _bright(image: NDArray[np.uint8]) -> Box:
    rows, columns = np.nonzero(image.min(axis=2) > 140)
    x0, x1 = float(columns.min()), float(columns.max() + 1)
    y0, y1 = float(rows.min()), float(rows.max() + 1)
    return Box(x0, y0, x1, y1, 0.9, "face")


@pytest.mark.parametrize(("flip", "turns"), [("-display_hflip", 0), ("-display_vflip", 2)])
def test_a_mirrored_picture_has_its_upper_side_up(
    flip: str, turns: int, clip: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    mirrored = tmp_path / "mirrored.mp4"
    ffmpeg(flip, "-i", clip, "-c", "copy", mirrored)
    info = index.scan(str(mirrored), EncodeSettings()).info
    assert info.display_matrix
    assert info.quarter_turns == turns


class _Answers(_AsItIs):
    """Answers what it was told to, whatever it is shown."""

    def __init__(self, answers: list[list[Box]]) -> None:
        self._answers = answers

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:  # noqa: ARG002
        return self._answers


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [[]],
        [[], [Box(0, 0, float("nan"), 9, 0.9, "face")]],
        [[Box(9, 0, 4, 9, 0.9, "face")], []],
    ],
    ids=str,
)
def test_a_detector_that_breaks_its_contract_is_an_error(
    answers: list[list[Box]], clip: Path
) -> None:
    info = index.scan(str(clip), EncodeSettings()).info
    view = FrameView(info, _Answers(answers), "broken")
    with pytest.raises(CheckFailed, match="broken answered"):
        list(view.detections([0, 1], np.zeros((2, 180, 320, 3), np.uint8)))


@pytest.mark.parametrize(("aspect", "seen"), [("4/3", (427, 180)), ("1/9", (320, 180))])
def test_a_picture_of_wide_pixels_is_seen_as_wide_as_it_is_shown(
    aspect: str, seen: tuple[int, int], clip: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    wide = tmp_path / "wide.mp4"
    ffmpeg("-i", clip, "-vf", f"setsar={aspect}", "-frames:v", "2", wide)
    info = index.scan(str(wide), EncodeSettings()).info
    frame = _frames(wide)[0]
    view = FrameView(info, _Answers([[Box(0, 0, *seen, 0.9, "face")]]), "all")
    image = view.image(frame)
    assert image.shape == (seen[1], seen[0], 3)
    (found,) = view.detections([0], image[np.newaxis])
    assert (found.x0, found.y0, found.x1, found.y1) == pytest.approx((0, 0, 320, 180))
