"""Boxes are dropped only if they are larger than their label may be."""

import math

import pytest

from redact_dask.detectors.base import Box
from redact_dask.detectors.size_limit import SizeLimit


@pytest.mark.parametrize(
    ("label", "width", "height", "stays"),
    [
        ("plate", 20, 6, True),
        ("plate", 21, 6, False),
        ("plate", 20, 7, False),
        ("plate", math.nan, 6, True),
        ("face", 100, 50, True),
    ],
)
def test_a_box_stays_if_its_label_may_be_so_large(
    label: str, width: float, height: float, stays: bool
) -> None:
    limit = SizeLimit(largest={"plate": (0.2, 0.12)})
    box = Box(0, 0, width, height, 0.5, label)
    assert limit.kept([box], 100, 50) == [box] * stays


def test_by_default_no_box_is_too_large() -> None:
    boxes = [Box(0, 0, 100, 50, 0.5, "plate")]
    assert SizeLimit().kept(boxes, 100, 50) == boxes
