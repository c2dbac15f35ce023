"""Running a network on OpenVINO with one CPU thread, and the settings that networks share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat, PrePostProcessor
from pydantic import BaseModel, ConfigDict, Field

from redact_dask.errors import ConfigError

# OpenVINO's oneDNN keeps the code that it has generated for the last 1024 layers, also for sizes of
# pictures that nobody sees any more: 80 MiB after forty sizes. With 64, no network gets slower.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")

STRIDE = 32
"""The input's sides must be multiples of this, pixels: the networks halve them five times."""
LARGEST_ENLARGEMENT = 2.0
"""Largest factor by which a picture is enlarged: beyond it, the network sees nothing more."""
LEAST_LONG_SIDE = 640
"""Least longer side of the input that ``scale`` leads to, pixels."""

MOST_LONG_SIDE = 2560
"""Longer side of the input above which ``scale`` does not go, pixels: 4K shows no more to it."""

FIRST_SIZE = (128, 128)
"""Width and height, pixels, for which a network is compiled first: those of the known picture that
`self_check` shows it next."""

Answer = Mapping[str | int, NDArray[np.float32]]
"""The outputs for one image, by name or by number, each as a batch of one."""


class NetworkOptions(BaseModel):
    """Settings of a detector that is a network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    MIB_PER_MEGAPIXEL: ClassVar[float] = 125.0
    """What the network holds for a million pixels that it sees, MiB: CenterFace's resident memory
    grew by 456 MiB for an input of 2560x1440 in f32, and by 313 in bf16."""

    long_side: int | None = Field(None, ge=STRIDE)
    """Longer side of the network's input, pixels, rounded to a multiple of 32. A smaller picture is
    enlarged, but at most to twice its size. By default, ``scale`` decides."""
    scale: float = Field(1.0, gt=0, le=LARGEST_ENLARGEMENT)
    """Longer side of the network's input as a share of the picture's, where ``long_side`` is not
    set. It is never less than 640 pixels, or twice the picture's longer side if that is less."""
    threshold: float = Field(0.1, gt=0, le=1)
    """Least confidence of a box. One of low confidence cannot start a track, only extend it."""
    precision: Literal["auto", "f32", "bf16"] = "auto"
    """Arithmetic of the network. ``auto`` is the fastest that a worker's CPU has.

    Another one moves boxes by a pixel or two: if workers with different CPUs must agree, set
    ``f32``.
    """

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height, pixels, of the network's input for an upright picture.

        >>> NetworkOptions(scale=0.5).input_size(1920, 1080)
        (960, 544)
        """
        longer = max(width, height)
        bounded = min(max(self.scale * longer, LEAST_LONG_SIDE), MOST_LONG_SIDE)
        wanted = self.long_side or bounded
        scale = min(wanted / longer, LARGEST_ENLARGEMENT)
        return _multiple(width * scale), _multiple(height * scale)

    def memory_mib(self, width: int, height: int) -> float:
        """Return what the network holds for pictures of a size, MiB."""
        across, down = self.input_size(width, height)
        return self.MIB_PER_MEGAPIXEL * across * down / 1e6


class Network:
    """Runs a network on one image at a time, compiled for the size of the images.

    Pictures are scaled to the exact size of the network's input, and not padded. Padding would draw
    a hard edge for the network to look at, and cost time. Rounding each side to a multiple of 32
    changes the aspect ratio by a few hundredths at most for pictures of usual shapes.

    Parameters
    ----------
    model
        The network, which takes one tensor of shape (n, 3, height, width).
    name
        Registered name of the detector, for errors.
    options
        Settings, of which long side, scale and precision are read.
    color
        Order of the channels that the network wants.
    white
        Value that the network wants for the byte 255.
    size
        Width and height, pixels, of a network that takes no other size; None: it takes any.
    mean
        What the network wants subtracted from the bytes of each channel, in its order of them.

    Raises
    ------
    ConfigError
        This CPU does not run the precision that was asked for, or the network does not run.
    """

    def __init__(
        self,
        model: ov.Model,
        name: str,
        options: NetworkOptions,
        color: ColorFormat,
        white: float = 255.0,
        size: tuple[int, int] | None = None,
        mean: tuple[float, float, float] = (0, 0, 0),
    ) -> None:
        self._model = model
        self._name = name
        self._options = options
        self._color = color
        self._white = white
        self._size = size
        self._mean = mean
        self._compiled: tuple[tuple[int, int], ov.CompiledModel] | None = None
        first = self._at(*(size or FIRST_SIZE))
        hint = first.get_property("INFERENCE_PRECISION_HINT")
        self.precision: str = hint.to_string()
        if options.precision not in ("auto", self.precision):
            raise ConfigError(
                f"configuration key detect.options.{name}.precision: "
                f"this CPU runs {self.precision}, not {options.precision}"
            )

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, pixels, that an upright picture should be scaled to."""
        return self._size or self._options.input_size(width, height)

    def answers(self, images: NDArray[np.uint8]) -> Iterator[Answer]:
        """Yield the outputs for each image of a batch.

        Parameters
        ----------
        images
            Shape (n, height, width, 3), BGR, of the size that `input_size` asked for.

        Raises
        ------
        ValueError
            The images have another shape.
        """
        _, height, width, channels = images.shape
        fits = height % STRIDE == width % STRIDE == 0
        if self._size:
            fits = (width, height) == self._size
        if not fits or channels != 3:
            raise ValueError(f"images of shape {images.shape} are not of the size asked for")
        model = self._at(width, height)
        for image in images:  # One by one: on a CPU, a batch is not faster.
            yield model(image[np.newaxis])

    def _at(self, width: int, height: int) -> ov.CompiledModel:
        """Return the network compiled for one input size.

        Only the last one is kept, because a network compiled for 4K holds half a gigabyte.
        """
        if self._compiled is None or self._compiled[0] != (width, height):
            self._compiled = None  # Freed first, since both might not fit into memory.
            self._compiled = (width, height), self._compile(width, height)
        return self._compiled[1]

    def _compile(self, width: int, height: int) -> ov.CompiledModel:
        properties: dict[str, object] = {
            # A Dask thread has one core; pinning would put all worker processes on the same one.
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        if self._options.precision != "auto":
            properties["INFERENCE_PRECISION_HINT"] = self._options.precision
        try:
            return ov.Core().compile_model(self._for_bytes(width, height), "CPU", properties)
        except RuntimeError as error:
            raise ConfigError(
                f"the model of {self._name} does not run on images of {width}x{height}: "
                f"{last_line(error)}"
            ) from None

    def _for_bytes(self, width: int, height: int) -> ov.Model:
        """Return the network for one BGR image of bytes, shape (1, height, width, 3).

        The network converts the image itself, so that NumPy makes no copy of it.
        """
        model = self._model.clone()
        model.reshape([1, 3, height, width])
        converter = PrePostProcessor(model)
        tensor = converter.input().tensor()
        tensor.set_element_type(ov.Type.u8)
        tensor.set_layout(ov.Layout("NHWC"))
        tensor.set_color_format(ColorFormat.BGR)
        steps = converter.input().preprocess()
        if self._color != ColorFormat.BGR:
            steps.convert_color(self._color)
        steps.convert_element_type(ov.Type.f32)
        if any(self._mean):
            steps.mean([*self._mean])
        if self._white != 255:
            steps.scale(255 / self._white)
        converter.input().model().set_layout(ov.Layout("NCHW"))
        return converter.build()


def last_line(error: RuntimeError) -> str:
    """Return the message of an OpenVINO error, without the places in its source that precede it."""
    return str(error).strip().splitlines()[-1]


def _multiple(length: float) -> int:
    """Round to the nearest multiple of the stride, but not to zero."""
    return max(STRIDE, round(length / STRIDE) * STRIDE)
