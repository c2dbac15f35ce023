"""CenterFace on OpenVINO: an anchor-free face detector that needs one CPU thread.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019,
https://arxiv.org/abs/1911.03599. The network answers on a grid of cells, four pixels wide: how
likely a cell is a face's centre, where in the cell that centre is, and how large the face is.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat, PrePostProcessor
from pydantic import BaseModel, ConfigDict, Field

from redact_dask.detectors.base import Box
from redact_dask.errors import ConfigError, UsageError

WEIGHTS = Path(__file__).with_name("weights") / "centerface.onnx"
SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"

HEATMAP, SCALE, OFFSET = "537", "538", "539"
"""Names of the network's outputs that are read; a fourth one holds landmarks."""
CELL = 4
"""Width and height of a cell of the output grid, pixels."""
STRIDE = 32
"""The network's width and height must be multiples of this, pixels."""
LARGEST_ENLARGEMENT = 2.0
"""Beyond this, a picture has nothing more to show to the network."""
OVERLAP = 0.3
"""Of two boxes with a larger intersection over union, the less confident one is dropped."""


class CenterFace:
    """Finds faces, from about 12 pixels high at the network's input on.

    Pictures are scaled to the very input of the network instead of padded: padding would draw a
    hard edge for the network to look at, and spend time on it, while rounding each side to a
    multiple of 32 changes the aspect by a few hundredths at most for pictures of usual shapes.

    Raises
    ------
    ConfigError
        The precision that was asked for is not what this CPU runs.
    UsageError
        The weights are missing or altered.
    """

    class Options(BaseModel):
        """Settings of the detector."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        long_side: int = Field(640, ge=STRIDE)
        """Longer side of the network's input, pixels, rounded to a multiple of 32.

        A smaller picture is enlarged, but not more than twice.
        """
        threshold: float = Field(0.1, gt=0, le=1)
        """Least confidence of a box. Those of low confidence cannot start a track, only extend it.
        """
        precision: Literal["auto", "f32", "bf16"] = "auto"
        """Arithmetic of the network: ``auto`` is the fastest that a worker's CPU has.

        It moves boxes by a pixel or two: a mixed cluster that must agree pins ``f32``.
        """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._compiled: dict[tuple[int, int], ov.CompiledModel] = {}
        hint = self._model(STRIDE, STRIDE).get_property("INFERENCE_PRECISION_HINT")
        self._precision: str = hint.to_string()
        if options.precision not in ("auto", self._precision):
            raise ConfigError(
                "configuration key detect.options.centerface.precision: "
                f"this CPU runs {self._precision}, not {options.precision}"
            )

    @property
    def identity(self) -> str:
        """Name, first digits of the weights' SHA-256, and the precision that runs on this CPU."""
        return f"centerface-{SHA256[:8]}-{self._precision}"

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        scale = min(self._options.long_side / max(width, height), LARGEST_ENLARGEMENT)
        return _multiple(width * scale), _multiple(height * scale)

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Find faces on a batch of images, the most confident first.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR; height and width are multiples of 32.

        Raises
        ------
        ValueError
            The images have another shape.
        """
        _, height, width, channels = images.shape
        if height % STRIDE or width % STRIDE or channels != 3:
            raise ValueError(f"images of shape {images.shape} are not of the size asked for")
        model = self._model(height, width)
        boxes = []
        for image in images:  # one by one: on a CPU, a batch is not faster
            output = model(image[np.newaxis])
            heatmap, scale, offset = output[HEATMAP][0, 0], output[SCALE][0], output[OFFSET][0]
            boxes.append(decode(heatmap, scale, offset, self._options.threshold))
        return boxes

    def _model(self, height: int, width: int) -> ov.CompiledModel:
        """Return the network for one input size, compiled when that size is first seen."""
        if (height, width) not in self._compiled:
            properties: dict[str, object] = {
                # A Dask worker thread is one core's worth of work; pinning would put the
                # processes of all workers on the same core.
                "INFERENCE_NUM_THREADS": 1,
                "NUM_STREAMS": 1,
                "ENABLE_CPU_PINNING": False,
            }
            if self._options.precision != "auto":
                properties["INFERENCE_PRECISION_HINT"] = self._options.precision
            self._compiled[height, width] = ov.Core().compile_model(
                _network(height, width), "CPU", properties
            )
        return self._compiled[height, width]


def decode(
    heatmap: NDArray[np.float32],
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    threshold: float,
) -> list[Box]:
    """Turn the network's answer for one image into boxes (section 3 of the paper).

    Parameters
    ----------
    heatmap
        Shape (rows, columns): confidence that a cell is a face's centre, between 0 and 1.
    scale
        Shape (2, rows, columns): natural logarithm of the face's height and width, in cells.
    offset
        Shape (2, rows, columns): the centre's y and x from the middle of its cell, in cells.
    threshold
        Least confidence of a box.

    Returns
    -------
    Boxes without near duplicates, by falling confidence, then by row and column.
    """
    rows, columns = np.nonzero(heatmap >= threshold)
    confidences = heatmap[rows, columns].tolist()
    height, width = CELL * np.exp(scale[:, rows, columns])
    y, x = CELL * (np.stack([rows, columns]) + 0.5 + offset[:, rows, columns])
    corners = np.stack([x - width / 2, y - height / 2, width, height], axis=1).tolist()
    kept = cv2.dnn.NMSBoxes(corners, confidences, 0.0, OVERLAP)
    return [_box(corners[i], confidences[i]) for i in kept]


def _box(corner_and_size: list[float], confidence: float) -> Box:
    x, y, width, height = corner_and_size
    return Box(x, y, x + width, y + height, confidence, "face")


def _multiple(length: float) -> int:
    """Round to the nearest multiple of the stride that is not zero."""
    return max(STRIDE, round(length / STRIDE) * STRIDE)


@cache
def _weights() -> bytes:
    """Read the weights, once a process; raise `UsageError` if they are not the pinned ones."""
    remedy = "reinstall with: pip install --force-reinstall redact-dask"
    try:
        weights = WEIGHTS.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"CenterFace's weights are missing at {WEIGHTS}; {remedy}") from None
    if hashlib.sha256(weights).hexdigest() != SHA256:
        raise UsageError(f"CenterFace's weights at {WEIGHTS} were altered; {remedy}")
    return weights


def _network(height: int, width: int) -> ov.Model:
    """Return the network for one BGR image of bytes, shape (1, height, width, 3).

    It wants RGB between 0 and 255 as float32, shape (1, 3, height, width): converted inside, so
    that no such copy of the image is made in NumPy.
    """
    model = ov.Core().read_model(_weights(), b"")
    model.reshape([1, 3, height, width])
    converter = PrePostProcessor(model)
    tensor = converter.input().tensor()
    tensor.set_element_type(ov.Type.u8)
    tensor.set_layout(ov.Layout("NHWC"))
    tensor.set_color_format(ColorFormat.BGR)
    converter.input().preprocess().convert_color(ColorFormat.RGB)
    converter.input().preprocess().convert_element_type(ov.Type.f32)
    converter.input().model().set_layout(ov.Layout("NCHW"))
    return converter.build()
