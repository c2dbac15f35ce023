"""Which pixels a polygon touches, and which it covers: compared with areas that are cut out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact_dask.redaction.polygons import Pixel, covered, touched

SIZE = (12, 9)


def area_in(corners: list[Pixel], column: int, row: int) -> float:
    """Return the area that a polygon has in common with a pixel (Sutherland and Hodgman, 1974)."""
    for axis, limit, sign in ((0, column, 1), (0, column + 1, -1), (1, row, 1), (1, row + 1, -1)):
        cut: list[Pixel] = []
        for a, b in pairwise([*corners, *corners[:1]]):
            inside, next_inside = (sign * (p[axis] - limit) >= 0 for p in (a, b))
            if inside:
                cut.append(a)
            if inside != next_inside:
                share = (limit - a[axis]) / (b[axis] - a[axis])
                cut.append((a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))
        corners = cut
    closed = pairwise([*corners, *corners[:1]])
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in closed)) / 2


def agrees(corners: list[Pixel]) -> None:
    found = touched(corners, *SIZE), covered(corners, *SIZE)
    for row, column in np.ndindex(found[0].shape):
        share = area_in(corners, column, row)
        assert found[0][row, column] or share < 1e-9, (row, column, share)
        assert not found[1][row, column] or share > 1 - 1e-9, (row, column, share)
        if 1e-6 < share < 1 - 1e-6:
            assert found[0][row, column]
            assert not found[1][row, column]
        if share > 1 - 1e-9:
            assert found[0][row, column]


@pytest.mark.parametrize(
    "corners",
    [
        [(2.0, 1.0), (7.0, 1.0), (7.0, 4.0), (2.0, 4.0)],
        [(2.3, 1.2), (7.6, 1.2), (7.6, 4.9), (2.3, 4.9)],
        [(3.1, 2.2), (3.4, 2.2), (3.4, 2.9)],
        [(0.0, 0.0), (12.0, 0.0), (12.0, 9.0), (0.0, 9.0)],
        [(1.0, 1.0), (11.0, 1.0), (11.0, 8.0), (8.0, 8.0), (8.0, 3.0), (4.0, 3.0), (1.0, 8.0)],
        [(6.0, 0.5), (11.5, 8.5), (6.0, 4.0), (0.5, 8.5)],
    ],
    ids=str,
)
def test_pixels_are_those_that_have_a_part_of_the_polygon(corners: list[Pixel]) -> None:
    agrees(corners)
    agrees(corners[::-1])


@given(st.lists(st.tuples(st.floats(0, 12), st.floats(0, 9)), min_size=3, max_size=3))
@settings(max_examples=100, deadline=None)
def test_pixels_of_any_triangle(corners: list[Pixel]) -> None:
    agrees(corners)


def test_a_rectangle_at_the_border_of_pixels_has_no_pixel_more() -> None:
    found = touched([(2.0, 1.0), (7.0, 1.0), (7.0, 4.0), (2.0, 4.0)], *SIZE)
    assert found.sum() == 15
    assert found[1:4, 2:7].all()
