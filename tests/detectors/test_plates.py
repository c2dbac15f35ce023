"""Number plates are found by the weights that come with the package."""

from pathlib import Path

import cv2
import numpy as np
import onnx_models
import pytest
from numpy.typing import NDArray

from redact_dask.detectors import self_check
from redact_dask.detectors.base import Box
from redact_dask.detectors.plates import SHA256, WEIGHTS, Plates
from redact_dask.errors import ConfigError


@pytest.fixture(scope="module")
def detector() -> Plates:
    return Plates(Plates.Options())


def street(height: float, x: float = 300, y: float = 200) -> tuple[NDArray[np.uint8], list[float]]:
    """Return a grey picture of 640x384, on which the known car stands, and where its plate is.

    The car is scaled until the plate is ``height`` pixels high.
    """
    car = cv2.imread(str(self_check.PLATE.picture))
    x0, y0, x1, y1 = self_check.PLATE.sides
    scale = height / (y1 - y0)
    small = cv2.resize(car, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.empty((384, 640, 3), np.uint8)
    picture[:] = np.linspace(170, 80, 384)[:, np.newaxis, np.newaxis]
    left, top = round(x - small.shape[1] / 2), round(y - small.shape[0] / 2)
    picture[top : top + small.shape[0], left : left + small.shape[1]] = small
    plate = np.array([left, top, left, top]) + np.array([x0, y0, x1, y1]) * scale
    return picture, plate.tolist()


def overlap(box: Box, plate: list[float]) -> float:
    """Return the intersection over union of a box and a plate."""
    across = min(box.x1, plate[2]) - max(box.x0, plate[0])
    down = min(box.y1, plate[3]) - max(box.y0, plate[1])
    both = max(across, 0) * max(down, 0)
    areas = (box.x1 - box.x0) * (box.y1 - box.y0), (plate[2] - plate[0]) * (plate[3] - plate[1])
    return both / (sum(areas) - both)


@pytest.mark.parametrize("height", [16, 30, 40])
def test_finds_the_plate_of_a_car(height: float, detector: Plates) -> None:
    picture, plate = street(height)
    ((first, *others),) = detector.detect(picture[np.newaxis])
    assert first.label == "plate"
    assert first.confidence >= 0.3  # It proves a track.
    assert overlap(first, plate) > 0.6
    assert all(box.confidence < 0.3 for box in others)


def test_finds_a_large_plate_on_a_large_picture(detector: Plates) -> None:
    picture, plate = street(40)
    image = np.asarray(cv2.resize(picture, None, fx=2, fy=2), np.uint8)
    first = detector.detect(image[np.newaxis])[0][0]
    assert first.confidence >= 0.3
    assert overlap(first, [2 * side for side in plate]) > 0.6


def test_finds_a_plate_close_to_the_camera(detector: Plates) -> None:
    picture, plate = street(110, 320, 192)
    image = np.asarray(cv2.resize(picture, None, fx=2, fy=2), np.uint8)
    boxes = detector.detect(image[np.newaxis])[0]
    wanted = [2 * side for side in plate]
    assert any(box.confidence >= 0.3 and overlap(box, wanted) > 0.6 for box in boxes)


def test_sees_what_the_networks_for_faces_see() -> None:
    assert Plates.Options().input_size(1920, 1080) == (1920, 1088)
    assert Plates.Options(scale=0.5).input_size(1920, 1080) == (960, 544)
    assert Plates.Options(long_side=640).input_size(1920, 1080) == (640, 352)


def test_a_threshold_takes_unsure_boxes_away(detector: Plates) -> None:
    picture, _ = street(30)
    strict = Plates(Plates.Options(threshold=0.999))
    assert strict.detect(picture[np.newaxis]) == [[]]
    assert detector.detect(picture[np.newaxis])[0]


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "plates.onnx"
    file.write_bytes(WEIGHTS.read_bytes() + b"\0")
    with pytest.raises(ConfigError, match="was not loaded: its SHA-256 is"):
        Plates(Plates.Options(model=str(file), sha256=SHA256))


def test_refuses_another_network(tmp_path: Path) -> None:
    file = onnx_models.yunet(tmp_path / "yunet.onnx")
    with pytest.raises(ConfigError, match=r"is no network for plates: it has no output score_8$"):
        Plates(Plates.Options(model=str(file), sha256=onnx_models.digest(file)))


def test_identity_tells_the_weights_and_the_precision() -> None:
    detector = Plates(Plates.Options(precision="f32"))
    assert detector.identity == f"plates-3-{SHA256[:8]}-f32"
