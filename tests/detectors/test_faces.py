"""Two networks as one detector: sizes, confidences, and what each one adds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from redact_dask.detectors import Box
from redact_dask.detectors.faces import Faces, _calibrated


@pytest.fixture(scope="module")
def detector() -> Faces:
    return Faces(Faces.Options())


@pytest.mark.parametrize(
    ("picture", "network"),
    [
        ((640, 352), (640, 352)),
        ((960, 540), (960, 544)),
        ((1920, 1080), (1920, 1088)),
        ((3840, 2160), (2560, 1440)),
        ((1080, 1920), (1088, 1920)),
    ],
)
def test_the_sharp_eye_sees_the_pictures_own_resolution(
    detector: Faces, picture: tuple[int, int], network: tuple[int, int]
) -> None:
    assert detector.input_size(*picture) == network


@pytest.mark.parametrize("height", [24, 60, 300])
def test_a_face_of_any_size_is_proven(
    detector: Faces, pictures: NDArray[np.uint8], height: int
) -> None:
    face = pictures[0, 20:110, 40:135]
    scale = height / 61  # Its face is 61 pixels high.
    face = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    street = np.full((1088, 1920, 3), 90, np.uint8)
    street[300 : 300 + face.shape[0], 500 : 500 + face.shape[1]] = face
    (found,) = detector.detect(street[np.newaxis])
    centre = (500 + face.shape[1] / 2, 300 + face.shape[0] / 2)
    assert any(
        box.confidence >= 0.3
        and abs((box.x0 + box.x1) / 2 - centre[0]) < height / 2
        and abs((box.y0 + box.y1) / 2 - centre[1]) < height / 2
        for box in found
    )


def test_confidences_mean_the_same_whatever_the_size() -> None:
    def box(height: float, score: float) -> Box:
        return Box(0, 0, height, height, score, "face")

    boxes = [box(30, 0.1), box(30, 0.15), box(30, 0.3), box(100, 0.2), box(100, 0.65)]
    assert [round(found.confidence, 3) for found in _calibrated(boxes)] == [0.1, 0.3, 0.3]


@pytest.mark.parametrize("height", [24, 90])
def test_a_doubtful_box_is_looked_at_closely(
    detector: Faces, pictures: NDArray[np.uint8], height: int
) -> None:
    """What YuNet half believes in is proven where a face is, and refuted where none is."""
    scale = height / 61  # Its face is 61 pixels high.
    face = cv2.resize(
        pictures[0, 20:110, 40:135], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    street = np.full((1088, 1920, 3), 90, np.uint8)
    street[300 : 300 + face.shape[0], 500 : 500 + face.shape[1]] = face
    middle = (500 + face.shape[1] / 2, 300 + face.shape[0] / 2)
    for confidence in (0.2, 0.49):
        here, elsewhere = (
            Box(x - 0.4 * height, y - height / 2, x + 0.4 * height, y + height / 2, confidence, "")
            for x, y in (middle, (900.0, 500.0))
        )
        assert detector._reconsidered(street, here).confidence >= 0.3
        assert detector._reconsidered(street, elsewhere).confidence == pytest.approx(0.1)


@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.9])
def test_what_is_sure_or_weak_is_not_looked_at_again(detector: Faces, confidence: float) -> None:
    box = Box(10, 10, 30, 34, confidence, "face")
    assert detector._reconsidered(np.zeros((64, 64, 3), np.uint8), box) == box


def test_a_doubtful_box_at_the_border_is_looked_at_too(detector: Faces) -> None:
    box = Box(-5, -8, 12, 14, 0.3, "face")
    assert detector._reconsidered(np.zeros((64, 64, 3), np.uint8), box).confidence < 0.3


def test_each_image_is_answered_by_itself(detector: Faces, pictures: NDArray[np.uint8]) -> None:
    large = np.stack([cv2.resize(picture, (640, 352)) for picture in pictures[:2]])
    both = [*detector.detect(large)]
    assert both == [detector.detect(image[np.newaxis])[0] for image in large]


def test_memory_is_that_of_both_networks() -> None:
    small, large = (Faces.Options().memory_mib(*size) for size in ((1920, 1080), (3840, 2160)))
    assert 100 < small < 150
    assert 150 < large < 250
