"""Number plates, found by a network of the project's own.

It is light, it was trained from nothing, and it answers cell by cell, as YuNet does. The recipe
`training/plates` makes its weights again, and docs/pages/plates.md is its model card.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat

from redact_dask.detectors import grid_boxes, onnx_file, self_check
from redact_dask.detectors.base import Box
from redact_dask.detectors.grid_boxes import STRIDES
from redact_dask.detectors.network import STRIDE, Network
from redact_dask.detectors.onnx_file import ShippedFileOptions
from redact_dask.scaling import reduced

WEIGHTS = Path(__file__).with_name("weights") / "plates.onnx"
SHA256 = "d6646f16910a86cb2e0b5dd18a1f28aa6c23160d960f4c2fec6d986277a25ef5"
"""The weights that training/README.md tells how to make."""

LABEL = "plate"
_NAME = "the network for number plates"
SCORES = tuple(f"score_{stride}" for stride in STRIDES)
BOXES = tuple(f"bbox_{stride}" for stride in STRIDES)
"""Names of the outputs."""
OVERLAP = 0.3
"""If two boxes have a larger intersection over union, the less confident one is dropped."""

_OF_SCORE = ((0.0, 0.55, 0.7, 1.0), (0.0, 0.1, 0.3, 1.0))
"""Scores of the network, and the confidences that they become: from 0.3 on a box proves a plate,
from 0.1 on it may extend a track. Of plate-free photographs that the network had not learnt from,
boxes of these scores hid 0.1 % and 0.7 % of the area."""

_LEAST_CLOSE = 40.0
"""Least height of a plate that the network is asked for on the halved picture, pixels of that. It
learnt plates of up to 110 pixels; without the halved picture, it misses the higher ones."""


class Plates:
    """Finds number plates of all countries.

    Raises
    ------
    ConfigError
        The model file cannot be read, is not the one that was pinned, or has another layout; or
        this CPU does not run the precision that was asked for.
    RunEnded
        This CPU computes wrongly: the plate on a known picture is not found.
    UsageError
        The weights of the package are missing.
    """

    class Options(ShippedFileOptions):
        """Settings of the detector."""

        SHIPPED: ClassVar[Path] = WEIGHTS
        SHIPPED_SHA256: ClassVar[str] = SHA256
        MIB_PER_MEGAPIXEL: ClassVar[float] = 37.0
        """What the network holds for a million pixels that it sees, and for the halved picture,
        MiB: its resident memory grew by 133 MiB for an input of 2560x1440 in f32, and by 82 in
        bf16."""

    def __init__(self, options: Options) -> None:
        self._options = options
        model = onnx_file.read_shipped(options, _NAME)
        is_not = f"the model {options.model} is no network for plates"
        model = onnx_file.with_outputs(model, SCORES + BOXES, is_not)
        self._network = Network(model, "plates", options, ColorFormat.BGR)
        self._close = Network(model, "plates", options, ColorFormat.BGR)  # Compiled for half.
        if not options.model:
            for network in (self._network, self._close):
                find = partial(self._find, network)
                self_check.find_known(find, _NAME, self_check.PLATE)

    @property
    def identity(self) -> str:
        """Name, first digits of the model's SHA-256, and the precision that runs on this CPU."""
        return f"plates-3-{self._options.sha256[:8]}-{self._network.precision}"

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        return self._network.input_size(width, height)

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Find plates on a batch of images: small ones, then those close to the camera.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR; height and width are multiples of 32.

        Raises
        ------
        ValueError
            The images have another shape.
        ConfigError
            The scores do not lie between 0 and 1: the model was exported in another way.
        RunEnded
            The same with the weights of the package: this CPU computes wrongly.
        """
        threshold = self._options.threshold
        small = self._find(self._network, images, threshold)
        close = [self._find_close(image, threshold) for image in images]
        return [[*some, *others] for some, others in zip(small, close, strict=True)]

    def _find_close(self, image: NDArray[np.uint8], threshold: float) -> list[Box]:
        """Find large plates of an image, which is halved for that."""
        height, width = image.shape[:2]
        down, across = (max(STRIDE, round(side / 2 / STRIDE) * STRIDE) for side in (height, width))
        half = reduced(image, across, down)
        x, y = width / across, height / down
        (found,) = self._find(self._close, np.asarray(half, np.uint8)[np.newaxis], threshold)
        return [
            replace(box, x0=box.x0 * x, y0=box.y0 * y, x1=box.x1 * x, y1=box.y1 * y)
            for box in found
            if box.y1 - box.y0 >= _LEAST_CLOSE
        ]

    def _find(
        self, network: Network, images: NDArray[np.uint8], threshold: float
    ) -> list[list[Box]]:
        score = float(np.interp(threshold, _OF_SCORE[1], _OF_SCORE[0]))
        found = []
        for answer in network.answers(images):
            onnx_file.check_answer(answer, SCORES, self._options, _NAME)
            scores = [answer[name][0, :, 0] for name in SCORES]
            boxes = [answer[name][0] for name in BOXES]
            seen = grid_boxes.decode(scores, boxes, images.shape[2], score, OVERLAP, LABEL)
            found.append(
                [
                    replace(box, confidence=float(np.interp(box.confidence, *_OF_SCORE)))
                    for box in seen
                ]
            )
        return found
