"""A detector for networks of the YOLO family in an ONNX file, for the classes that are named.

The layouts are those of Ultralytics (https://docs.ultralytics.com/modes/export), and of the
end-to-end exports of YOLOv7 and YOLOv9; `yolo_layout` tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat
from pydantic import BeforeValidator, Field

from redact_dask.detectors import onnx_file, yolo_layout
from redact_dask.detectors.base import Box
from redact_dask.detectors.network import Network
from redact_dask.detectors.nms import non_max_suppression
from redact_dask.detectors.onnx_file import ModelFileOptions
from redact_dask.detectors.size_limit import SizeLimit
from redact_dask.detectors.yolo_layout import Layout

OVERLAP = 0.5
"""If two boxes of a class have a larger intersection over union, the less confident is dropped.

Boxes that overlap less may be two things, one in front of the other.
"""


def _number(key: object) -> object:
    """Return a number that is written as text as a number: JSON knows no other keys."""
    return int(key) if isinstance(key, str) and key.isdecimal() else key


ClassKey = Annotated[
    Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)], BeforeValidator(_number)
]
"""Number or name of a class in the model."""


class Yolo:
    """Finds things of the classes that are named in the settings; other classes are ignored.

    The network must have

    - one input of shape (1, 3, height, width), RGB between 0 and 1, whose height and width are both
      fixed, or both free in multiples of 32. Pictures are scaled to a fixed size whatever their
      shape; a model with free sides, or one exported for the videos' shape, sees nothing squeezed.
    - one output, in pixels of the input, with scores between 0 and 1, in one of these shapes:

      - (1, 4 + classes, n), as YOLOv8 and YOLO11 give it: for each of n candidates x and y of its
        centre, its width and height, and a score for each class.
      - (1, n, 6), as YOLO26, YOLOv10 and exports with ``nms=True`` give it: x0, y0, x1, y1, score
        and number of the class of each thing. Rows with a score of 0 hold nothing.
      - (n, 7), as end-to-end exports of YOLOv7 and YOLOv9 give it: number of the image, x0, y0, x1,
        y1, number of the class, and score.

    Layouts with an objectness score (YOLOv5, YOLOX), transposed ones, and models of another task
    (segment, pose, obb, classify) are refused. A model of oriented boxes that does not tell its
    task nor its classes in the metadata cannot be told apart: do not use one.

    Raises
    ------
    ConfigError
        The model file cannot be read, is not the one that was pinned, has another layout, or lacks
        a class that is named; or this CPU does not run the precision that was asked for.
    """

    class Options(ModelFileOptions, SizeLimit):
        """Settings of the detector.

        If the size of the model's input is fixed, neither ``long_side`` nor ``scale`` may be set.
        """

        classes: dict[ClassKey, Annotated[str, Field(min_length=1)]] = Field(min_length=1)
        """Label of each class to hide, by its number in the model, such as ``{0: plate}``, or by
        its name there, such as ``{license_plate: plate}``, if the file tells names."""

    def __init__(self, options: Options) -> None:
        self._options = options
        model = onnx_file.read(options)
        size = onnx_file.fixed_size(model, options, "yolo")
        shown = size or (640, 640)
        self._layout = yolo_layout.layout(model, options.model, shown)
        names = yolo_layout.class_names(model)
        self._count = max(names) + 1 if names else None
        if self._layout is Layout.CANDIDATES:
            ((_, shape),) = onnx_file.outputs(model, options.model, shown)
            self._count = shape[1].get_length() - 4
        self._labels = yolo_layout.labels(options.classes, names, self._count, options.model)
        self._network = Network(model, "yolo", options, ColorFormat.RGB, 1.0, size)
        self.detect(onnx_file.first_picture(size))  # Raises if the answers are no such layout's.

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
        _, height, width, _ = images.shape
        found = [self._boxes(answer[0]) for answer in self._network.answers(images)]
        return [self._options.kept(boxes, width, height) for boxes in found]

    def _boxes(self, answer: NDArray[np.floating]) -> list[Box]:
        options = self._options
        if self._layout is not Layout.CANDIDATES:
            rows = yolo_layout.end_to_end_rows(answer, self._layout, self._count, options.model)
            return decode_rows(rows, self._labels, options.threshold)
        for number in self._labels:
            onnx_file.check_scores(answer[0, 4 + number], options.model)
        return decode(answer[0], self._labels, options.threshold)


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
        sizes = np.abs(width), np.abs(height)  # YOLO26 may put a right side left of the left one.
        boxes += non_max_suppression((x, y), sizes, scores[likely], OVERLAP, label)
    return boxes


def decode_rows(
    rows: NDArray[np.float32], classes: Mapping[int, str], threshold: float
) -> list[Box]:
    """Turn what an end-to-end network found on one image into boxes.

    Parameters
    ----------
    rows
        Shape (n, 6): x0, y0, x1, y1, pixels; the score; the number of the class.
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
        x0, y0, x1, y1, scores, _ = rows[(rows[:, 4] >= threshold) & (rows[:, 5] == number)].T
        centres, sizes = ((x0 + x1) / 2, (y0 + y1) / 2), (np.abs(x1 - x0), np.abs(y1 - y0))
        boxes += non_max_suppression(centres, sizes, scores, OVERLAP, label)
    return boxes
