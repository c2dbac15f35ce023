import re

import pytest

from redact_dask import detectors
from redact_dask.detectors import centerface
from redact_dask.detectors.centerface import CenterFace
from redact_dask.errors import ConfigError

wrong = pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("centreface", {}, "no detector is called centreface; installed are: "),
        (
            "centerface",
            {"sizee": 1},
            "unknown configuration key detect.options.centerface.sizee; known here: long_side, ",
        ),
        (
            "centerface",
            {"threshold": 2},
            "configuration key detect.options.centerface.threshold: Input should be less",
        ),
        (
            "centerface",
            {"precision": "int8"},
            "configuration key detect.options.centerface.precision: Input should be 'auto'",
        ),
        (
            "yunet",
            {"sha256": 64 * "0"},
            "configuration key detect.options.yunet.sha256: it belongs to model, which is not set",
        ),
        (
            "yunet",
            {"model": "yunet.onnx"},
            "configuration key detect.options.yunet.sha256: name the SHA-256 of the model file, ",
        ),
        (
            "yolo",
            {"model": "plates.onnx", "sha256": 63 * "0", "classes": {0: "plate"}},
            "configuration key detect.options.yolo.sha256: name the SHA-256 of the model file, ",
        ),
        (
            "yolo",
            {"model": "plates.onnx", "sha256": 64 * "0"},
            "configuration key detect.options.yolo.classes: Field required",
        ),
        (
            "yolo",
            {"model": "plates.onnx", "sha256": 64 * "0", "classes": {}},
            "configuration key detect.options.yolo.classes: Dictionary should have at least 1",
        ),
        (
            "yolo",
            {"model": "plates.onnx", "sha256": 64 * "0", "classes": {0: ""}},
            "configuration key detect.options.yolo.classes.0: String should have at least 1",
        ),
    ],
)


def test_names_hold_the_projects_own_detectors() -> None:
    assert {"centerface", "retinaface", "yolo", "yunet"} <= set(detectors.names())
    assert list(detectors.names()) == sorted(detectors.names())


def test_creates_a_detector_with_its_options() -> None:
    detector = detectors.create("centerface", {"long_side": 320})
    assert isinstance(detector, CenterFace)
    assert detector.input_size(1280, 640) == (320, 160)


@wrong
def test_create_names_what_is_wrong(name: str, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        detectors.create(name, options)


@wrong
def test_check_names_what_is_wrong(name: str, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        detectors.options(name, options)


def test_check_loads_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(centerface, "_weights")
    detectors.options("centerface", {"long_side": 640})
    detectors.options("yunet", {"model": "s3://no-such-bucket/a", "sha256": 64 * "0"})


def test_a_detector_with_a_price_that_tells_no_calls_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As those that kept an earlier contract: they would be taken for free."""

    class Earlier(CenterFace):
        class Options(CenterFace.Options):
            def dollars(self, calls: int) -> float:
                return 0.001 * calls

    monkeypatch.setattr(detectors, "load", {"earlier": Earlier}.get)
    with pytest.raises(ConfigError, match="earlier has a price, but does not tell the calls"):
        detectors.options("earlier", {})
