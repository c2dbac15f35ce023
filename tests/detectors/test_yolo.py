"""Networks of the YOLO family: what is found, and which are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx_models
import pytest
from numpy.typing import NDArray

from redact_dask.detectors.yolo import Yolo, decode, decode_rows
from redact_dask.errors import ConfigError

CLASSES = {0: "red", 2: "blue"}


def load(file: Path, **options: object) -> Yolo:
    settings = {
        "model": str(file),
        "sha256": onnx_models.digest(file),
        "classes": CLASSES,
        "precision": "f32",
    }
    settings |= options
    return Yolo(Yolo.Options.model_validate(settings))


def squares() -> NDArray[np.uint8]:
    """Return a grey picture with squares of all colours, shape (1, 96, 160, 3)."""
    image = np.full((1, 96, 160, 3), 100, np.uint8)
    image[0, 40:48, 80:88] = (255, 0, 0)
    image[0, 72:80, 128:136] = (0, 0, 255)
    image[0, 8:16, 120:128] = (0, 255, 0)
    image[0, 16:24, 32:40] = (100, 100, 202)
    return image


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"height": 96, "width": 160},
        {"dtype": np.float16},
        {"layout": "rows"},
        {"layout": "rows", "height": 96, "width": 160},
        {"layout": "rows of batch"},
        {"layout": "rows", "metadata": {"task": "detect", "names": "['red', 'green', 'blue']"}},
    ],
    ids=["free", "fixed", "half precision", "rows", "fixed rows", "rows of batch", "named rows"],
)
def test_finds_the_named_classes_and_no_others(made: dict[str, Any], tmp_path: Path) -> None:
    detector = load(onnx_models.yolo(tmp_path / "yolo.onnx", **made), threshold=0.2)
    (boxes,) = detector.detect(squares())
    assert [(box.label, box.x0, box.y0, box.x1, box.y1) for box in boxes] == [
        ("red", 124, 64, 140, 88),
        ("red", 28, 8, 44, 32),
        ("blue", 76, 32, 92, 56),
    ]
    assert [box.confidence for box in boxes] == pytest.approx([1, 0.4, 1], abs=1e-3)


def test_the_threshold_is_kept(tmp_path: Path) -> None:
    detector = load(onnx_models.yolo(tmp_path / "yolo.onnx"), threshold=0.41)
    (boxes,) = detector.detect(squares())
    assert [box.confidence for box in boxes] == [1, 1]


def test_boxes_that_are_too_large_for_their_label_are_dropped(tmp_path: Path) -> None:
    file = onnx_models.yolo(tmp_path / "yolo.onnx")
    (boxes,) = load(file, threshold=0.2, largest={"red": (0.2, 0.24)}).detect(squares())
    assert [box.label for box in boxes] == ["blue"]


def test_a_free_model_is_given_pictures_of_their_shape(tmp_path: Path) -> None:
    detector = load(onnx_models.yolo(tmp_path / "yolo.onnx"), long_side=640)
    assert detector.input_size(1920, 1080) == (640, 352)


def test_a_fixed_model_is_given_its_size(tmp_path: Path) -> None:
    file = onnx_models.yolo(tmp_path / "yolo.onnx", 48, 80)
    detector = load(file)
    assert detector.input_size(1920, 1080) == (80, 48)
    with pytest.raises(ValueError, match=r"\(1, 96, 160, 3\) are not of the size"):
        detector.detect(squares())
    with pytest.raises(ConfigError, match=r"yolo\.long_side: .* fixed at 80x48; leave long_side"):
        load(file, long_side=640)
    with pytest.raises(ConfigError, match=r"yolo\.scale: .* fixed at 80x48; leave scale out"):
        load(file, scale=0.5)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (
            {"layout": "transposed"},
            r"answers with Transpose\d+ \[1,6400,7\] .* 640x640; understood are .*`yolo export",
        ),
        ({"layout": "objectness"}, r"in the shape \(1, n, 6\), but holds no numbers of classes"),
        ({"layout": "few candidates"}, r"answers with Slice\d+ \[1,7,5\]"),
        ({"layout": "two outputs"}, r"answers with \w+ \[1,7,6400\] and \w+ \[1,3,80,80\]"),
        ({"layout": "logits"}, "scores that do not lie between 0 and 1"),
        ({"height": 96}, "fixes one side of its input, 96 x "),
        ({"metadata": {"names": "{0: 'a'}"}}, r"answers with \w+ \[1,7,6400\] for an image"),
        *(
            ({"metadata": {"task": task}}, f"has the task {task}, as its metadata says; train and")
            for task in ("obb", "segment", "pose", "classify")
        ),
    ],
)
def test_refuses_other_layouts(made: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(onnx_models.yolo(tmp_path / "yolo.onnx", **made))


COLOURS = {"task": "detect", "names": "{0: 'red', 1: 'green', 2: 'blue'}"}


@pytest.mark.parametrize("layout", ["v8", "rows"])
def test_classes_may_be_named_as_the_file_names_them(layout: str, tmp_path: Path) -> None:
    file = onnx_models.yolo(tmp_path / "yolo.onnx", layout=layout, metadata=COLOURS)
    (boxes,) = load(file, classes={"blue": "plate", "0": "lamp"}, threshold=0.5).detect(squares())
    assert [(box.label, box.x0) for box in boxes] == [("lamp", 124), ("plate", 76)]


@pytest.mark.parametrize(
    ("layout", "metadata", "classes", "sentence"),
    [
        ("v8", {}, {"red": "lamp"}, "tells no names of classes; give the number of red, such as"),
        ("v8", {"names": "plates.yaml"}, {"red": "lamp"}, "tells no names of classes; give"),
        ("v8", {"names": "3"}, {"red": "lamp"}, "tells no names of classes; give"),
        ("rows", COLOURS, {"rot": "lamp"}, "has no class rot, only 0 red, 1 green, 2 blue$"),
        ("rows", COLOURS, {3: "lamp"}, "has no class 3, only 0 red, 1 green, 2 blue$"),
    ],
)
def test_refuses_a_class_that_the_file_does_not_tell(
    layout: str, metadata: dict[str, str], classes: dict[Any, str], sentence: str, tmp_path: Path
) -> None:
    file = onnx_models.yolo(tmp_path / "yolo.onnx", layout=layout, metadata=metadata)
    with pytest.raises(ConfigError, match=rf"yolo\.classes: the model .* {sentence}"):
        load(file, classes=classes)


def test_refuses_a_class_that_the_model_has_not(tmp_path: Path) -> None:
    file = onnx_models.yolo(tmp_path / "yolo.onnx")
    with pytest.raises(ConfigError, match=r"yolo\.classes: .* has no class 3, only 0 to 2$"):
        load(file, classes={0: "red", 3: "plate"})


def test_identity_tells_the_model_and_the_precision(tmp_path: Path) -> None:
    file = onnx_models.yolo(tmp_path / "yolo.onnx")
    digits = onnx_models.digest(file)[:8]
    assert load(file, precision="f32").identity == f"yolo-{digits}-f32"


class TestDecode:
    def test_suppresses_in_a_class_only(self) -> None:
        """Two candidates in one place: each class has it once, at its best score."""
        place = [[20, 21], [30, 30], [16, 16], [8, 8]]
        scores = [[0.5, 0.75], [0.9, 0.2], [0.25, 0.125]]
        boxes = decode(np.array(place + scores), {0: "a", 2: "c"}, 0.1)
        assert [(box.label, box.x0, box.confidence) for box in boxes] == [
            ("a", 13, 0.75),
            ("c", 12, 0.25),
        ]

    def test_keeps_what_overlaps_by_less_than_half(self) -> None:
        candidates = [[20, 26], [30, 30], [16, 16], [8, 8], [0.5, 0.75]]
        boxes = decode(np.array(candidates), {0: "a"}, 0.1)
        assert [box.confidence for box in boxes] == [0.75, 0.5]


class TestDecodeRows:
    ROW = (12, 26, 28, 34, 0.75, 2)

    def decoded(self, *rows: tuple[float, ...]) -> list[tuple[object, ...]]:
        boxes = decode_rows(np.array(rows, np.float32), {0: "a", 2: "c"}, 0.1)
        return [(box.label, box.x0, box.y0, box.x1, box.y1, box.confidence) for box in boxes]

    def test_rows_of_other_classes_and_below_the_threshold_are_ignored(self) -> None:
        rows = [self.ROW, (12, 26, 28, 34, 0.9, 1), (2, 6, 8, 4, 0.05, 2), (0, 0, 0, 0, 0, 0)]
        assert self.decoded(*rows) == [("c", 12, 26, 28, 34, 0.75)]

    def test_a_thing_that_was_found_twice_is_one(self) -> None:
        twice = [(13, 26, 29, 34, 0.5, 2), self.ROW]
        assert self.decoded(*twice) == [("c", 12, 26, 28, 34, 0.75)]

    def test_sides_that_are_exchanged_enclose_the_same(self) -> None:
        assert self.decoded((28, 34, 12, 26, 0.75, 2)) == [("c", 12, 26, 28, 34, 0.75)]
