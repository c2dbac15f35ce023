"""Zones on the pictures of a stream: where they lie, on which planes, and what they let be seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame
from streams import HD

from redact_dask.config import validate
from redact_dask.config.zones import ZoneSettings
from redact_dask.media.planes import planes
from redact_dask.records import Detection, Detections, StreamInfo
from redact_dask.redaction import hide, zones
from redact_dask.redaction.polygons import Mask

INFO = replace(HD, width=40, height=20)
CORNER = [[0, 0], [0.25, 0.5]]
"""A rectangle in the upper left corner of the picture as it is shown."""
ONE = 65536


def settings(**zone: Any) -> tuple[ZoneSettings, ...]:
    return validate({"zones": [zone]}).zones


def mask(info: StreamInfo, **zone: Any) -> Mask:
    found = zones.hidden(settings(**zone), "a.mp4", info)
    assert found is not None
    return found.luma


@pytest.mark.parametrize(
    ("matrix", "rows", "columns"),
    [
        ((), slice(0, 10), slice(0, 10)),
        ((ONE, 0, 0, 0, ONE), slice(0, 10), slice(0, 10)),
        ((-ONE, 0, 0, 0, -ONE), slice(10, 20), slice(30, 40)),
        ((-ONE, 0, 0, 0, ONE), slice(0, 10), slice(30, 40)),
        ((ONE, 0, 0, 0, -ONE), slice(10, 20), slice(0, 10)),
        # A quarter turn clockwise shows the lower left corner in the upper left one.
        ((0, ONE, 0, -ONE, 0), slice(15, 20), slice(0, 20)),
        ((0, -ONE, 0, ONE, 0), slice(0, 5), slice(20, 40)),
        ((0, 0, 0, 0, 0), slice(0, 10), slice(0, 10)),
    ],
    ids=str,
)
def test_a_zone_lies_where_the_picture_is_shown(
    matrix: tuple[int, ...], rows: slice, columns: slice
) -> None:
    info = replace(INFO, display_matrix=(*matrix, 0, 0, 0, 2**30) if matrix else ())
    found = mask(info, hide=[CORNER])
    expected = np.zeros((20, 40), bool)
    expected[rows, columns] = True
    assert np.array_equal(found, expected)


def test_areas_of_all_zones_are_hidden() -> None:
    found = zones.hidden(
        settings(hide=[CORNER]) + settings(hide=[[[0.5, 0], [1, 1]]]), "a.mp4", INFO
    )
    assert found is not None
    assert found.luma.sum() == 10 * 10 + 20 * 20


def test_other_paths_and_streams_hide_nothing() -> None:
    zone = settings(paths=["cabin/*"], streams=[1], hide=[CORNER])
    second = replace(INFO, number=1)
    assert zones.hidden(zone, "cabin/a.mp4", second) is not None
    for path, info in (
        ("a.mp4", second),
        ("cabin/a.mp4", INFO),
        ("cabin/a.mp4", replace(INFO, number=0)),
    ):
        assert zones.hidden(zone, path, info) is None
        assert not zones.hides(zone, path, info.number)
    assert zones.hides(zone, "cabin/a.mp4", 1)


def test_the_only_stream_of_a_file_is_the_first() -> None:
    assert zones.hides(settings(streams=[0], hide=[CORNER]), "a.mp4", None)


def test_what_only_shows_hides_nothing() -> None:
    assert zones.hidden(settings(show=[CORNER]), "a.mp4", INFO) is None
    assert not zones.hides(settings(show=[CORNER]), "a.mp4", None)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("size", [(40, 20), (41, 21)])
def test_chroma_is_hidden_where_a_pixel_of_the_zone_lies_in_it(
    pixel_format: str, size: tuple[int, int]
) -> None:
    info = replace(INFO, width=size[0], height=size[1])
    found = zones.hidden(settings(hide=[[[0.4, 0.33], [0.9, 0.6], [0.7, 1.0]]]), "a.mp4", info)
    assert found is not None
    frame = VideoFrame(*size, pixel_format)
    for pixels, _, _ in planes(frame):
        pixels[:] = 200
    hide.cover(frame, found)
    top = 4 if pixel_format.endswith("10le") else 1
    for number, (pixels, across, down) in enumerate(planes(frame)):
        expected = np.full(pixels.shape, 200)
        for row, column in np.argwhere(found.luma):
            expected[row // down, column // across] = top * (128 if number else 16)
        assert np.array_equal(pixels, expected)


def seen(*boxes: tuple[float, float, float, float]) -> Detections:
    return Detections.of(Detection(0, *box, 0.9, "face", "told") for box in boxes)


def test_what_lies_where_nothing_is_hidden_is_left_out() -> None:
    inside, half, beside = (12, 4, 20, 10), (6, 4, 14, 10), (22, 12, 30, 18)
    show = settings(show=[[[0.25, 0], [0.5, 1]]])
    left = zones.to_hide(seen(inside, half, beside), show, "a.mp4", INFO)
    assert left == seen(half, beside)


def test_what_lies_in_two_areas_together_is_left_out() -> None:
    show = settings(show=[[[0.0, 0], [0.5, 1]], [[0.5, 0], [1, 1]]])
    assert not len(zones.to_hide(seen((15, 5, 25, 15)), show, "a.mp4", INFO))


def test_a_box_may_jitter_by_a_twentieth() -> None:
    show = settings(show=[[[0, 0], [0.5, 1]]])
    wide = replace(INFO, width=400, height=200)
    boxes = seen((101, 0, 201, 100), (109, 0, 209, 100))
    assert zones.to_hide(boxes, show, "a.mp4", wide) == boxes[1:]


def test_on_other_paths_everything_is_hidden() -> None:
    boxes = seen((12, 4, 20, 10))
    show = settings(paths=["b.mp4"], show=[[[0, 0], [1, 1]]])
    assert zones.to_hide(boxes, show, "a.mp4", INFO) == boxes


def test_where_nothing_was_seen_nothing_is_left_out() -> None:
    assert not len(zones.to_hide(seen(), settings(show=[CORNER]), "a.mp4", INFO))
