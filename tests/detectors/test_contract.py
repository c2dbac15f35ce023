"""What every detector promises, whatever it looks for."""

import math
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import onnx_models
import pytest
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from standin import Standin

from redact_dask.detectors import Box, Detector, self_check
from redact_dask.detectors.centerface import CenterFace
from redact_dask.detectors.faces import Faces
from redact_dask.detectors.plates import Plates
from redact_dask.detectors.rekognition import Rekognition
from redact_dask.detectors.retinaface import RetinaFace
from redact_dask.detectors.yolo import Yolo
from redact_dask.detectors.yunet import YuNet

Make = Callable[[], Detector]


class MagentaSpot:
    """Finds the rectangle around all magenta pixels."""

    class NoOptions(BaseModel):
        model_config = ConfigDict(extra="forbid")

    Options: ClassVar[type[BaseModel]] = NoOptions

    def __init__(self, options: BaseModel) -> None:
        pass

    @property
    def identity(self) -> str:
        return "magenta-spot-1"

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        return width, height

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        return [self._spots(image) for image in images]

    def _spots(self, image: NDArray[np.uint8]) -> list[Box]:
        y, x = np.nonzero((image == (255, 0, 255)).all(axis=2))
        if not x.size:
            return []
        x0, y0, x1, y1 = float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)
        return [Box(x0, y0, x1, y1, confidence=1.0, label="spot")]


def from_file(cls: Any, file: Path, **options: object) -> Make:
    sha256 = onnx_models.digest(file)
    return lambda: cls(cls.Options(model=str(file), sha256=sha256, **options))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a model file may be written."""
    return tmp_path_factory.mktemp("model") / "model.onnx"


@pytest.fixture(scope="module")
def magenta_spot() -> Make:
    return lambda: MagentaSpot(MagentaSpot.NoOptions())


@pytest.fixture(scope="module")
def centerface() -> Make:
    return lambda: CenterFace(CenterFace.Options())


@pytest.fixture(scope="module")
def faces() -> Make:
    return lambda: Faces(Faces.Options())


@pytest.fixture(scope="module")
def plates() -> Make:
    return lambda: Plates(Plates.Options())


@pytest.fixture(scope="module")
def small_yunet(model: Path) -> Make:
    return from_file(YuNet, onnx_models.yunet(model), threshold=0.7)


@pytest.fixture(scope="module")
def large_yunet(yunet_n: Path) -> Make:
    return from_file(YuNet, yunet_n)


@pytest.fixture(scope="module")
def small_yolo(model: Path) -> Make:
    classes = {0: "red", 2: "blue"}
    return from_file(Yolo, onnx_models.yolo(model), threshold=0.7, classes=classes)


@pytest.fixture(scope="module")
def small_yolo_of_one_size(model: Path) -> Make:
    return from_file(Yolo, onnx_models.yolo(model, 96, 160), threshold=0.7, classes={0: "red"})


@pytest.fixture(scope="module")
def small_end_to_end_yolo(model: Path) -> Make:
    file = onnx_models.yolo(model, layout="rows")
    return from_file(Yolo, file, threshold=0.7, classes={0: "red", 2: "blue"})


@pytest.fixture(scope="module")
def small_retinaface(model: Path) -> Make:
    file = onnx_models.retinaface(model)
    sizes = ((16, 32), (64, 128), (256, 512))
    return from_file(
        RetinaFace, file, threshold=0.6, label="plate", min_sizes=sizes, mean=(0, 0, 0)
    )


@pytest.fixture(scope="module")
def rekognition() -> Iterator[Make]:
    with (
        Standin("--latency", 0, "--faces", "magenta") as service,
        pytest.MonkeyPatch.context() as m,
    ):
        for name, value in service.environment.items():
            m.setenv(name, value)
        yield lambda: Rekognition(Rekognition.Options(tps=1000))


@pytest.fixture(
    scope="module",
    params=[
        "magenta_spot",
        "centerface",
        "faces",
        "plates",
        "small_yunet",
        "large_yunet",
        "small_yolo",
        "small_yolo_of_one_size",
        "small_end_to_end_yolo",
        "small_retinaface",
        "rekognition",
    ],
)
def make(request: pytest.FixtureRequest) -> Make:
    """Build one of the detectors."""
    chosen: Make = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(scope="module")
def detector(make: Make) -> Detector:
    return make()


@pytest.fixture
def images(detector: Detector, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Four pictures, different enough, at the size that the detector asks for.

    On each are a face, a magenta spot and the rear of a car.
    """
    height, width = pictures.shape[1:3]
    size = detector.input_size(width, height)
    images = np.stack([cv2.resize(picture, size) for picture in pictures])
    car = cv2.resize(cv2.imread(str(self_check.PLATE.picture)), (77, 77))
    for i, image in enumerate(images):
        image[: 4 * (i + 1), :8] = (255, 0, 255)
        image[-77:, -77:] = car
    images.flags.writeable = False  # So detectors get them.
    return images


def look(detector: Detector, images: NDArray[np.uint8]) -> list[list[Box]]:
    return list(detector.detect(images))


def flat(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 128, np.uint8)


def gradient(height: int, width: int) -> NDArray[np.uint8]:
    row = np.linspace(0, 254, width).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(row[:, np.newaxis], (height, width, 3)))


def test_keeps_the_protocol(detector: Detector) -> None:
    assert isinstance(detector, Detector)
    assert detector.identity


def test_finds_something(detector: Detector, images: NDArray[np.uint8]) -> None:
    assert all(look(detector, images))


def test_boxes_are_sane(detector: Detector, images: NDArray[np.uint8]) -> None:
    height, width = images.shape[1:3]
    for box in [box for boxes in look(detector, images) for box in boxes]:
        assert all(math.isfinite(value) for value in (box.x0, box.y0, box.x1, box.y1))
        assert box.x0 < box.x1
        assert box.y0 < box.y1
        assert box.x0 < width
        assert box.y0 < height
        assert box.x1 > 0
        assert box.y1 > 0
        assert 0 <= box.confidence <= 1
        assert box.label


def test_an_answer_depends_on_its_image_only(detector: Detector, images: NDArray[np.uint8]) -> None:
    together = look(detector, images)
    assert [look(detector, image[np.newaxis])[0] for image in images] == together
    assert look(detector, images[::-1])[::-1] == together
    assert look(detector, images[1:3]) == together[1:3]


def test_a_batch_may_be_given_before_the_last_one_is_answered(
    detector: Detector, images: NDArray[np.uint8]
) -> None:
    first, second = detector.detect(images[:2]), detector.detect(images[2:])
    assert [*first, *second] == look(detector, images)


def test_answers_that_wait_hold_no_pictures(detector: Detector, images: NDArray[np.uint8]) -> None:
    batch = images.copy()
    held = weakref.ref(batch)
    first = detector.detect(batch)
    del batch
    second = detector.detect(images)  # A network may hold on to the last picture that it saw.
    assert held() is None
    assert [*first] == [*second]


def test_a_second_detector_gives_the_same_answer(
    make: Make, detector: Detector, images: NDArray[np.uint8]
) -> None:
    second = make()
    assert second.identity == detector.identity
    assert look(second, images) == look(detector, images)


@pytest.mark.parametrize("picture", [flat, gradient])
def test_finds_nothing_where_nothing_is(
    detector: Detector, picture: Callable[[int, int], NDArray[np.uint8]]
) -> None:
    width, height = detector.input_size(640, 360)
    assert look(detector, picture(height, width)[np.newaxis]) == [[]]


def test_takes_an_empty_batch(detector: Detector) -> None:
    width, height = detector.input_size(640, 360)
    assert look(detector, np.empty((0, height, width, 3), np.uint8)) == []


def test_refuses_an_unknown_option(detector: Detector) -> None:
    with pytest.raises(ValidationError):
        type(detector).Options.model_validate({"no_such_option": 1})
