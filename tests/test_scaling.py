"""Making pictures smaller."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from redact_dask.scaling import reduced

NOISE = np.random.default_rng(0).integers(0, 1024, (1080, 1920), np.uint16)


@pytest.mark.parametrize("pixels", [NOISE, (NOISE // 4).astype(np.uint8)], ids=["10 bit", "8 bit"])
def test_each_pixel_is_the_mean_of_those_that_it_stands_for(pixels: np.ndarray) -> None:
    means = pixels.reshape(270, 4, 480, 4).mean(axis=(1, 3))
    small = reduced(pixels, 480, 270)
    assert small.dtype == pixels.dtype
    assert np.abs(small - means).max() <= 1  # Each of two halvings rounds.


@pytest.mark.parametrize(
    ("size", "smaller"), [((1919, 1079), (480, 270)), ((1920, 1088), (640, 352))], ids=str
)
def test_sizes_that_do_not_halve_lose_no_pixel(
    size: tuple[int, int], smaller: tuple[int, int]
) -> None:
    """A bright pixel anywhere in the picture is seen in the smaller one."""
    for x, y in np.random.default_rng(1).integers(0, 1000, (50, 2)):
        picture = np.zeros(size[::-1], np.uint8)
        cv2.rectangle(picture, (int(x), int(y)), (int(x) + 1, int(y) + 1), 255, -1)
        assert reduced(picture, *smaller).max() >= 8


def test_images_keep_their_channels_and_sizes_their_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    assert reduced(image, 48, 32).shape == (32, 48, 3)
    assert (reduced(image, 96, 64) == image).all()
