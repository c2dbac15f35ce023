"""What the network should have answered, and how far off it was."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from training.plates.network import STRIDES

_SIZES = ((0.0, 44.0), (28.0, 88.0), (60.0, 1e9))
"""Plates that each grid answers for, by the square root of their area, pixels. Two grids share
those between, so that no size falls through."""
_SHARE = 0.3
"""Share of a plate's half sides within which a cell's middle must lie to answer for it..."""
_MOST = 1.5
"""...but at most so many cells from the plate's middle."""
_BOX_WEIGHT = 2.0
_UNSURE_REACH = 0.6
"""Share of an unsure place's sides, from its middle, in which no cell learns anything."""


def loss(answers: list[Tensor], boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of the scores, and that of the boxes.

    Scores follow the quality focal loss with soft targets of VarifocalNet (Zhang et al., 2021,
    arXiv:2008.13367): half for a plate being there, half for how well its box fits. Boxes follow
    the generalised intersection over union (Rezatofighi et al., 2019, arXiv:1902.09630).

    Parameters
    ----------
    answers
        Of the network, for each grid.
    boxes
        Left, top, right, bottom, pixels, and what it is (1 a plate, 0 unsure, -1 nothing), shape
        (n, boxes, 5).
    """
    wrong_scores, wrong_boxes, count = [], [], boxes.new_zeros(())
    for answer, stride, sizes in zip(answers, STRIDES, _SIZES, strict=True):
        cells = answer.float().flatten(2).transpose(1, 2)  # (n, cells, 5)
        columns, rows = _columns_and_rows(answer)
        middles = (torch.stack([columns, rows], 1) + 0.5) * stride
        plate, taught = _assigned(middles, boxes, stride, sizes)
        picture, cell = torch.nonzero(plate >= 0, as_tuple=True)
        wanted = boxes[picture, plate[picture, cell], :4]
        found = _decoded(cells[picture, cell, 1:], columns[cell], rows[cell], stride)
        iou, giou = _overlaps(found, wanted)
        target = torch.zeros_like(cells[..., 0])
        target[picture, cell] = 0.5 + 0.5 * iou.detach().clamp(0, 1)
        logit = cells[..., 0]
        score = logit.sigmoid().detach()
        weight = torch.where(target > 0, target, 0.75 * score**2)
        wrong = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")
        wrong_scores.append((wrong * weight * taught).sum())
        wrong_boxes.append(((1 - giou) * target[picture, cell]).sum())
        count = count + target.sum()
    count = count.clamp(min=1.0)
    return sum(wrong_scores) / count, _BOX_WEIGHT * sum(wrong_boxes) / count


def _columns_and_rows(answer: Tensor) -> tuple[Tensor, Tensor]:
    down, across = answer.shape[2:]
    rows, columns = torch.meshgrid(
        torch.arange(down, dtype=torch.float32),
        torch.arange(across, dtype=torch.float32),
        indexing="ij",
    )
    return columns.flatten(), rows.flatten()


def _assigned(
    middles: Tensor, boxes: Tensor, stride: int, sizes: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Return for each cell the number of its plate, or -1, and whether it learns: (n, cells)."""
    centres = (boxes[..., :2] + boxes[..., 2:4]) / 2
    sides = boxes[..., 2:4] - boxes[..., :2]
    away = (middles[None, :, None] - centres[:, None]).abs()  # (n, cells, boxes, 2)
    reach = (sides * _SHARE).clamp(0.5 * stride, _MOST * stride)
    near = (away <= reach[:, None]).all(-1)
    size = sides.clamp(min=0).prod(-1).sqrt()
    own = (boxes[..., 4] == 1) & (size >= sizes[0]) & (size < sizes[1])
    distance = (away / sides.clamp(min=1)[:, None]).square().sum(-1)
    distance = torch.where(near & own[:, None], distance, torch.inf)
    least, plate = distance.min(-1)
    plate = torch.where(least < torch.inf, plate, -1)
    unsure = (away <= (sides * _UNSURE_REACH)[:, None]).all(-1) & (boxes[..., 4] == 0)[:, None]
    return plate, (plate >= 0) | ~unsure.any(-1)


def _decoded(box: Tensor, column: Tensor, row: Tensor, stride: int) -> Tensor:
    """Return left, top, right and bottom, pixels, of what cells answered: (n, 4)."""
    x, y = (column + box[:, 0]) * stride, (row + box[:, 1]) * stride
    half_wide, half_high = (box[:, 2:].clamp(max=6.0).exp() * (stride / 2)).unbind(-1)
    return torch.stack([x - half_wide, y - half_high, x + half_wide, y + half_high], -1)


def _overlaps(found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return the intersection over union of pairs of boxes, and the generalised one."""
    low = torch.maximum(found[:, :2], wanted[:, :2])
    high = torch.minimum(found[:, 2:], wanted[:, 2:])
    both = (high - low).clamp(min=0).prod(-1)
    areas = [(box[:, 2:] - box[:, :2]).prod(-1) for box in (found, wanted)]
    either = areas[0] + areas[1] - both
    outer_low = torch.minimum(found[:, :2], wanted[:, :2])
    outer_high = torch.maximum(found[:, 2:], wanted[:, 2:])
    outer = (outer_high - outer_low).prod(-1)
    iou = both / either.clamp(min=1e-6)
    return iou, iou - (outer - either) / outer.clamp(min=1e-6)
