"""What a detector sees: a frame, scaled and turned upright; and the way back for its boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from redact_dask.detectors.base import Box, Detector
from redact_dask.errors import CheckFailed, UnsupportedVideo
from redact_dask.records import Detection, StreamInfo

_LEAST_ASPECT = Fraction(1, 2)
"""A sample aspect ratio below this, or above its reciprocal, is taken for an error of the file."""


class FrameView:
    """One detector's view of one video.

    Parameters
    ----------
    info
        What the video's stream is: its size, turns, and shape of pixels are read.
    detector
        The detector, which is asked for the image size that it wants.
    name
        Registered name of the detector.
    """

    def __init__(self, info: StreamInfo, detector: Detector, name: str) -> None:
        self.detector = detector
        self._info = info
        self._name = name
        self._turns = info.quarter_turns
        stored = (info.width, info.height)
        if _LEAST_ASPECT <= info.sample_aspect_ratio <= 1 / _LEAST_ASPECT:
            stored = (round(info.width * info.sample_aspect_ratio), info.height)
        upright = stored[::-1] if self._turns % 2 else stored
        self._upright = detector.input_size(*upright)
        self._stored = self._upright[::-1] if self._turns % 2 else self._upright
        self._reformatter = VideoReformatter()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels, of the images: views of one video share those of one size."""
        return self._upright

    def image(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return the picture as the detector wants it: shape (height, width, 3), BGR, upright.

        Raises
        ------
        UnsupportedVideo
            FFmpeg does not convert its colours.
        """
        width, height = self._stored
        try:
            small = self._reformatter.reformat(
                frame, width, height, "bgr24", interpolation="BILINEAR", threads=1
            )
        except av.error.OSError as error:
            raise UnsupportedVideo(
                "no detector can be shown its colours, which have matrix coefficients "
                f"{int(frame.colorspace)} of ITU-T H.273; convert it to BT.709 first"
            ) from error
        image: NDArray[Any] = small.to_ndarray()
        return np.rot90(image, self._turns)

    def detections(self, numbers: Sequence[int], images: NDArray[np.uint8]) -> Iterator[Detection]:
        """Let the detector look at the images of some frames; iterating waits for its answers.

        Parameters
        ----------
        numbers
            Numbers of the frames in the video.
        images
            Shape (n, height, width, 3), as `image` returns them.

        Raises
        ------
        CheckFailed
            While iterating: the detector breaks its contract, because an image has no answer, or a
            box is empty or not finite.
        """
        return self._placed(numbers, self.detector.detect(images))

    def _placed(self, numbers: Sequence[int], answers: Iterable[list[Box]]) -> Iterator[Detection]:
        """Check the detector's answers, and yield their boxes as detections."""
        known = list(answers)
        if len(known) != len(numbers):
            raise CheckFailed(f"{self._name} answered for {len(known)} of {len(numbers)} frames")
        for frame, boxes in zip(numbers, known, strict=True):
            for box in boxes:
                values = (box.x0, box.y0, box.x1, box.y1, box.confidence)
                if not (all(map(isfinite, values)) and box.x0 < box.x1 and box.y0 < box.y1):
                    raise CheckFailed(f"{self._name} answered {box} on frame {frame}")
                yield self._detection(frame, box)

    def _detection(self, frame: int, box: Box) -> Detection:
        """Return a box on the image as a detection on the stored picture, inside its border."""
        x0, y0, x1, y1 = box.x0, box.y0, box.x1, box.y1
        width, height = self._upright
        for _ in range(self._turns):
            # Undo one counter-clockwise quarter turn.
            x0, y0, x1, y1 = height - y1, x0, height - y0, x1
            width, height = height, width
        across, down = self._info.width / width, self._info.height / height
        return Detection(
            frame=frame,
            x0=min(max(x0 * across, 0.0), self._info.width),
            y0=min(max(y0 * down, 0.0), self._info.height),
            x1=min(max(x1 * across, 0.0), self._info.width),
            y1=min(max(y1 * down, 0.0), self._info.height),
            confidence=box.confidence,
            label=box.label,
            detector=self._name,
        )
