"""The network that finds number plates: plain 3x3 convolutions, three grids, one shared head.

It answers for each cell of three grids, whose cells are 8, 16 and 32 pixels wide: how sure it is
that a plate is centred there, and that plate's box. A block adds its input to what it computes;
`fused` folds that, and batch normalisation, into its one convolution, so that what ships is a plain
chain of convolutions.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
"""Width and height of the cells of each grid, pixels."""
WIDTHS = (16, 32, 48, 64, 96)
"""Channels at the strides 2, 4, 8, 16 and 32."""
DEPTHS = (0, 0, 2, 3, 2)
"""Blocks at each of these strides, after the convolution that leads to it."""
NECK = 48
"""Channels of the neck and the head."""
PRIOR = 0.01
"""Score of every cell before training, so that empty cells do not drown the first steps."""


class Unit(nn.Module):
    """A 3x3 convolution, batch normalisation and ReLU; a block also adds its input before ReLU."""

    def __init__(self, into: int, out: int, stride: int = 1, *, block: bool = False) -> None:
        super().__init__()
        self.block = block
        self.convolution = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.norm: nn.BatchNorm2d | nn.Identity = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, shape (n, out, rows, columns)."""
        y = self.norm(self.convolution(x))
        return functional.relu(y + x if self.block else y, inplace=True)

    def fuse(self) -> None:
        """Fold the normalisation and the added input into the convolution."""
        old, norm = self.convolution, self.norm
        if not isinstance(norm, nn.BatchNorm2d):
            return
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        new = nn.Conv2d(old.in_channels, old.out_channels, 3, old.stride, 1)
        weight = old.weight * factor[:, None, None, None]
        if self.block:
            weight[:, :, 1, 1] += torch.eye(old.out_channels)
        new.weight.copy_(weight)
        new.bias.copy_(norm.bias - norm.running_mean * factor)
        self.convolution, self.norm, self.block = new, nn.Identity(), False


class Network(nn.Module):
    """Finds plates on pictures of bytes, shape (n, 3, height, width), BGR, 0 to 255."""

    def __init__(self) -> None:
        super().__init__()
        stages = []
        before = 3
        for width, depth in zip(WIDTHS, DEPTHS, strict=True):
            blocks = [Unit(width, width, block=True) for _ in range(depth)]
            stages.append(nn.Sequential(Unit(before, width, 2), *blocks))
            before = width
        self.stages = nn.ModuleList(stages)
        self.laterals = nn.ModuleList(nn.Conv2d(width, NECK, 1) for width in WIDTHS[2:])
        self.smooth = nn.ModuleList(Unit(NECK, NECK, block=True) for _ in STRIDES)
        self.head = Unit(NECK, NECK, block=True)
        self.answer = nn.Conv2d(NECK, 5, 1)
        nn.init.normal_(self.answer.weight, std=0.01)
        nn.init.zeros_(self.answer.bias)
        with torch.no_grad():
            self.answer.bias[0] = math.log(PRIOR / (1 - PRIOR))
            self.answer.bias[1:3] = 0.5  # The middle of the cell.
            self.answer.bias[3] = 1.0  # Plates are wider than high.

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return logit, dx, dy, log width and log height in cells, for each grid: (n, 5, y, x)."""
        x = pictures / 127.5 - 1
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        above: Tensor | None = None
        answers = []
        for lateral, smooth, feature in reversed(
            list(zip(self.laterals, self.smooth, features[2:], strict=True))
        ):
            level = lateral(feature)
            if above is not None:
                level = level + functional.interpolate(above, scale_factor=2.0, mode="nearest")
            above = smooth(level)
            answers.insert(0, self.answer(self.head(above)))
        return answers


class Exported(nn.Module):
    """The network as it ships: fused, with a score and a box for each cell, row by row."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = fused(network)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Return the scores of each grid, (n, cells, 1), then the boxes, (n, cells, 4)."""
        flat = [answer.flatten(2).transpose(1, 2) for answer in self.network(pictures)]
        scores = [cells[..., :1].sigmoid() for cells in flat]
        return *scores, *(cells[..., 1:] for cells in flat)


def fused(network: Network) -> Network:
    """Return a copy for answering only, in which each unit is one convolution."""
    network = copy.deepcopy(network).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Unit):
                module.fuse()
    return network
