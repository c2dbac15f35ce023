"""Trains the network that finds number plates, from nothing.

``python -m training.plates.train PHOTOGRAPHS OUT`` from the folder above ``training``. It saves its
state every few hundred steps; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import copy
import math
import random
import time
from pathlib import Path

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from training.plates.data import Pictures
from training.plates.loss import loss
from training.plates.network import Network

SEED = 20261128
STEPS = 8000
BATCH = 16
"""Pictures a step."""
PEAK = 2e-3
"""Learning rate between the warm-up and the last steps, in which it falls along a cosine."""
_WARM_UP = 400
_FALL = 0.35
"""Share of the steps in which the learning rate falls, to a hundredth. Until then, a training does
not depend on the number of steps: it may be cut short, or made longer."""
_DECAY = 0.02
_MOST_GRADIENT = 5.0
_EMA = 0.998
"""Share of the averaged weights that stays at each step."""
_SAVED_EVERY = 250
_TOLD_EVERY = 100


def main() -> None:
    """Read the command line, and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path, help="folder of the training photographs")
    parser.add_argument("out", type=Path, help="folder of the state and the weights")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--workers", type=int, default=1, help="processes that make pictures")
    parser.add_argument("--threads", type=int, default=1, help="of the training itself")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.photographs, arguments.out, arguments.steps, arguments.workers)


def train(photographs: Path, out: Path, steps: int, workers: int) -> Network:
    """Train for so many steps in all; return the averaged network.

    The state lies in ``out/state.pt``, and the averaged weights in ``out/weights.pt``.
    """
    torch.manual_seed(SEED)
    random.seed(SEED)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = Network().to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(_groups(network), lr=PEAK)
    first = 0
    out.mkdir(parents=True, exist_ok=True)
    state_file = out / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["step"]
    batches = DataLoader(
        Pictures(photographs, SEED),
        BATCH,
        sampler=range(first * BATCH, steps * BATCH),
        num_workers=workers,
        worker_init_fn=lambda _: cv2.setNumThreads(0),
        prefetch_factor=4 if workers else None,
    )
    began, told = time.monotonic(), torch.zeros(2)
    network.train()
    for step, (pictures, boxes) in enumerate(batches, start=first):
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps)
        told += _step(network, optimiser, pictures.to(device), boxes.to(device)).cpu()
        _follow(average, network, step)
        if (step + 1) % _TOLD_EVERY == 0:
            scores, sides = (told / _TOLD_EVERY).tolist()
            each = (time.monotonic() - began) / (step + 1 - first)
            print(f"step {step + 1}: scores {scores:.3f}, boxes {sides:.3f}, {each:.2f} s a step")
            told.zero_()
        if (step + 1) % _SAVED_EVERY == 0 or step + 1 == steps:
            state = {
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step + 1,
            }
            _save(state, state_file)
            _save(average.state_dict(), out / "weights.pt")
    return average


def rate(step: int, steps: int) -> float:
    """Return the learning rate of a step."""
    fallen = max(0.0, 1 - (steps - step) / (_FALL * steps))
    return PEAK * min(1.0, (step + 1) / _WARM_UP) * (0.505 + 0.495 * math.cos(math.pi * fallen))


def _groups(network: nn.Module) -> list[dict[str, object]]:
    """Return the weights that decay, and those that do not: biases and normalisation."""
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    others = [weight for weight in network.parameters() if weight.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": _DECAY},
        {"params": others, "weight_decay": 0.0},
    ]


def _step(
    network: Network, optimiser: torch.optim.Optimizer, pictures: Tensor, boxes: Tensor
) -> Tensor:
    """Learn from one batch; return its two losses."""
    rows = pictures.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    with torch.autocast(rows.device.type, torch.bfloat16):
        answers = network(rows)
    scores, sides = loss(answers, boxes)
    optimiser.zero_grad(set_to_none=True)
    (scores + sides).backward()
    nn.utils.clip_grad_norm_(network.parameters(), _MOST_GRADIENT)
    optimiser.step()
    return torch.stack([scores.detach(), sides.detach()])


@torch.no_grad()
def _follow(average: Network, network: Network, step: int) -> None:
    """Move the averaged weights towards those of the network."""
    stays = min(_EMA, (step + 1) / (step + 10))
    for mine, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mine.is_floating_point():
            mine.lerp_(new, 1 - stays)
        else:
            mine.copy_(new)


def _save(state: dict[str, object], file: Path) -> None:
    """Write a file in one step, so that an interruption leaves the last one whole."""
    part = file.with_suffix(".part")
    torch.save(state, part)
    part.replace(file)


if __name__ == "__main__":
    main()
