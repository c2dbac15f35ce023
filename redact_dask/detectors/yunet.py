"""YuNet, loaded from a model file: a face detector several times as fast as CenterFace.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20,
2023, https://doi.org/10.1007/s11633-023-1423-y. The networks of libfacedetection.train answer for
each cell of three grids, whose cells are 8, 16 and 32 pixels wide: how likely a face is seen there,
how well its box fits, and that box.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat

from redact_dask.detectors import grid_boxes, onnx_file, self_check
from redact_dask.detectors.base import Box
from redact_dask.detectors.grid_boxes import STRIDES
from redact_dask.detectors.network import Answer, Network
from redact_dask.detectors.onnx_file import ShippedFileOptions

SCORES = tuple(f"{name}_{stride}" for name in ("cls", "obj") for stride in STRIDES)
BOXES = tuple(f"bbox_{stride}" for stride in STRIDES)
"""Names of the outputs that are read, with the scores above; others hold landmarks."""
OVERLAP = 0.3
"""If two boxes have a larger intersection over union, the less confident one is dropped."""


WEIGHTS = Path(__file__).with_name("weights") / "yunet.onnx"
SHA256 = "57afd80c0ee9cf3b1b7f55915738860d38ee4d3ddfafc149c3f85f1660205ef0"
"""The weights of libfacedetection (BSD-3-Clause); training/README.md tells where they come from."""


class YuNet:
    """Finds faces, with the weights that come with the package, or a network of the user's choice.

    Such a network must be an export of libfacedetection.train with free height and width. Its
    scores are higher than CenterFace's, even where no face is: mind ``track.start``.

    Raises
    ------
    ConfigError
        The model file cannot be read, is not the one that was pinned, or is not a YuNet; or
        this CPU does not run the precision that was asked for.
    RunEnded
        This CPU computes wrongly: with the weights of the package, the face on a known picture is
        not found.
    UsageError
        The weights of the package are missing.
    """

    class Options(ShippedFileOptions):
        """Settings of the detector."""

        SHIPPED: ClassVar[Path] = WEIGHTS
        SHIPPED_SHA256: ClassVar[str] = SHA256

        MIB_PER_MEGAPIXEL: ClassVar[float] = 45.0
        """What the network holds for a million pixels that it sees, MiB: its resident memory grew
        by 145 MiB for an input of 2560x1440 in f32, and by 90 in bf16."""

    def __init__(self, options: Options) -> None:
        self._options = options
        model = onnx_file.read_shipped(options, "YuNet")
        is_not = f"the model {options.model} is not a YuNet"
        model = onnx_file.with_outputs(model, SCORES + BOXES, is_not)
        self._network = Network(model, "yunet", options, ColorFormat.BGR)
        if not options.model:
            self_check.find_known(self._find, "YuNet", self_check.FACE)

    @property
    def identity(self) -> str:
        """Name, first digits of the model's SHA-256, and the precision that runs on this CPU."""
        return f"yunet-{self._options.sha256[:8]}-{self._network.precision}"

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        return self._network.input_size(width, height)

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
        ConfigError
            The scores do not lie between 0 and 1: the model was exported in another way.
        RunEnded
            The same with the weights of the package: this CPU computes wrongly.
        """
        return self._find(images, self._options.threshold)

    def _find(self, images: NDArray[np.uint8], threshold: float) -> list[list[Box]]:
        found = []
        for answer in self._network.answers(images):
            onnx_file.check_answer(answer, SCORES, self._options, "YuNet")
            found.append(decode(answer, images.shape[2], threshold))
        return found


def decode(answer: Answer, width: int, threshold: float) -> list[Box]:
    """Turn the network's answer for one image into boxes, the most confident first.

    The confidence of a box is the geometric mean of its cell's two scores; `grid_boxes` explains
    the rest.

    Parameters
    ----------
    answer
        Outputs for each stride, with n cells row by row: ``cls_`` and ``obj_``, scores between 0
        and 1, shape (1, n, 1), and ``bbox_``, which is dx, dy, dw, dh, shape (1, n, 4).
    width
        Width of the image, pixels.
    threshold
        Least confidence of a box.
    """
    confidences = [
        np.sqrt(answer[f"cls_{stride}"][0, :, 0] * answer[f"obj_{stride}"][0, :, 0])
        for stride in STRIDES
    ]
    boxes = [answer[name][0] for name in BOXES]
    return grid_boxes.decode(confidences, boxes, width, threshold, OVERLAP, "face")
