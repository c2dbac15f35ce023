"""A model file is loaded only if it is the one that was pinned, and fetched once a process."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import onnx
import onnx_models
import pytest
from onnx_models import digest

from redact_dask import storage
from redact_dask.detectors import onnx_file
from redact_dask.detectors.onnx_file import ModelFileOptions
from redact_dask.errors import ConfigError


@pytest.fixture(autouse=True)
def no_cache() -> Iterator[None]:
    """Have files fetched anew in a test."""
    onnx_file._fetched.cache_clear()
    yield
    onnx_file._fetched.cache_clear()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return onnx_models.yolo(tmp_path / "model.onnx")


def options(url: object, sha256: str) -> ModelFileOptions:
    return ModelFileOptions(model=str(url), sha256=sha256)


def test_reads_the_file_that_was_pinned(model: Path) -> None:
    assert len(onnx_file.read(options(model, digest(model).upper())).outputs) == 1


def test_reads_from_an_object_store(model: Path, s3: str) -> None:
    boto3.client("s3").upload_file(str(model), "bucket", "models/plates.onnx")
    assert len(onnx_file.read(options(f"{s3}/models/plates.onnx", digest(model))).outputs) == 1


def test_another_file_is_not_loaded(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, expected = digest(model), 64 * "0"
    monkeypatch.delattr(onnx_file.ov, "Core")
    with pytest.raises(
        ConfigError,
        match=rf"model\.onnx was not loaded: its SHA-256 is {found}, not {expected} as configured",
    ):
        onnx_file.read(options(model, expected))


@pytest.mark.parametrize("url", ["missing.onnx", "s3://no-such-bucket/model.onnx", "s4://b/model"])
def test_a_file_that_cannot_be_read_is_told(url: str, s3: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot read the model {re.escape(url)}: .*[a-z]"):
        onnx_file.read(options(url, 64 * "0"))


def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    file = tmp_path / "text.onnx"
    file.write_text("This is no model.\n")
    with pytest.raises(ConfigError, match=r"text\.onnx is not one whole ONNX file"):
        onnx_file.read(options(file, digest(file)))


def test_a_model_of_something_else_than_pictures_is_told(tmp_path: Path) -> None:
    network = onnx_models.Network((1, 16))
    file = network.save(tmp_path / "sound.onnx", network.clipped("image"))
    with pytest.raises(ConfigError, match=r"one input, of shape .*, not \[1,16\]"):
        onnx_file.read(options(file, digest(file)))


def test_weights_that_nobody_has_checked_are_not_read(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "parts.onnx"
    outside = {"save_as_external_data": True, "location": "weights", "size_threshold": 0}
    onnx.save_model(onnx.load(model), parts, **outside)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"parts\.onnx is not one whole ONNX file"):
        onnx_file.read(options(parts, digest(parts)))


def test_is_fetched_once_by_all_threads(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []
    together = threading.Barrier(4)

    def slowly(url: str) -> bytes:
        fetched.append(url)
        time.sleep(0.2)
        return Path(url).read_bytes()

    def load(_: int) -> int:
        together.wait()
        return len(onnx_file.read(options(model, digest(model))).outputs)

    monkeypatch.setattr(storage, "read", slowly)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(load, range(4))) == 4 * [1]
    assert fetched == [str(model)]


def test_a_failure_is_not_kept(model: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.onnx"
    with pytest.raises(ConfigError, match="cannot read"):
        onnx_file.read(options(late, digest(model)))
    late.write_bytes(model.read_bytes())
    assert onnx_file.read(options(late, digest(model)))
