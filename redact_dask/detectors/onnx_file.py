"""Loading model files of the user: from any store, once, and checked before they are read."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from redact_dask import storage
from redact_dask.detectors import self_check
from redact_dask.detectors.network import FIRST_SIZE, Answer, NetworkOptions, last_line
from redact_dask.errors import ConfigError, SourceError, UsageError
from redact_dask.storage import scratch


class ModelFileOptions(NetworkOptions):
    """Settings of a detector whose network is a file of the user."""

    model: str = Field(min_length=1)
    """Path or URL, such as ``s3://bucket/key``, of an ONNX file that every worker can read."""
    sha256: str = Field("", validate_default=True)
    """SHA-256 of that file, hexadecimal, as ``sha256sum`` prints it.

    It is required: a file other than the chosen one may find less, and nobody would notice.
    """

    @field_validator("sha256")
    @classmethod
    def _is_a_hash(cls, value: str, info: ValidationInfo) -> str:  # noqa: ARG003 (a child's needs it)
        return checked_hash(value)


class ShippedFileOptions(ModelFileOptions):
    """Settings of a detector whose weights come with the package, and may be replaced."""

    SHIPPED: ClassVar[Path]
    """The file that comes with the package."""
    SHIPPED_SHA256: ClassVar[str]

    model: str = ""
    """Path or URL, ``s3://bucket/key``, of an ONNX file that every worker can read; empty: the
    weights that come with the package."""
    sha256: str = Field("", validate_default=True)
    """SHA-256 of that file, hexadecimal, as ``sha256sum`` prints it; required with ``model``:
    another file than the chosen one may find less, and nobody would see it."""

    @field_validator("sha256")
    @classmethod
    def _is_a_hash(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("model"):
            return checked_hash(value)
        if value and value != cls.SHIPPED_SHA256:
            raise ValueError("it belongs to model, which is not set")
        return cls.SHIPPED_SHA256


def checked_hash(value: str) -> str:
    """Return a SHA-256 in lower case; raise `ValueError` if it is none."""
    if not re.fullmatch("[0-9a-fA-F]{64}", value):
        raise ValueError(
            "name the SHA-256 of the model file, 64 hexadecimal digits; `sha256sum FILE` prints it"
        )
    return value.lower()


def read(options: ModelFileOptions) -> ov.Model:
    """Fetch a model file, check it, and return its network.

    Raises
    ------
    ConfigError
        The file cannot be read, is not the one that was pinned, or holds no network that takes
        one picture.
    """
    with _one_at_a_time:
        content = _fetched(options.model, options.sha256)
    try:
        with scratch.folder() as alone:
            # In an empty folder: from memory, it could load unchecked files of the current folder.
            file = alone / "model.onnx"
            file.write_bytes(content)
            model = ov.Core().read_model(file)
    except RuntimeError as error:
        raise ConfigError(
            f"the model {options.model} is not one whole ONNX file that OpenVINO reads: "
            f"{last_line(error)}"
        ) from None
    shapes = [tensor.get_partial_shape() for tensor in model.inputs]
    if len(shapes) != 1 or not ov.PartialShape([-1, 3, -1, -1]).compatible(shapes[0]):
        raise ConfigError(
            f"the model {options.model} must have one input, of shape (n, 3, height, width), "
            f"not {', '.join(map(str, shapes))}"
        )
    return model


def read_shipped(options: ShippedFileOptions, name: str) -> ov.Model:
    """Return the network that comes with the package, or the user's: see `read`.

    Parameters
    ----------
    options
        Settings of the detector.
    name
        What the network is called, for the error.

    Raises
    ------
    UsageError
        The weights of the package are missing.
    """
    if options.model:
        return read(options)
    if not options.SHIPPED.exists():
        raise UsageError(
            f"{name}'s weights are missing at {options.SHIPPED}; "
            "reinstall with: pip install --force-reinstall redact-dask"
        )
    return read(options.model_copy(update={"model": str(options.SHIPPED)}))


def fixed_size(model: ov.Model, options: ModelFileOptions, name: str) -> tuple[int, int] | None:
    """Return width and height, pixels, of a model with a fixed input; None if both are free.

    Raises
    ------
    ConfigError
        Only one side is fixed; or both are, and the options of the detector ``name`` set a size.
    """
    _, _, height, width = model.input().get_partial_shape()
    if height.is_dynamic and width.is_dynamic:
        return None
    if height.is_dynamic or width.is_dynamic:
        raise ConfigError(
            f"the model {options.model} fixes one side of its input, {height} x {width}, and not "
            "the other; export it with both fixed, or with both free"
        )
    size = width.get_length(), height.get_length()
    for key in ("long_side", "scale"):
        if key in options.model_fields_set:
            raise ConfigError(
                f"configuration key detect.options.{name}.{key}: the input of the model "
                f"{options.model} is fixed at {size[0]}x{size[1]}; leave {key} out"
            )
    return size


Outputs = list[tuple[str, ov.PartialShape]]
"""Name and shape of each output of a model."""


def outputs(model: ov.Model, file: str, size: tuple[int, int]) -> Outputs:
    """Return what a model answers with for one image of a width and height, pixels.

    Raises
    ------
    ConfigError
        It takes no such image.
    """
    width, height = size
    sized = model.clone()
    try:
        sized.reshape([1, 3, height, width])
    except RuntimeError as error:
        raise ConfigError(
            f"the model {file} takes no images of {width}x{height}: {last_line(error)}"
        ) from None
    return [(min(out.names, default=""), out.get_partial_shape()) for out in sized.outputs]


def described(outputs: Outputs) -> str:
    """Return outputs in words, for errors."""
    return " and ".join(f"{name} {shape}".strip() for name, shape in outputs)


def metadata(model: ov.Model, key: str) -> str | None:
    """Return what an ONNX file's metadata tells under a key; None: nothing."""
    path = ["framework", key]  # OpenVINO keeps it there.
    return str(model.get_rt_info(path).value) if model.has_rt_info(path) else None


def first_picture(size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Return noise of a width and height, pixels, to see what a network answers at all.

    Its shape is (1, height, width, 3).
    """
    width, height = size or FIRST_SIZE
    return np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)


def with_outputs(model: ov.Model, names: Iterable[str], is_not: str) -> ov.Model:
    """Return a model with some of its outputs: to compute the others, landmarks, takes time.

    Raises `ConfigError`, which says what the model ``is_not``, if an output is missing.
    """
    results = {name: result for result in model.get_results() for name in result.output(0).names}
    wanted = [*names]
    if missing := [name for name in wanted if name not in results]:
        raise ConfigError(f"{is_not}: it has no output {missing[0]}")
    return ov.Model([results[name] for name in wanted], model.get_parameters())


def check_answer(
    answer: Answer, names: Iterable[str], options: ShippedFileOptions, name: str
) -> None:
    """Check the outputs that hold scores: see `check_scores`, and that of `self_check`.

    Parameters
    ----------
    answer
        What the network answered.
    names
        Names of the outputs with scores.
    options
        Settings of the detector.
    name
        What its network is called, for the error.

    Raises
    ------
    ConfigError
        Scores of the user's model do not lie between 0 and 1.
    RunEnded
        Those of the network that comes with the package do not.
    """
    for output in names:
        if options.model:
            check_scores(answer[output], options.model)
        else:
            self_check.check_scores(answer[output], name)


def check_scores(scores: NDArray[np.floating], model: str) -> None:
    """Raise `ConfigError` unless all scores of a model lie between 0 and 1."""
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ConfigError(
            f"the model {model} gives scores that do not lie between 0 and 1; "
            "export it as a detector of upright boxes, with its last sigmoid"
        )


_one_at_a_time = threading.Lock()
"""Makes threads that need the same file wait until the first has fetched it."""


@cache
def _fetched(url: str, sha256: str) -> bytes:
    """Read a file once in each process; raise `ConfigError` if it is not the pinned one."""
    try:
        content = storage.read(url)
    except (*storage.FAILURES, SourceError) as error:
        raise ConfigError(f"cannot read the model {url}: {error}") from None
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ConfigError(
            f"the model {url} was not loaded: its SHA-256 is {found}, not {sha256} as configured; "
            "name the file that was meant, or the hash of the new one if you trust it"
        )
    return content
