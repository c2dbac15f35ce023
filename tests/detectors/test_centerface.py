from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from redact_dask.config import PROFILES, validate
from redact_dask.detectors import Box, centerface
from redact_dask.detectors.centerface import CenterFace, decode
from redact_dask.errors import ConfigError, UsageError

Answer = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@pytest.fixture(scope="module")
def detector() -> CenterFace:
    return CenterFace(CenterFace.Options(long_side=960))


@pytest.fixture
def no_cache() -> Iterator[None]:
    """Have the weights read anew in a test, and after it."""
    centerface._weights.cache_clear()
    yield
    centerface._weights.cache_clear()


def find(detector: CenterFace, picture: NDArray[np.uint8]) -> list[Box]:
    """Return boxes in pixels of the picture."""
    height, width = picture.shape[:2]
    size = detector.input_size(width, height)
    image = np.asarray(cv2.resize(picture, size), np.uint8)
    x, y = width / size[0], height / size[1]
    return [
        Box(box.x0 * x, box.y0 * y, box.x1 * x, box.y1 * y, box.confidence, box.label)
        for box in detector.detect(image[np.newaxis])[0]
    ]


@pytest.mark.parametrize("long_side", [160, 352, 960])
def test_finds_the_one_face_at_any_input_size(pictures: NDArray[np.uint8], long_side: int) -> None:
    detector = CenterFace(CenterFace.Options(long_side=long_side))
    (face,) = find(detector, pictures[0])
    assert face.label == "face"
    assert face.confidence > 0.8
    corners = (face.x0, face.y0, face.x1, face.y1)
    assert corners == pytest.approx((64, 37, 109, 98), abs=6)


def test_colours_are_read_as_bgr(detector: CenterFace, pictures: NDArray[np.uint8]) -> None:
    (right,) = find(detector, pictures[2])
    (wrong,) = find(detector, np.ascontiguousarray(pictures[2, :, :, ::-1]))
    assert right.confidence > wrong.confidence


@pytest.mark.parametrize(
    ("picture", "network"),
    [
        ((1920, 1080), (960, 544)),
        ((1080, 1920), (544, 960)),
        ((960, 544), (960, 544)),
        ((176, 144), (352, 288)),
        ((3840, 20), (960, 32)),
    ],
)
def test_input_size(
    detector: CenterFace, picture: tuple[int, int], network: tuple[int, int]
) -> None:
    assert detector.input_size(*picture) == network


@pytest.mark.parametrize(
    ("picture", "network"),
    [
        ((960, 540), (640, 352)),
        ((1280, 720), (864, 480)),
        ((1920, 1080), (1280, 704)),
        ((1080, 1920), (704, 1280)),
        ((640, 352), (640, 352)),
        ((176, 144), (352, 288)),
    ],
)
def test_the_input_follows_the_picture(picture: tuple[int, int], network: tuple[int, int]) -> None:
    """A fixed size is blind for the small faces of a large picture."""
    assert CenterFace.Options().input_size(*picture) == network


@pytest.mark.slow
def test_every_profile_sees_a_small_face_in_a_large_picture(pictures: NDArray[np.uint8]) -> None:
    """A face of 31 pixels in 1080p, and in 4K: what a dashcam sees of people at 5 to 20 m."""
    face = cv2.resize(pictures[0], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    for profile in PROFILES:
        settings = validate({"profile": profile}).detect
        options = CenterFace.Options(**settings.options.get("centerface", {}))
        detector = CenterFace(options)
        for width, height in ((1920, 1080), (3840, 2160)):
            street = np.full((height, width, 3), 90, np.uint8)
            street[300 : 300 + face.shape[0], 500 : 500 + face.shape[1]] = face
            assert any(
                500 + 32 < (box.x0 + box.x1) / 2 < 500 + 55 and box.confidence >= 0.3
                for box in find(detector, street)
            ), (profile, width)


def test_refuses_images_of_another_size(detector: CenterFace) -> None:
    with pytest.raises(ValueError, match=r"\(1, 100, 160, 3\)"):
        detector.detect(np.zeros((1, 100, 160, 3), np.uint8))


def test_identity_tells_the_precision_that_runs() -> None:
    detector = CenterFace(CenterFace.Options(precision="f32"))
    assert detector.identity == "centerface-09189dea-f32"


def test_refuses_a_precision_that_would_not_run(detector: CenterFace) -> None:
    if detector.identity.endswith("bf16"):
        pytest.skip("this CPU has bf16")
    with pytest.raises(ConfigError, match="not bf16"):
        CenterFace(CenterFace.Options(precision="bf16"))


@pytest.mark.usefixtures("no_cache")
def test_missing_weights_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centerface, "WEIGHTS", tmp_path / "centerface.onnx")
    with pytest.raises(UsageError, match=r"missing at .*; reinstall with: pip install"):
        CenterFace(CenterFace.Options())


@pytest.mark.usefixtures("no_cache")
def test_altered_weights_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = tmp_path / "centerface.onnx"
    altered.write_bytes(centerface.WEIGHTS.read_bytes()[:-1] + b"\0")
    monkeypatch.setattr(centerface, "WEIGHTS", altered)
    with pytest.raises(UsageError, match="were altered"):
        CenterFace(CenterFace.Options())


class TestDecode:
    rows, columns = 16, 24

    def answer(self, *peaks: tuple[int, int, float]) -> Answer:
        """Return heatmap, scale and offset of faces 12 pixels high and 8 wide."""
        heatmap = np.zeros((self.rows, self.columns), np.float32)
        for row, column, confidence in peaks:
            heatmap[row, column] = confidence
        scale = np.empty((2, self.rows, self.columns), np.float32)
        scale[0], scale[1] = np.log(3), np.log(2)
        offset = np.empty_like(scale)
        offset[0], offset[1] = 0.25, -0.5
        return heatmap, scale, offset

    def test_places_a_box(self) -> None:
        (box,) = decode(*self.answer((5, 10, 0.75)), threshold=0.1)
        assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((36, 17, 44, 29), abs=1e-4)
        assert box.confidence == 0.75

    def test_may_reach_past_the_border(self) -> None:
        (box,) = decode(*self.answer((0, 0, 0.75)), threshold=0.1)
        assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((-4, -3, 4, 9), abs=1e-4)

    def test_drops_what_is_below_the_threshold(self) -> None:
        boxes = decode(*self.answer((2, 2, 0.5), (8, 8, 0.49)), threshold=0.5)
        assert [box.confidence for box in boxes] == [0.5]

    def test_keeps_the_surest_of_near_duplicates(self) -> None:
        boxes = decode(*self.answer((5, 10, 0.5), (6, 10, 0.75)), threshold=0.1)
        assert [box.confidence for box in boxes] == [0.75]

    def test_orders_by_confidence_then_by_row_and_column(self) -> None:
        peaks = (12, 20, 0.5), (2, 20, 0.5), (2, 2, 0.5), (12, 2, 0.75)
        boxes = decode(*self.answer(*peaks), threshold=0.1)
        assert [(box.x1 > 50, box.y1 > 30) for box in boxes] == [
            (False, True),
            (False, False),
            (True, False),
            (True, True),
        ]
