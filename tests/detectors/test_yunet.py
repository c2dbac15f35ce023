"""YuNet's answers become boxes; colours and sizes are what the network was trained on."""

from pathlib import Path

import cv2
import numpy as np
import onnx_models
import pytest
from numpy.typing import NDArray

from redact_dask.detectors.yunet import YuNet, decode
from redact_dask.errors import ConfigError


def load(file: Path, **options: object) -> YuNet:
    settings = {
        "model": str(file),
        "sha256": onnx_models.digest(file),
        "precision": "f32",
    } | options
    return YuNet(YuNet.Options.model_validate(settings))


def squares() -> NDArray[np.uint8]:
    """Return a grey picture with a blue, a red and a bluish square, shape (1, 128, 192, 3)."""
    image = np.full((1, 128, 192, 3), 100, np.uint8)
    image[0, 64:72, 96:104] = (255, 0, 0)
    image[0, 96:104, 32:40] = (0, 0, 255)
    image[0, 0:8, 128:136] = (202, 100, 100)
    return image


@pytest.mark.parametrize("grid", [8, 16, 32])
def test_boxes_of_each_grid_are_in_pixels(grid: int, tmp_path: Path) -> None:
    detector = load(onnx_models.yunet(tmp_path / "yunet.onnx", grid), threshold=0.2)
    ((sure, less_sure),) = detector.detect(squares())
    x, y = 96 + grid / 4, 64 + grid / 2
    corners = (x - grid / 2, y - grid, x + grid / 2, y + grid)
    assert (sure.x0, sure.y0, sure.x1, sure.y1) == pytest.approx(corners, abs=1e-3)
    assert (sure.confidence, sure.label) == (1, "face")
    x, y = 128 + grid / 4, grid / 2
    corners = (x - grid / 2, y - grid, x + grid / 2, y + grid)
    assert (less_sure.x0, less_sure.y0, less_sure.x1, less_sure.y1) == pytest.approx(corners)
    assert less_sure.confidence == pytest.approx(102 / 255)


def test_refuses_images_of_another_size(tmp_path: Path) -> None:
    detector = load(onnx_models.yunet(tmp_path / "yunet.onnx"))
    with pytest.raises(ValueError, match=r"\(1, 100, 160, 3\)"):
        detector.detect(np.zeros((1, 100, 160, 3), np.uint8))


def test_refuses_another_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"yolo\.onnx is not a YuNet: it has no output cls_8$"):
        load(onnx_models.yolo(tmp_path / "yolo.onnx"))


def test_refuses_scores_that_are_none(tmp_path: Path) -> None:
    detector = load(onnx_models.yunet(tmp_path / "yunet.onnx", gain=2))
    with pytest.raises(ConfigError, match="scores that do not lie between 0 and 1"):
        detector.detect(squares())


def test_identity_tells_the_model_and_the_precision(tmp_path: Path) -> None:
    file = onnx_models.yunet(tmp_path / "yunet.onnx")
    digits = onnx_models.digest(file)[:8]
    assert load(file, precision="f32").identity == f"yunet-{digits}-f32"


def test_finds_the_one_face(yunet_n: Path, pictures: NDArray[np.uint8]) -> None:
    detector = load(yunet_n)
    width, height = detector.input_size(176, 144)
    image = np.asarray(cv2.resize(pictures[0], (width, height)), np.uint8)
    face = detector.detect(image[np.newaxis])[0][0]
    assert face.confidence > 0.8
    corners = (face.x0 / 2, face.y0 / 2, face.x1 / 2, face.y1 / 2)
    assert corners == pytest.approx((64, 37, 109, 98), abs=6)


class TestDecode:
    width, height = 96, 64

    def answer(self, *seen: tuple[int, int, float, float]) -> dict[str | int, NDArray[np.float32]]:
        """Return outputs with squares of 32 pixels: stride, cell, class score, objectness."""
        outputs: dict[str | int, NDArray[np.float32]] = {}
        for stride in (8, 16, 32):
            cells = self.width * self.height // stride**2
            outputs[f"cls_{stride}"] = np.zeros((1, cells, 1), np.float32)
            outputs[f"obj_{stride}"] = np.zeros((1, cells, 1), np.float32)
            outputs[f"bbox_{stride}"] = np.zeros((1, cells, 4), np.float32)
            outputs[f"bbox_{stride}"][..., 2:] = np.log(32 / stride)
        for stride, cell, cls, obj in seen:
            outputs[f"cls_{stride}"][0, cell] = cls
            outputs[f"obj_{stride}"][0, cell] = obj
        return outputs

    def test_confidence_is_the_geometric_mean(self) -> None:
        (box,) = decode(self.answer((16, 7, 0.25, 1.0)), self.width, 0.1)
        assert box.confidence == 0.5
        assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((0, 0, 32, 32), abs=1e-4)

    def test_drops_what_is_below_the_threshold(self) -> None:
        seen = (16, 0, 0.49, 0.49), (8, 90, 0.5, 0.5)
        boxes = decode(self.answer(*seen), self.width, 0.5)
        assert [box.confidence for box in boxes] == [0.5]

    def test_keeps_the_surest_of_near_duplicates_on_all_grids(self) -> None:
        seen = (8, 52, 0.5, 0.5), (16, 14, 0.7, 0.7), (32, 4, 0.6, 0.6)
        boxes = decode(self.answer(*seen), self.width, 0.1)
        assert [box.confidence for box in boxes] == pytest.approx([0.7])

    def test_nothing_comes_from_nothing(self) -> None:
        assert decode(self.answer(), self.width, 0.1) == []
