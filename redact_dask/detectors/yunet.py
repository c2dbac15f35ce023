"""YuNet, loaded from a model file: a face detector several times as fast as CenterFace.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20,
2023, https://doi.org/10.1007/s11633-023-1423-y. The networks of libfacedetection.train answer for
each cell of three grids, whose cells are 8, 16 and 32 pixels wide: how likely a face is seen there,
how well its box fits, and that box.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat

from redact_dask.detectors import onnx_file
from redact_dask.detectors.base import Box
from redact_dask.detectors.network import Answer, Network
from redact_dask.detectors.nms import non_max_suppression
from redact_dask.detectors.onnx_file import ModelFileOptions
from redact_dask.errors import ConfigError

STRIDES = (8, 16, 32)
"""Width and height of the cells of each grid, pixels."""
SCORES = tuple(f"{name}_{stride}" for name in ("cls", "obj") for stride in STRIDES)
BOXES = tuple(f"bbox_{stride}" for stride in STRIDES)
"""Names of the outputs that are read, with the scores above; others hold landmarks."""
OVERLAP = 0.3
"""If two boxes have a larger intersection over union, the less confident one is dropped."""


class YuNet:
    """Finds faces, with a network of the user's choice.

    The network must be an export of libfacedetection.train whose height and width are free. Its
    scores are higher than CenterFace's, even where no face is: mind ``track.start``.

    Raises
    ------
    ConfigError
        The model file cannot be read, is not the one that was pinned, or is not a YuNet; or
        this CPU does not run the precision that was asked for.
    """

    Options = ModelFileOptions

    def __init__(self, options: ModelFileOptions) -> None:
        self._options = options
        model = onnx_file.read(options)
        outputs = {name for tensor in model.outputs for name in tensor.names}
        if missing := [name for name in SCORES + BOXES if name not in outputs]:
            raise ConfigError(
                f"the model {options.model} is not a YuNet: it has no output {missing[0]}"
            )
        self._network = Network(model, "yunet", options, ColorFormat.BGR)

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
        """
        width = images.shape[2]
        found = []
        for answer in self._network.answers(images):
            for name in SCORES:
                onnx_file.check_scores(answer[name], self._options.model)
            found.append(decode(answer, width, self._options.threshold))
        return found


def decode(answer: Answer, width: int, threshold: float) -> list[Box]:
    """Turn the network's answer for one image into boxes.

    A face in a cell's column and row is centred at ``(column + dx) * stride`` and
    ``(row + dy) * stride``. It is ``exp(dw) * stride`` wide and ``exp(dh) * stride`` high, as in
    YOLOX (Ge et al., 2021, arXiv:2107.08430), on which the training code builds. Its confidence is
    the geometric mean of the two scores.

    Parameters
    ----------
    answer
        Outputs for each stride, with n cells row by row: ``cls_`` and ``obj_``, scores between 0
        and 1, shape (1, n, 1), and ``bbox_``, which is dx, dy, dw, dh, shape (1, n, 4).
    width
        Width of the image, pixels.
    threshold
        Least confidence of a box.

    Returns
    -------
    Boxes without near duplicates, by falling confidence, then from the finest grid to the
    coarsest, by row and column.
    """
    found = []
    for stride in STRIDES:
        scores = answer[f"cls_{stride}"][0, :, 0] * answer[f"obj_{stride}"][0, :, 0]
        confidence = np.sqrt(scores)
        (cells,) = np.nonzero(confidence >= threshold)
        row, column = np.divmod(cells, width // stride)
        dx, dy, dw, dh = answer[f"bbox_{stride}"][0, cells].T
        sides = np.exp(dw), np.exp(dh)
        found.append(stride * np.stack([column + dx, row + dy, *sides, confidence[cells] / stride]))
    x, y, across, down, confidences = np.concatenate(found, axis=1)
    return non_max_suppression((x, y), (across, down), confidences, OVERLAP, "face")
