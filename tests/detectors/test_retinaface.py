"""Networks with the outputs of RetinaFace: what is found, and which are refused."""

from pathlib import Path

import numpy as np
import onnx_models
import pytest
from numpy.typing import NDArray

from redact_dask.detectors.retinaface import RetinaFace, decode, priors
from redact_dask.errors import ConfigError

MIN_SIZES = ((24, 48), (96, 192), (384, 768))


def options(file: Path, **changed: object) -> RetinaFace.Options:
    settings = {
        "model": str(file),
        "sha256": onnx_models.digest(file),
        "label": "plate",
        "min_sizes": MIN_SIZES,
        "mean": (0, 0, 0),
        "precision": "f32",
    }
    return RetinaFace.Options.model_validate(settings | changed)


def load(file: Path, **changed: object) -> RetinaFace:
    return RetinaFace(options(file, **changed))


def square() -> NDArray[np.uint8]:
    """Return a grey picture with a blue square and a red one, shape (1, 96, 160, 3)."""
    image = np.full((1, 96, 160, 3), 100, np.uint8)
    image[0, 40:48, 80:88] = (255, 0, 0)
    image[0, 72:80, 128:136] = (0, 0, 255)
    return image


@pytest.mark.parametrize("head", ["softmax", "logits"])
def test_boxes_of_each_grid_are_in_pixels(head: str, tmp_path: Path) -> None:
    detector = load(onnx_models.retinaface(tmp_path / "plates.onnx", head), threshold=0.2)
    (boxes,) = detector.detect(square())
    sides = {(b.x0, b.y0, b.x1, b.y1) for b in boxes}
    assert {tuple(np.round(side, 2)) for side in sides} == {
        (78, 20, 102, 68),  # 24 wide and 48 high; 6 right of the middle of the cell of 8 pixels
        (64, -56, 160, 136),
        (-16, -336, 368, 432),
    }
    assert [(box.confidence, box.label) for box in boxes] == 3 * [(pytest.approx(0.9), "plate")]
    assert detector.identity.endswith("f32-softmax" if head == "logits" else "f32")


def test_boxes_that_are_too_large_for_their_label_are_dropped(tmp_path: Path) -> None:
    file = onnx_models.retinaface(tmp_path / "plates.onnx")
    (boxes,) = load(file, threshold=0.2, largest={"plate": (0.16, 0.5)}).detect(square())
    assert [(box.x0, box.x1) for box in boxes] == [(78, 102)]


def test_the_mean_is_taken_off_each_channel(tmp_path: Path) -> None:
    file = onnx_models.retinaface(tmp_path / "plates.onnx")
    (boxes,) = load(file, mean=(51, 0, 0), threshold=0.2).detect(square())
    assert [box.confidence for box in boxes] == 3 * [pytest.approx(0.9 * 0.8)]


@pytest.mark.parametrize(
    ("head", "changed", "sentence"),
    [
        (
            "softmax",
            {"min_sizes": ((16,), (64,), (256,))},
            r"\w+ \[1,16800,4\] and .* for an image of 640x640; .* makes \[1,8400,4\] for boxes",
        ),
        ("sigmoid", {}, "scores that are neither logits nor, in sum, 1; export it with a softmax"),
    ],
)
def test_refuses_other_outputs(
    head: str, changed: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    file = onnx_models.retinaface(tmp_path / "plates.onnx", head)
    with pytest.raises(ConfigError, match=sentence):
        load(file, **changed)


def test_refuses_a_network_of_another_kind(tmp_path: Path) -> None:
    file = onnx_models.yolo(tmp_path / "yolo.onnx")
    with pytest.raises(ConfigError, match=r"answers with \w+ \[1,7,6400\] .* of RetinaFace"):
        load(file)


def test_priors_go_by_grid_row_column_and_size() -> None:
    """An input whose sides are no multiples of 32 has cells that reach past its border."""
    places = priors(40, 24, MIN_SIZES)
    assert len(places) == 2 * (5 * 3 + 3 * 2 + 2 * 1)
    assert places[:3].tolist() == [[4, 4, 24], [4, 4, 48], [12, 4, 24]]
    assert places[10].tolist() == [4, 12, 24]
    assert places[30].tolist() == [8, 8, 96]
    assert places[-1].tolist() == [48, 16, 768]


def test_boxes_differ_from_priors_by_their_variance(tmp_path: Path) -> None:
    chosen = options(onnx_models.retinaface(tmp_path / "plates.onnx"), variance=(0.5, 1))
    differences = np.array([[1, -1, 0, np.log(2)], [0, 0, 0, 0]], np.float32)
    around = np.array([[20, 30, 8], [90, 90, 8]], np.float32)
    (box,) = decode(differences, np.array([0.75, 0.05], np.float32), around, chosen)
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((20, 18, 28, 34))
    assert (box.confidence, box.label) == (0.75, "plate")
