"""Hiding changes the pixels of the regions, all of them, and no others."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from plans import for_all

from redact_dask.config import RedactSettings
from redact_dask.records import Region, RegionOrigin
from redact_dask.redaction import hide

Planes = list[NDArray[Any]]

PIXELATE = RedactSettings(style="pixelate")
GAUSSIAN = RedactSettings(style="gaussian", radius=4)
SOLID = RedactSettings(style="solid")

PIXEL_FORMATS = [
    f"{family}{depth}" for family in ("yuv420p", "yuv422p", "yuv444p") for depth in ("", "10le")
]


@pytest.mark.parametrize("pixel_format", PIXEL_FORMATS)
@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
@pytest.mark.parametrize("settings", [PIXELATE, GAUSSIAN, SOLID], ids=lambda s: s.style)
@pytest.mark.parametrize(
    "box",
    [
        (10.0, 8.0, 30.0, 30.0),
        (11.3, 9.6, 20.2, 30.5),
        (0, 0, 9, 7),
        (51, 33, 70, 60),
        (-9, -5, 8, 12),
    ],
    ids=str,
)
def test_only_the_region_changes_and_all_of_it(
    pixel_format: str,
    size: tuple[int, int],
    settings: RedactSettings,
    box: tuple[float, float, float, float],
) -> None:
    frame = _noise(*size, pixel_format)
    before = _planes(frame)
    hide.hide(frame, [_region(*box)], for_all(settings))
    for plane, (was, now) in enumerate(zip(before, _planes(frame), strict=True)):
        inside = _inside(box, size, pixel_format, plane)
        assert np.array_equal(was[~inside], now[~inside])
        assert (was[inside] != now[inside]).mean() > 0.8  # some are the average already
        for axis in (0, 1):  # up to the last row and column
            assert np.array_equal((was != now).any(axis), inside.any(axis))


@given(
    pixel_format=st.sampled_from(PIXEL_FORMATS),
    size=st.tuples(st.integers(16, 80), st.integers(16, 80)),
    corner=st.tuples(st.floats(-30, 80), st.floats(-30, 80)),
    sides=st.tuples(st.floats(2, 60), st.floats(2, 60)),
    style=st.sampled_from(["pixelate", "gaussian", "solid"]),
    shape=st.sampled_from(["rectangle", "ellipse"]),
)
@settings(max_examples=150, deadline=None)
def test_all_of_the_box_and_nothing_outside_the_shape_changes(
    pixel_format: str,
    size: tuple[int, int],
    corner: tuple[float, float],
    sides: tuple[float, float],
    style: Any,
    shape: Any,
) -> None:
    """A pixel that equals its average by chance does not count as one that stays."""
    (x0, y0), (width, height) = corner, sides
    assume(-width < x0 < size[0] and -height < y0 < size[1])  # as tracking cuts its regions
    box = (x0, y0, x0 + width, y0 + height)
    frame = _noise(*size, pixel_format)
    before = _planes(frame)
    hide.hide(frame, [_region(*box)], for_all(RedactSettings(style=style, shape=shape, radius=4)))
    for plane, (was, now) in enumerate(zip(before, _planes(frame), strict=True)):
        inside = _inside(box, size, pixel_format, plane)
        within = _ellipse(box, was.shape, pixel_format, plane) if shape == "ellipse" else inside
        assert not (inside & ~within).any()
        assert np.array_equal(was[~within], now[~within])
        if style == "solid":
            assert (was[within] != now[within]).all()
        elif style == "pixelate":
            assert len(np.unique(now[inside])) <= 16
        if min(sides) > 8 and inside.sum() > 100:
            assert (was[inside] != now[inside]).mean() > 0.8  # some are the average already


@pytest.mark.parametrize("style", ["pixelate", "gaussian", "solid"])
def test_an_ellipse_reaches_outside_its_box_but_not_to_the_corners_of_its_own(style: Any) -> None:
    frame = _noise(100, 80, "yuv420p")
    before = _planes(frame)
    hide.hide(
        frame, [_region(30, 30, 70, 50)], for_all(RedactSettings(style=style, shape="ellipse"))
    )
    changed = before[0] != _planes(frame)[0]
    rows, columns = np.nonzero(changed)
    # The half axes are 20 and 10, times the square root of 2: 28.3 and 14.1.
    assert (columns.min(), columns.max() + 1) == (22, 78)
    assert (rows.min(), rows.max() + 1) == (26, 54)
    assert changed.sum() == pytest.approx(math.pi * 28.3 * 14.1, rel=0.03)


@pytest.mark.parametrize("box", [(70, 10, 90, 20), (10, 60, 20, 70), (-20, -20, 0, 0)], ids=str)
@pytest.mark.parametrize("settings", [PIXELATE, GAUSSIAN, SOLID], ids=lambda s: s.style)
def test_a_region_outside_the_picture_changes_nothing(
    settings: RedactSettings, box: tuple[float, float, float, float]
) -> None:
    frame = _noise(64, 48, "yuv420p")
    before = _planes(frame)
    hide.hide(frame, [_region(*box)], for_all(settings))
    assert all(map(np.array_equal, before, _planes(frame)))


@pytest.mark.parametrize("pixel_format", PIXEL_FORMATS)
@pytest.mark.parametrize("cells", [1, 4, 8])
@pytest.mark.parametrize("box", [(4, 4, 44, 44), (5, 3, 58, 21), (20, 1, 31, 47)], ids=str)
def test_pixelate_leaves_few_values(
    pixel_format: str, cells: int, box: tuple[float, float, float, float]
) -> None:
    size = (64, 48)
    frame = _noise(*size, pixel_format)
    hide.hide(frame, [_region(*box)], for_all(RedactSettings(cells=cells)))
    for plane, now in enumerate(_planes(frame)):
        inside = _inside(box, size, pixel_format, plane)
        rows, columns = inside.any(axis=1), inside.any(axis=0)
        part = now[rows][:, columns]
        assert len(np.unique(part)) <= cells * cells
        changes = [
            (np.diff(part.astype(int), axis=axis) != 0).any(1 - axis).sum() for axis in (0, 1)
        ]
        assert max(changes) <= cells - 1


def test_pixelate_averages() -> None:
    frame = _noise(64, 48, "yuv420p")
    before = _planes(frame)
    hide.hide(frame, [_region(8, 8, 40, 40)], for_all(RedactSettings(cells=4)))
    for was, now, step in zip(before, _planes(frame), (8, 4, 4), strict=True):
        corner = slice(step, 2 * step)  # a cell is 8 pixels of the picture wide
        assert now[corner, corner].astype(float) == pytest.approx(was[corner, corner].mean(), abs=1)


def test_gaussian_is_as_strong_as_asked_for_and_stronger_on_large_regions() -> None:
    spread = {}
    for radius, side in ((6, 16), (18, 16), (2, 160)):
        frame = _noise(200, 200, "yuv420p")
        settings = RedactSettings(style="gaussian", radius=radius)
        hide.hide(frame, [_region(20, 20, 20 + side, 20 + side)], for_all(settings))
        spread[radius, side] = _planes(frame)[0][20 : 20 + side, 20 : 20 + side].std()
    assert spread[18, 16] < 0.7 * spread[6, 16]
    assert spread[2, 160] < 0.8 * spread[6, 16]


@pytest.mark.parametrize(
    ("pixel_format", "black", "grey"), [("yuv420p", 16, 128), ("yuv444p10le", 64, 512)]
)
def test_solid_is_black_without_colour(pixel_format: str, black: int, grey: int) -> None:
    frame = _noise(64, 48, pixel_format)
    box = (10.0, 8.0, 31.0, 30.0)
    hide.hide(frame, [_region(*box)], for_all(SOLID))
    for plane, now in enumerate(_planes(frame)):
        inside = _inside(box, (64, 48), pixel_format, plane)
        assert np.unique(now[inside]) == [black if plane == 0 else grey]


@pytest.mark.parametrize("settings", [PIXELATE, GAUSSIAN, SOLID], ids=lambda s: s.style)
def test_what_is_hidden_does_not_depend_on_what_is_around(settings: RedactSettings) -> None:
    region = _region(16, 16, 40, 40)
    hidden = []
    for seed in (1, 2):
        frame = _noise(64, 48, "yuv444p")
        planes = _planes(_noise(64, 48, "yuv444p", seed=seed))
        for view, around in zip(_views(frame), planes, strict=True):
            inside = view[16:40, 16:40].copy()
            view[:] = around
            view[16:40, 16:40] = inside
        hide.hide(frame, [region], for_all(settings))
        hidden.append([plane[16:40, 16:40] for plane in _planes(frame)])
    assert all(map(np.array_equal, *hidden))


def test_frames_that_the_decoder_still_needs_stay_whole(clip: Path) -> None:
    with av.open(clip) as container:
        undisturbed = [_planes(frame) for frame in container.decode(video=0)]
    with av.open(clip) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % 5 == 0:
                hide.hide(frame, [_region(0, 0, 320, 180)], for_all(SOLID))
            else:
                assert all(map(np.array_equal, undisturbed[number], _planes(frame)))


def _region(x0: float, y0: float, x1: float, y1: float) -> Region:
    return Region(0, 0, x0, y0, x1, y1, RegionOrigin.DETECTED, "face", "told")


def _noise(width: int, height: int, pixel_format: str, seed: int = 0) -> VideoFrame:
    """A picture in which no pixel is black, or grey in chroma."""
    frame = VideoFrame(width, height, pixel_format)
    random = np.random.default_rng(seed)
    top = 4 if pixel_format.endswith("10le") else 1
    for view in _views(frame):
        view[:] = random.integers(140 * top, 250 * top, view.shape)
    return frame


def _views(frame: VideoFrame) -> Planes:
    """The pixels of each plane, sharing the frame's memory."""
    dtype = np.uint16 if frame.format.name.endswith("10le") else np.uint8
    return [
        np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)[:, : plane.width]
        for plane in frame.planes
    ]


def _planes(frame: VideoFrame) -> Planes:
    return [view.copy() for view in _views(frame)]


def _inside(
    box: tuple[float, float, float, float], size: tuple[int, int], pixel_format: str, plane: int
) -> NDArray[np.bool_]:
    """Which pixels of a plane cover a pixel of the picture that the box touches."""
    (x0, y0, x1, y1), (width, height) = box, size
    across = 2 if plane and "444" not in pixel_format else 1
    down = 2 if plane and "420" in pixel_format else 1
    x, y = np.arange(width), np.arange(height)
    touched = np.outer((y + 1 > y0) & (y < y1), (x + 1 > x0) & (x < x1))
    inside = np.zeros((-(-height // down), -(-width // across)), bool)
    for row, column in np.argwhere(touched):
        inside[row // down, column // across] = True
    return inside


def _ellipse(
    box: tuple[float, float, float, float], shape: tuple[int, int], pixel_format: str, plane: int
) -> NDArray[np.bool_]:
    """Which pixels of a plane have their middle in the ellipse through the box's corners."""
    across = 2 if plane and "444" not in pixel_format else 1
    down = 2 if plane and "420" in pixel_format else 1
    x0, y0 = math.floor(math.floor(box[0]) / across), math.floor(math.floor(box[1]) / down)
    x1, y1 = math.ceil(math.ceil(box[2]) / across), math.ceil(math.ceil(box[3]) / down)
    inside = np.zeros(shape, bool)
    for row, column in np.ndindex(shape):
        dx = (2 * column + 1 - x0 - x1) / (x1 - x0)
        dy = (2 * row + 1 - y0 - y1) / (y1 - y0)
        inside[row, column] = dx * dx + dy * dy <= 2
    return inside
