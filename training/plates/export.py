"""Writes the trained network as ONNX, and checks that OpenVINO answers as PyTorch does.

``python -m training.plates.export WEIGHTS.pt plates.onnx`` from the folder above ``training``.
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from pathlib import Path

import numpy as np
import openvino as ov
import torch

from training.plates.network import STRIDES, Exported, Network

OUTPUTS = [f"{name}_{stride}" for name in ("score", "bbox") for stride in STRIDES]
_OPSET = 17
_NEAR = 2e-3
"""Largest difference of an answer; OpenVINO adds up in another order."""


def main() -> None:
    """Read the command line, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="weights.pt of the training")
    parser.add_argument("onnx", type=Path, help="file to write")
    arguments = parser.parse_args()
    network = Network()
    network.load_state_dict(torch.load(arguments.weights, map_location="cpu", weights_only=True))
    export(network, arguments.onnx)
    print(hashlib.sha256(arguments.onnx.read_bytes()).hexdigest(), arguments.onnx)


def export(network: Network, file: Path) -> None:
    """Write the network, with free height and width.

    Raises
    ------
    ValueError
        OpenVINO answers otherwise than PyTorch.
    """
    shipped = Exported(network).eval()
    with warnings.catch_warnings():  # The newer exporter needs another package, and writes no less.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            shipped,
            (torch.zeros(1, 3, 64, 96),),
            str(file),
            opset_version=_OPSET,
            dynamo=False,
            input_names=["pictures"],
            output_names=OUTPUTS,
            dynamic_axes={"pictures": {0: "pictures", 2: "height", 3: "width"}},
        )
    _check(network, shipped, file)


def _check(network: Network, shipped: Exported, file: Path) -> None:
    """Compare the three forms of the network on noise of two sizes."""
    compiled = ov.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for height, width in ((96, 160), (128, 64)):
        noise = np.random.default_rng(0).integers(0, 256, (1, 3, height, width))
        pictures = torch.from_numpy(noise.astype(np.float32))
        with torch.no_grad():
            plain = [cells.flatten(2).transpose(1, 2) for cells in network.eval()(pictures)]
            wanted = [cells[..., :1].sigmoid() for cells in plain] + [x[..., 1:] for x in plain]
            fused = shipped(pictures)
        found = compiled(pictures.numpy())
        for name, first, second in zip(OUTPUTS, wanted, fused, strict=True):
            for other in (second.numpy(), found[name]):
                if (off := float(np.abs(first.numpy() - other).max())) > _NEAR:
                    raise ValueError(f"{file} answers otherwise than the network: {name} by {off}")


if __name__ == "__main__":
    main()
