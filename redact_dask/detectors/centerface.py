"""CenterFace on OpenVINO: an anchor-free face detector that needs one CPU thread.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019,
https://arxiv.org/abs/1911.03599. The network answers for each cell of a grid, four pixels wide: how
likely the cell is a face's centre, where in the cell that centre is, and how large the face is.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat
from pydantic import Field

from redact_dask.detectors import self_check
from redact_dask.detectors.base import Box
from redact_dask.detectors.network import LARGEST_ENLARGEMENT, Network, NetworkOptions
from redact_dask.detectors.nms import non_max_suppression
from redact_dask.errors import UsageError

WEIGHTS = Path(__file__).with_name("weights") / "centerface.onnx"
SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"

HEATMAP, SCALE, OFFSET = "537", "538", "539"
"""Names of the three outputs of the network that are read; a fourth one holds landmarks."""
CELL = 4
"""Width and height of a cell of the output grid, pixels."""
OVERLAP = 0.3
"""If two boxes have a larger intersection over union, the less confident one is dropped."""


class CenterFace:
    """Finds faces that are at least about 12 pixels high at the network's input.

    Raises
    ------
    ConfigError
        This CPU does not run the precision that was asked for.
    RunEnded
        This CPU computes wrongly: the face on a known picture is not found.
    UsageError
        The weights are missing or altered.
    """

    class Options(NetworkOptions):
        """Settings of the detector."""

        scale: float = Field(2 / 3, gt=0, le=LARGEST_ENLARGEMENT)
        """Longer side of the network's input as a share of the picture's, where ``long_side`` is
        not set; the input has at least 640 pixels. On driving scenes of 960 pixels, 640 found as
        many faces as 960; of sharp faces in 1080p and 4K, a fixed 640 missed a third to two thirds.
        """

    def __init__(self, options: NetworkOptions) -> None:
        self._threshold = options.threshold
        whole = ov.Core().read_model(_weights(), b"")
        # Leaves out the layers that only compute landmarks.
        read = [whole.output(name).node.input_value(0) for name in (HEATMAP, SCALE, OFFSET)]
        model = ov.Model(read, whole.get_parameters())
        self._network = Network(model, "centerface", options, ColorFormat.RGB)
        self_check.find_known(self._find, "CenterFace", self_check.FACE)

    @property
    def identity(self) -> str:
        """Name, first digits of the weights' SHA-256, and the precision that runs on this CPU."""
        return f"centerface-{SHA256[:8]}-{self._network.precision}"

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
        RunEnded
            The scores do not lie between 0 and 1, because this CPU computes wrongly.
        ValueError
            The images have another shape.
        """
        return self._find(images, self._threshold)

    def _find(self, images: NDArray[np.uint8], threshold: float) -> list[list[Box]]:
        found = []
        for answer in self._network.answers(images):
            heatmap = answer[HEATMAP][0, 0]
            self_check.check_scores(heatmap, "CenterFace")
            found.append(decode(heatmap, answer[SCALE][0], answer[OFFSET][0], threshold))
        return found


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
        Shape (2, rows, columns): y and x of the centre from the middle of its cell, in cells.
    threshold
        Least confidence of a box.

    Returns
    -------
    Boxes without near duplicates, by falling confidence, then by row and column.
    """
    rows, columns = np.nonzero(heatmap >= threshold)
    height, width = CELL * np.exp(scale[:, rows, columns])
    y, x = CELL * (np.stack([rows, columns]) + 0.5 + offset[:, rows, columns])
    return non_max_suppression((x, y), (width, height), heatmap[rows, columns], OVERLAP, "face")


@cache
def _weights() -> bytes:
    """Read the weights once in each process; raise `UsageError` if they are not the pinned ones."""
    remedy = "reinstall with: pip install --force-reinstall redact-dask"
    try:
        weights = WEIGHTS.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"CenterFace's weights are missing at {WEIGHTS}; {remedy}") from None
    if hashlib.sha256(weights).hexdigest() != SHA256:
        raise UsageError(f"CenterFace's weights at {WEIGHTS} were altered; {remedy}")
    return weights
