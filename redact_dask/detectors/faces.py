"""Two networks that see together what one of them misses: small, sharp faces, and large, soft ones.

A light YuNet looks at nearly the picture's own resolution, CenterFace at a low one. Where they are
not sure, CenterFace looks again, closely: at the place alone, scaled so that a face there has the
size that CenterFace knows best. Of boxes that only one network half believed in, that tells faces
from foliage, wheels and signs, which a score alone hardly does.

What a network is sure of differs by network and by size, so that each one's scores are mapped onto
one scale: from 0.3 on a box proves a face, from 0.1 on it may be one that is proven elsewhere. The
maps were chosen on clips of 540p, 1080p and 4K (benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from redact_dask.detectors.base import Box
from redact_dask.detectors.centerface import CenterFace
from redact_dask.detectors.network import LARGEST_ENLARGEMENT, STRIDE
from redact_dask.detectors.yunet import YuNet
from redact_dask.scaling import reduced

_SOFT_LONG_SIDE = 640
"""Longer side of what CenterFace sees, pixels."""
_SOFT_LEAST = 20.0
"""Least height of a face that CenterFace is asked for, pixels of what it sees: smaller boxes of it
hide much that is no face."""
_SHARP_LEAST_SCORE = 0.15
_SMALL = 64.0
"""Height below which a face is small to YuNet, pixels of what it sees."""
_OF_SMALL = ((0.15, 0.3, 1.0), (0.1, 0.3, 1.0))
"""Scores of YuNet for small faces, and what they become."""
_OF_LARGE = ((0.3, 0.65, 1.0), (0.1, 0.3, 1.0))
"""The same for larger ones: it takes soft, enlarged texture for large faces."""
_DOUBTFUL = (0.2, 0.5)
"""Least confidence of a box that is looked at closely, and that of one that is not any more."""
_OF_CLOSE = ((0.0, 0.15, 1.0), (0.1, 0.3, 1.0))
"""Scores of the close look, and what they become: they replace those of the doubtful boxes."""
_CLOSE_SMALL = 40.0
"""Height below which a box is small to a close look, pixels of what YuNet sees."""
_CLOSE_LOOKS = ((64, 30.0), (96, 36.0))
"""Side of the picture that a close look sees, and the height that a face has on it, pixels: for
small boxes, and for larger ones, which need more of their surroundings."""
_CLOSE_LEAST_SCORE = 0.02


class Faces:
    """Finds faces of all sizes.

    Raises
    ------
    ConfigError
        The precision that was asked for is not what this CPU runs.
    RunEnded
        This CPU computes wrongly: a network does not find the face on a known picture.
    UsageError
        Weights are missing or altered.
    """

    class Options(BaseModel):
        """Settings of the detector."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        long_side: int | None = Field(None, ge=STRIDE)
        """Longer side of what YuNet sees, pixels, rounded to a multiple of 32; a smaller picture is
        enlarged, but not more than twice. Default: it follows the picture's, by ``scale``."""
        scale: float = Field(1.0, gt=0, le=LARGEST_ENLARGEMENT)
        """Longer side of what YuNet sees as a share of the picture's, where ``long_side`` is not
        set; never fewer than 640 pixels, nor more than 2560."""
        precision: Literal["auto", "f32", "bf16"] = "auto"
        """Arithmetic of the networks: ``auto`` is the fastest that a worker's CPU has. It moves
        boxes by a pixel or two: a mixed cluster that must agree pins ``f32``."""

        @property
        def soft(self) -> CenterFace.Options:
            """Settings of CenterFace."""
            return CenterFace.Options(long_side=_SOFT_LONG_SIDE, precision=self.precision)

        @property
        def close(self) -> list[CenterFace.Options]:
            """Settings of CenterFace for the close looks, by their size."""
            return [
                CenterFace.Options(
                    long_side=side, precision=self.precision, threshold=_CLOSE_LEAST_SCORE
                )
                for side, _ in _CLOSE_LOOKS
            ]

        @property
        def sharp(self) -> YuNet.Options:
            """Settings of YuNet."""
            return YuNet.Options(
                long_side=self.long_side,
                scale=self.scale,
                precision=self.precision,
                threshold=_SHARP_LEAST_SCORE,
            )

        def memory_mib(self, width: int, height: int) -> float:
            """Return what the networks hold for pictures of a size, MiB."""
            networks = (self.soft, self.sharp, *self.close)
            return sum(network.memory_mib(width, height) for network in networks)

    def __init__(self, options: Options) -> None:
        self._soft = CenterFace(options.soft)
        self._close = [CenterFace(close) for close in options.close]
        self._sharp = YuNet(options.sharp)

    @property
    def identity(self) -> str:
        """Name, number of what is done with the networks' answers, and what they name."""
        return f"faces-3-{self._sharp.identity}-{self._soft.identity}"

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        return self._sharp.input_size(width, height)

    def detect(self, images: NDArray[np.uint8]) -> list[list[Box]]:
        """Find faces on a batch of images: those of YuNet, then those of CenterFace.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR; height and width are multiples of 32.

        Raises
        ------
        RunEnded
            The scores of a network do not lie between 0 and 1, because this CPU computes wrongly.
        ValueError
            The images have another shape.
        """
        return [
            [self._reconsidered(image, box) for box in self._first_look(image)] for image in images
        ]

    def _first_look(self, image: NDArray[np.uint8]) -> Iterator[Box]:
        yield from self._sharp_faces(image)
        yield from self._soft_faces(image)

    def _sharp_faces(self, image: NDArray[np.uint8]) -> Iterator[Box]:
        (found,) = self._sharp.detect(image[np.newaxis])
        yield from _calibrated(found)

    def _soft_faces(self, image: NDArray[np.uint8]) -> Iterator[Box]:
        height, width = image.shape[:2]
        across, down = self._soft.input_size(width, height)
        smaller = reduced(image, across, down)
        x, y = width / across, height / down
        (found,) = self._soft.detect(np.asarray(smaller, np.uint8)[np.newaxis])
        for box in found:
            if box.y1 - box.y0 >= _SOFT_LEAST:
                yield replace(box, x0=box.x0 * x, y0=box.y0 * y, x1=box.x1 * x, y1=box.y1 * y)

    def _reconsidered(self, image: NDArray[np.uint8], box: Box) -> Box:
        """Return a box with the confidence of a close look, if it is doubtful."""
        least, sure = _DOUBTFUL
        if not least <= box.confidence < sure:
            return box
        is_large = int(box.y1 - box.y0 >= _CLOSE_SMALL)
        side, height = _CLOSE_LOOKS[is_large]
        scale = height / (box.y1 - box.y0)
        x = (side - scale * (box.x0 + box.x1)) / 2
        y = (side - scale * (box.y0 + box.y1)) / 2
        closely = cv2.warpAffine(image, np.array([[scale, 0, x], [0, scale, y]]), (side, side))
        (found,) = self._close[is_large].detect(np.asarray(closely, np.uint8)[np.newaxis])
        width = scale * (box.x1 - box.x0)
        scores = (face.confidence for face in found if _is_in_the_middle(face, side, width, height))
        score = max(scores, default=0.0)
        return replace(box, confidence=float(np.interp(score, *_OF_CLOSE)))


def _is_in_the_middle(face: Box, side: int, width: float, height: float) -> bool:
    """Tell whether a face on a close picture is the one of that size that the picture is of."""
    across, down = abs(face.x0 + face.x1 - side), abs(face.y0 + face.y1 - side)
    return across <= width and down <= height and 0.5 <= (face.y1 - face.y0) / height <= 2


def _calibrated(boxes: Iterable[Box]) -> Iterator[Box]:
    """Yield the boxes of YuNet that are sure enough for their size, with their new confidence."""
    for box in boxes:
        scores, confidences = _OF_SMALL if box.y1 - box.y0 < _SMALL else _OF_LARGE
        if box.confidence >= scores[0]:
            yield replace(box, confidence=float(np.interp(box.confidence, scores, confidences)))
