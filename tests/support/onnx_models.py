"""Small networks with the layouts of large ones: they find what is of one pure colour."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import helper, numpy_helper

Side = int | str
"""Fixed, or the name of a free side."""


def digest(file: Path) -> str:
    """Return the SHA-256 by which a model file is pinned."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Network:
    """An ONNX graph with one image as input, made one node at a time.

    Parameters
    ----------
    shape
        Of the input ``image``.
    dtype
        Of all tensors.
    """

    def __init__(self, shape: Sequence[Side], dtype: DTypeLike = np.float32) -> None:
        self._shape = shape
        self._dtype = dtype
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(
        self, kind: str, *inputs: str, name: str = "", second: str = "", **attributes: object
    ) -> str:
        """Add a node; return the name of its first output."""
        output = name or f"{kind}{len(self._nodes)}"
        outputs = [output, second] if second else [output]
        self._nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return output

    def constant(self, values: ArrayLike, dtype: DTypeLike = None) -> str:
        """Add a constant; return its name."""
        name = f"constant{len(self._constants)}"
        array = np.asarray(values, dtype or self._dtype)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def index(self, values: Sequence[int]) -> str:
        """Add a constant of whole numbers, as for places; return its name."""
        return self.constant(values, np.int64)

    def reshaped(self, tensor: str, *shape: int, name: str = "") -> str:
        """Add a change of shape; return its output's name."""
        return self.add("Reshape", tensor, self.constant(shape, np.int64), name=name)

    def colours(self, weights: ArrayLike) -> str:
        """Add weighted sums of the three channels, one for each row of weights."""
        kernel = np.asarray(weights)[:, :, np.newaxis, np.newaxis]
        return self.add("Conv", "image", self.constant(kernel))

    def clipped(self, tensor: str) -> str:
        """Add a clip to the range from 0 to 1."""
        return self.add("Clip", tensor, self.constant(0), self.constant(1))

    def largest(self, tensor: str, cell: int) -> str:
        """Add the largest value of each cell."""
        return self.add("MaxPool", tensor, kernel_shape=[cell, cell], strides=[cell, cell])

    def save(self, path: Path, *outputs: str, metadata: Mapping[str, str] | None = None) -> Path:
        """Write the file, with some metadata; return its path."""
        element = helper.np_dtype_to_tensor_dtype(np.dtype(self._dtype))
        graph = helper.make_graph(
            self._nodes,
            "small",
            [helper.make_tensor_value_info("image", element, self._shape)],
            [helper.make_tensor_value_info(name, element, None) for name in outputs],
            self._constants,
        )
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        helper.set_model_props(model, dict(metadata or {}))
        path.write_bytes(model.SerializeToString())
        return path


def yunet(path: Path, grid: int = 16, gain: float = 1 / 255) -> Path:
    """Write a YuNet that finds what is rather blue than green, on one of its three grids.

    A box's centre is a quarter of a cell right of the cell's left side and half a cell below its
    upper one; the box is one cell wide and two cells high. Its score is ``gain`` times the
    difference of blue and green, as a byte.
    """
    network = Network((1, 3, "height", "width"))
    score = network.add("Mul", network.colours([[1, -1, 0]]), network.constant(gain))
    if gain <= 1:
        score = network.clipped(score)
    outputs = []
    for stride in (8, 16, 32):
        seen = network.constant(float(stride == grid))
        cells = network.add("Mul", network.largest(score, stride), seen)
        cls = network.reshaped(cells, 1, -1, 1, name=f"cls_{stride}")
        nothing = network.add("Mul", cls, network.constant(0))
        obj = network.add("Add", cls, network.constant(0), name=f"obj_{stride}")
        place = network.constant([[[0.25, 0.5, np.log(1), np.log(2)]]])
        outputs += [cls, obj, network.add("Add", nothing, place, name=f"bbox_{stride}")]
    return network.save(path, *outputs)


def yolo(
    path: Path,
    height: Side = "height",
    width: Side = "width",
    layout: str = "v8",
    dtype: DTypeLike = np.float32,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a YOLO of three classes: rather red than green, green than red, blue than green.

    A box is 16 pixels wide and 24 high, in the middle of a cell of 8 pixels; its score is the
    difference of the two channels. ``layout`` may also be ``rows`` or ``rows of batch``, which
    hold the likeliest class of 24 cells, or a wrong one: ``transposed``, ``objectness``,
    ``two outputs``, ``few candidates``, ``logits``.
    """
    network = Network((1, 3, height, width), dtype)
    scores = network.colours([[1, -1, 0], [-1, 1, 0], [0, -1, 1]])
    if layout == "logits":
        scores = network.add("Mul", scores, network.constant(9))
    else:
        scores = network.clipped(scores)
    scores = network.largest(scores, 8)
    first = network.add("ReduceMax", scores, axes=[1])
    ones = network.add("Add", network.add("Mul", first, network.constant(0)), network.constant(1))
    counted = [
        network.add("CumSum", ones, network.constant(axis, np.int64)) for axis in (3, 2)
    ]  # x, y
    centres = [
        network.add("Mul", network.add("Sub", n, network.constant(0.5)), network.constant(8))
        for n in counted
    ]
    sides = [network.add("Mul", ones, network.constant(side)) for side in (16, 24)]
    if layout in ("rows", "rows of batch"):
        return network.save(path, _rows(network, layout, centres, sides, scores), metadata=metadata)
    if layout == "objectness":
        scores = network.add("Slice", scores, *map(network.index, ([0], [2], [1])))
    rows = network.add("Concat", *centres, *sides, scores, axis=1)
    output = network.reshaped(rows, 1, 6 if layout == "objectness" else 7, -1)
    if layout in ("transposed", "objectness"):
        output = network.add("Transpose", output, perm=[0, 2, 1])
    if layout == "few candidates":
        output = network.add("Slice", output, *map(network.index, ([0], [5], [2])))
    if layout == "two outputs":
        return network.save(path, output, scores, metadata=metadata)
    return network.save(path, output, metadata=metadata)


def _rows(
    network: Network, layout: str, centres: Sequence[str], sides: Sequence[str], scores: str
) -> str:
    """Add corners, score and class of the 24 likeliest cells; return the output's name."""
    halves = [network.add("Mul", side, network.constant(0.5)) for side in sides]
    pairs = [*zip(centres, halves, strict=True)]
    corners = [network.add(sign, *pair) for sign in ("Sub", "Add") for pair in pairs]
    best = network.add("ReduceMax", scores, axes=[1])
    number = network.add("ArgMax", scores, axis=1)
    kind = network.add("CastLike", number, best)
    order = [best, kind] if layout == "rows" else [kind, best]
    cells = network.add("Concat", *corners, *order, axis=1)
    flat = network.add("Transpose", network.reshaped(cells, 6, -1), perm=[1, 0])
    ranked = network.reshaped(best, -1)
    network.add("TopK", ranked, network.index([24]), name="likeliest", second="places")
    rows = network.add("Gather", flat, "places", axis=0)
    if layout == "rows":
        return network.reshaped(rows, 1, -1, 6)
    image = network.add(
        "Mul", network.add("Slice", rows, *map(network.index, ([0], [1], [1]))), network.constant(0)
    )
    return network.add("Concat", image, rows, axis=1)


def retinaface(path: Path, head: str = "softmax") -> Path:
    """Write a RetinaFace with two priors a cell that finds what is rather blue than green.

    A box's centre is that of its cell, a quarter of the prior's side to the right; it is as wide as
    the prior, and twice as high. ``head`` says what the scores are: ``softmax``, ``logits`` or
    ``sigmoid``. The first prior's score is that of nine tenths of the difference of blue and green,
    as a share of 255; the second's is next to none.
    """
    network = Network((1, 3, "height", "width"))
    seen = network.colours(np.array([[1, -1, 0]]) * 0.9 / 255)
    loc, conf, landmarks = [], [], []
    for stride in (8, 16, 32):
        share = network.add(
            "Clip", network.largest(seen, stride), *map(network.constant, (0.01, 1))
        )
        rest = network.add("Sub", network.constant(1), share)
        nothing = network.add("Mul", share, network.constant(0))
        low, high = (network.add("Add", nothing, network.constant(v)) for v in (0.01, 0.99))
        scores = network.add("Concat", rest, share, high, low, axis=1)
        conf.append(_by_cell(network, scores, 2))
        place = network.add("Concat", *8 * [nothing], axis=1)
        place = _by_cell(network, place, 4)
        there = network.constant([2.5, 0, 0, np.log(2) / 0.2])
        loc.append(network.add("Add", place, there))
        landmarks.append(_by_cell(network, network.add("Concat", *20 * [nothing], axis=1), 10))
    joined = [network.add("Concat", *grids, axis=1) for grids in (loc, conf, landmarks)]
    if head == "logits":
        joined[1] = network.add("Log", joined[1])
    if head == "sigmoid":
        joined[1] = network.add("Mul", joined[1], network.constant(0.5))
    return network.save(path, *joined)


def _by_cell(network: Network, tensor: str, columns: int) -> str:
    """Add channels as rows of some columns, cell by cell."""
    last = network.add("Transpose", tensor, perm=[0, 2, 3, 1])
    return network.reshaped(last, 1, -1, columns)
