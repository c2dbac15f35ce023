"""A region that keeps its detail is told from one that lost it, by the pixels alone."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from plans import for_all

from redact_dask.config import RedactSettings
from redact_dask.media.planes import planes
from redact_dask.records import Region, RegionOrigin
from redact_dask.redaction import hide, polygons, proof, zones

SIZE = (160, 120)
ALL = [
    RedactSettings(style=style, shape=shape)  # type: ignore[arg-type]
    for style in ("pixelate", "gaussian", "solid")
    for shape in ("rectangle", "ellipse")
]
EVERY_STYLE = pytest.mark.parametrize("settings", ALL, ids=lambda s: f"{s.style}-{s.shape}")
PIXEL_FORMATS = pytest.mark.parametrize(
    "pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"]
)


def region(x0: float, y0: float, x1: float, y1: float) -> Region:
    """Return a region of frame 0."""
    return Region(0, 0, x0, y0, x1, y1, RegionOrigin.DETECTED, "face", "told")


def picture(pixel_format: str = "yuv420p", only: int | None = None) -> VideoFrame:
    """Return a picture with detail in all planes, or in one."""
    random = np.random.default_rng(3)
    frame = VideoFrame(*SIZE, pixel_format)
    level = 4 if pixel_format.endswith("10le") else 1
    for number, (pixels, _, _) in enumerate(planes(frame)):
        coarse = random.integers(40, 220, (-(-SIZE[1] // 2), -(-SIZE[0] // 2)))
        detail = coarse.repeat(2, 0).repeat(2, 1)[: pixels.shape[0], : pixels.shape[1]]
        pixels[:] = level * (detail if only in (None, number) else 128)
    return frame


def redacted(frame: VideoFrame, regions: list[Region], settings: RedactSettings) -> VideoFrame:
    """Return a copy of a picture with regions hidden."""
    copy = av.VideoFrame.from_ndarray(frame.to_ndarray(), frame.format.name)
    hide.hide(copy, regions, for_all(settings))
    return copy


FIRST, SECOND = region(10.5, 8, 60, 50.2), region(80, 60, 130, 110)


@PIXEL_FORMATS
@EVERY_STYLE
def test_what_is_hidden_is_not_shown(settings: RedactSettings, pixel_format: str) -> None:
    frame = picture(pixel_format)
    regions = [FIRST, region(40, 30, 90, 70), SECOND, region(140, 100, 190, 160)]
    assert (
        proof.shown(frame, redacted(frame, regions, settings), regions, for_all(settings), 0) == []
    )


@PIXEL_FORMATS
@EVERY_STYLE
def test_the_region_that_is_not_hidden_is_named(
    settings: RedactSettings, pixel_format: str
) -> None:
    frame = picture(pixel_format)
    output = redacted(frame, [FIRST], settings)
    assert proof.shown(frame, output, [FIRST, SECOND], for_all(settings), 22) == [SECOND]


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_one_plane_is_enough_to_show_a_region(plane: int) -> None:
    frame = picture(only=plane)
    assert proof.shown(frame, frame, [FIRST], for_all(RedactSettings()), 10) == [FIRST]


@EVERY_STYLE
def test_the_shading_that_a_style_leaves_is_no_detail(settings: RedactSettings) -> None:
    frame = picture()
    for number, (pixels, across, down) in enumerate(planes(frame)):
        rows, columns = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
        slope = 1.5 * across * columns if number < 2 else 2 * down * rows
        pixels[:] = np.clip(slope, 16, 235)
    for one in (region(10, 8, 130, 100), region(20, 20, 60, 50), region(3, 3, 33, 33)):
        assert (
            proof.shown(frame, redacted(frame, [one], settings), [one], for_all(settings), 0) == []
        )


@EVERY_STYLE
def test_a_flat_or_tiny_region_does_not_tell(settings: RedactSettings) -> None:
    flat, tiny = picture(only=7), region(10, 10, 26, 26)
    assert proof.shown(flat, flat, [FIRST], for_all(settings), 22) == []
    assert proof.shown(picture(), picture(), [tiny], for_all(settings), 22) == []


def test_each_label_is_proven_by_its_own_style() -> None:
    """The cells of the plate leave a slope that those of the face would not have left."""
    own = {"face": RedactSettings(cells=1), "plate": RedactSettings(cells=8)}
    frame = picture()
    for pixels, across, _ in planes(frame):
        pixels[:] = np.clip(1.5 * across * np.arange(pixels.shape[1]), 16, 235)
    regions = [region(10, 8, 60, 100), replace(region(80, 8, 130, 100), label="plate")]
    output = av.VideoFrame.from_ndarray(frame.to_ndarray(), frame.format.name)
    hide.hide(output, regions, own.__getitem__)
    assert proof.shown(frame, output, regions, own.__getitem__, 0) == []
    assert proof.shown(frame, output, regions, for_all(own["face"]), 0) == regions[1:]


def area() -> zones.Area:
    """Return an area with a slanted border."""
    corners = [(10.0, 20.0), (120.0, 40.0), (100.0, 110.0), (20.0, 100.0)]
    return zones.Area(polygons.touched(corners, *SIZE))


def with_cover(frame: VideoFrame, chosen: zones.Area) -> VideoFrame:
    """Return a copy of a picture with an area covered."""
    copy = av.VideoFrame.from_ndarray(frame.to_ndarray(), frame.format.name)
    hide.cover(copy, chosen)
    return copy


@PIXEL_FORMATS
def test_what_is_covered_is_told_from_what_is_not(pixel_format: str) -> None:
    frame = picture(pixel_format)
    assert proof.is_covered(frame, with_cover(frame, area()), area(), 22)
    assert not proof.is_covered(frame, frame, area(), 22)


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_one_plane_is_enough_to_show_what_was_to_be_covered(plane: int) -> None:
    frame = picture(only=plane)
    assert not proof.is_covered(frame, frame, area(), 10)


def test_a_square_that_is_not_covered_is_found() -> None:
    frame = picture()
    part = area().luma.copy()
    part[48:64, 48:64] = False
    assert not proof.is_covered(frame, with_cover(frame, zones.Area(part)), area(), 22)


def test_a_narrow_area_that_is_not_covered_is_found() -> None:
    frame, luma = picture(), np.zeros(SIZE[::-1], bool)
    luma[50:56, 10:140] = True
    assert not proof.is_covered(frame, frame, zones.Area(luma), 22)


def test_what_looks_like_the_cover_is_not_judged() -> None:
    frame = with_cover(picture(), area())
    assert proof.is_covered(frame, frame, area(), 22)


def test_a_region_that_reaches_into_a_black_bar_is_proven() -> None:
    """The bar is black before and after, which is no detail that is left of the region."""
    frame, bar = picture(), np.zeros(SIZE[::-1], bool)
    bar[:40] = True
    for number, plane in enumerate(planes(frame)):
        plane.pixels[:] = 150 + plane.pixels // 10
        plane.pixels[: 40 // plane.down] = 128 if number else 16
    chosen, regions = zones.Area(bar), [region(30, 18, 80, 58)]
    output = with_cover(redacted(frame, regions, RedactSettings()), chosen)
    assert not proof.shown(frame, output, regions, for_all(RedactSettings()), 22, chosen)
    assert proof.shown(frame, output, regions, for_all(RedactSettings()), 22) == regions
    assert proof.shown(frame, frame, regions, for_all(RedactSettings()), 22, chosen) == regions
