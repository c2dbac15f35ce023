"""A detector for networks of the YOLO family in an ONNX file, for the classes that are named.

The layout is that of YOLOv8 and YOLO11 as Ultralytics exports them, and of all that follow them
(https://docs.ultralytics.com/modes/export).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat
from pydantic import Field

from redact_dask.detectors import onnx_file
from redact_dask.detectors.base import Box
from redact_dask.detectors.network import Network, last_line
from redact_dask.detectors.nms import non_max_suppression
from redact_dask.detectors.onnx_file import ModelFileOptions
from redact_dask.errors import ConfigError

OVERLAP = 0.5
"""If two boxes of a class have a larger intersection over union, the less confident is dropped.

Boxes that overlap less may be two things, one in front of the other.
"""


class Yolo:
    """Finds things of the classes that are named in the settings; other classes are ignored.

    The network must have

    - one input of shape (1, 3, height, width), RGB between 0 and 1, whose height and width are both
      fixed, or both free in multiples of 32. Pictures are scaled to a fixed size whatever their
      shape; a model with free sides, or one exported for the videos' shape, sees nothing squeezed.
    - one output of shape (1, 4 + classes, n). It holds for each of n candidates x and y of its
      centre, its width and height, in pixels of the input, and a score between 0 and 1 for each
      class.

    Older layouts with an objectness score (YOLOv5, YOLOX), transposed ones, exports that suppress
    duplicates themselves (``nms=True``, YOLOv10), and segmentation are refused. A model of oriented
    boxes has the same shape of output and cannot be told apart: do not use one.

    Raises
    ------
    ConfigError
        The model file cannot be read, is not the one that was pinned, has another layout, or lacks
        a class that is named; or this CPU does not run the precision that was asked for.
    """

    class Options(ModelFileOptions):
        """Settings of the detector.

        If the size of the model's input is fixed, neither ``long_side`` nor ``scale`` may be set.
        """

        classes: dict[Annotated[int, Field(ge=0)], Annotated[str, Field(min_length=1)]] = Field(
            min_length=1
        )
        """Label of each class to hide, by its number in the model, such as ``{0: plate}``."""

    def __init__(self, options: Options) -> None:
        self._options = options
        model = onnx_file.read(options)
        size = _fixed_size(model, options)
        _check_output(model, options, size or (640, 640))
        self._network = Network(model, "yolo", options, ColorFormat.RGB, 1.0, size)

    @property
    def identity(self) -> str:
        """Name, first digits of the model's SHA-256, and the precision that runs on this CPU."""
        return f"yolo-{self._options.sha256[:8]}-{self._network.precision}"

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        return self._network.input_size(width, height)

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Find things on a batch of images, by class, then by falling confidence.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR, of the size that `input_size` asked for.

        Raises
        ------
        ValueError
            The images have another shape.
        ConfigError
            The scores do not lie between 0 and 1, because the model has another layout.
        """
        found = []
        for answer in self._network.answers(images):
            candidates = answer[0][0]
            for number in self._options.classes:
                onnx_file.check_scores(candidates[4 + number], self._options.model)
            found.append(decode(candidates, self._options.classes, self._options.threshold))
        return found


def decode(
    candidates: NDArray[np.floating], classes: Mapping[int, str], threshold: float
) -> list[Box]:
    """Turn the network's answer for one image into boxes.

    Each class is judged by itself: a candidate that more likely belongs to another class, even to
    one that is ignored, is still hidden.

    Parameters
    ----------
    candidates
        Shape (4 + classes, n): x and y of the centre, width, height, pixels; then the scores.
    classes
        Label of each class that is looked for.
    threshold
        Least score of a box.

    Returns
    -------
    Boxes without near duplicates in a class, by class, then by falling confidence.
    """
    boxes = []
    for number, label in sorted(classes.items()):
        scores = candidates[4 + number].astype(np.float32)
        likely = scores >= threshold
        x, y, width, height = candidates[:4, likely].astype(np.float32)
        boxes += non_max_suppression((x, y), (width, height), scores[likely], OVERLAP, label)
    return boxes


def _fixed_size(model: ov.Model, options: Yolo.Options) -> tuple[int, int] | None:
    """Return width and height, pixels, of a model with a fixed input; None if both are free."""
    _, _, height, width = model.input().get_partial_shape()
    if height.is_dynamic and width.is_dynamic:
        return None
    if height.is_dynamic or width.is_dynamic:
        raise ConfigError(
            f"the model {options.model} fixes one side of its input, {height} x {width}, and not "
            "the other; export it with both fixed, or with both free"
        )
    size = width.get_length(), height.get_length()
    for name in ("long_side", "scale"):
        if name in options.model_fields_set:
            raise ConfigError(
                f"configuration key detect.options.yolo.{name}: the input of the model "
                f"{options.model} is fixed at {size[0]}x{size[1]}; leave {name} out"
            )
    return size


def _check_output(model: ov.Model, options: Yolo.Options, size: tuple[int, int]) -> None:
    """Raise `ConfigError` unless the layout is the accepted one and has the named classes."""
    width, height = size
    sized = model.clone()
    try:
        sized.reshape([1, 3, height, width])
    except RuntimeError as error:
        raise ConfigError(
            f"the model {options.model} takes no images of {width}x{height}: {last_line(error)}"
        ) from None
    shapes = [tensor.get_partial_shape() for tensor in sized.outputs]
    accepted = len(shapes) == 1 and shapes[0].is_static and len(shapes[0]) == 3
    batch, rows, candidates = shapes[0].to_shape() if accepted else (0, 0, 0)
    # Candidates outnumber classes by far; if they do not, the layout is another one.
    if batch != 1 or not 4 < rows < candidates:
        raise ConfigError(
            f"the model {options.model} answers with {' and '.join(map(str, shapes))} for an image "
            f"of {width}x{height}; what is read here is (1, 4 + classes, candidates), as YOLOv8 "
            "and YOLO11 give it"
        )
    if absent := [number for number in options.classes if number >= rows - 4]:
        raise ConfigError(
            f"configuration key detect.options.yolo.classes: the model {options.model} has no "
            f"class {absent[0]}, only 0 to {rows - 5}"
        )
