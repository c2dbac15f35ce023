"""A detector for networks with the outputs of RetinaFace in an ONNX file: faces, plates, ...

Deng et al., "RetinaFace: Single-stage Dense Face Localisation in the Wild", 2019,
https://arxiv.org/abs/1905.00641. The network answers for each prior, a square that lies around the
middle of a cell of three grids: how likely it shows the thing, and how the box differs from it.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat
from pydantic import Field

from redact_dask.detectors import onnx_file
from redact_dask.detectors.base import Box
from redact_dask.detectors.network import Network
from redact_dask.detectors.nms import non_max_suppression
from redact_dask.detectors.onnx_file import ModelFileOptions
from redact_dask.detectors.size_limit import SizeLimit
from redact_dask.errors import ConfigError

STRIDES = (8, 16, 32)
"""Width and height of the cells of each grid, pixels."""
OVERLAP = 0.4
"""If two boxes have a larger intersection over union, the less confident one is dropped."""

Sizes = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]


class RetinaFace:
    """Finds the one class of things that the network was trained for.

    The network must have one input of shape (n, 3, height, width), BGR bytes minus a mean, and two
    outputs: (1, n, 4), which is how the box of each of n priors differs from it, and (1, n, 2),
    scores of the background and of the thing, as probabilities or as logits. Further outputs, such
    as landmarks, are ignored.

    Raises
    ------
    ConfigError
        The model file cannot be read, is not the one that was pinned, or has another layout; or
        this CPU does not run the precision that was asked for.
    """

    class Options(ModelFileOptions, SizeLimit):
        """Settings of the detector.

        If the size of the model's input is fixed, neither ``long_side`` nor ``scale`` may be set.
        """

        label: str = Field(min_length=1)
        """What the network finds, such as ``face`` or ``plate``."""
        min_sizes: tuple[Sizes, Sizes, Sizes]
        """Sides of the priors of each cell at strides 8, 16 and 32, pixels, as in the configuration
        that the network was trained with, such as ``[[16, 32], [64, 128], [256, 512]]``. They are
        required: with others, all boxes are too small or too large, and nobody would notice."""
        variance: tuple[float, float] = (0.1, 0.2)
        """What a box's differences in place and in size are multiplied by, as in that
        configuration."""
        mean: tuple[float, float, float] = (104, 117, 123)
        """Blue, green and red that are subtracted from each pixel, 0 to 255."""

    def __init__(self, options: Options) -> None:
        self._options = options
        model = onnx_file.read(options)
        size = onnx_file.fixed_size(model, options, "retinaface")
        self._network = Network(
            _boxes_and_scores(model, options, size or (640, 640)),
            "retinaface",
            options,
            ColorFormat.BGR,
            size=size,
            mean=options.mean,
        )
        self._are_logits = self._answers_logits(size)

    def _answers_logits(self, size: tuple[int, int] | None) -> bool:
        """Tell whether the file ends before the softmax that turns scores into probabilities."""
        (answer,) = self._network.answers(onnx_file.first_picture(size))
        scores = answer[1]
        if scores.min() < 0 or scores.max() > 1:
            return True
        # In bf16, a probability has three digits.
        if np.abs(scores.sum(axis=2) - 1).max() > 0.02:
            raise ConfigError(
                f"the model {self._options.model} gives scores that are neither logits nor, in "
                "sum, 1; export it with a softmax over background and thing, or without any"
            )
        return False

    @property
    def identity(self) -> str:
        """Name, first digits of the model's SHA-256, and the precision that runs on this CPU.

        It ends with ``softmax`` if the file lacks one, and the detector adds it.
        """
        name = f"retinaface-{self._options.sha256[:8]}-{self._network.precision}"
        return f"{name}-softmax" if self._are_logits else name

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        return self._network.input_size(width, height)

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Find things on a batch of images, the most confident first.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR, of the size that `input_size` asked for.

        Raises
        ------
        ValueError
            The images have another shape.
        ConfigError
            The scores do not lie between 0 and 1.
        """
        _, height, width, _ = images.shape
        around = priors(width, height, self._options.min_sizes)
        found = []
        for answer in self._network.answers(images):
            background, thing = answer[1][0].T
            if self._are_logits:
                # 80: the exponential of 89 is more than 32 bits hold.
                thing = 1 / (1 + np.exp(np.minimum(background - thing, 80)))
            onnx_file.check_scores(thing, self._options.model)
            boxes = decode(answer[0][0], thing, around, self._options)
            found.append(self._options.kept(boxes, width, height))
        return found


def priors(width: int, height: int, min_sizes: tuple[Sizes, ...]) -> NDArray[np.float32]:
    """Return the priors of an image: centre's x and y, and side, shape (n, 3), pixels.

    They are ordered by grid, row, column and size.
    """
    found = []
    for stride, sides in zip(STRIDES, min_sizes, strict=True):
        y, x = stride * (np.mgrid[: -(-height // stride), : -(-width // stride)] + 0.5)
        places = np.stack([x, y], axis=2).reshape(-1, 2).repeat(len(sides), axis=0)
        found.append(np.column_stack([places, np.tile(sides, x.size)]))
    return np.concatenate(found).astype(np.float32)


def decode(
    differences: NDArray[np.float32],
    scores: NDArray[np.float32],
    around: NDArray[np.float32],
    options: RetinaFace.Options,
) -> list[Box]:
    """Turn the network's answer for one image into boxes.

    As in SSD (Liu et al., 2016, arXiv:1512.02325), the centre is moved by a share of the prior's
    side, and the sides are the prior's, times an exponential.

    Parameters
    ----------
    differences
        Shape (n, 4): of the centre's x and y, of width and height.
    scores
        Shape (n,): between 0 and 1.
    around
        The priors, as `priors` returns them.
    options
        Threshold, label and variances are read.

    Returns
    -------
    Boxes without near duplicates, by falling confidence.
    """
    likely = scores >= options.threshold
    x, y, side = around[likely].T
    dx, dy, dw, dh = differences[likely].T
    place, size = options.variance
    centres = x + dx * place * side, y + dy * place * side
    sizes = side * np.exp(dw * size), side * np.exp(dh * size)
    return non_max_suppression(centres, sizes, scores[likely], OVERLAP, options.label)


def _boxes_and_scores(
    model: ov.Model, options: RetinaFace.Options, size: tuple[int, int]
) -> ov.Model:
    """Return the network with the two outputs that are read; raise `ConfigError` if it has none."""
    outputs = onnx_file.outputs(model, options.model, size)
    count = len(priors(*size, options.min_sizes))
    chosen = []
    for columns in (4, 2):
        wanted = ov.PartialShape([1, count, columns])
        fitting = [n for n, (_, shape) in enumerate(outputs) if shape == wanted]
        if len(fitting) != 1:
            raise ConfigError(
                f"the model {options.model} answers with {onnx_file.described(outputs)} for an "
                f"image of {size[0]}x{size[1]}; understood are the outputs of RetinaFace, of "
                f"which detect.options.retinaface.min_sizes makes [1,{count},4] for boxes and "
                f"[1,{count},2] for scores: set min_sizes as the network was trained, or export "
                "it with boxes and scores of all strides joined"
            )
        # Leaves out the layers that only compute landmarks.
        chosen.append(model.outputs[fitting[0]].node.input_value(0))
    return ov.Model(chosen, model.get_parameters())
