"""Writes the picture that shows the detector of number plates a known plate, ``known_plate.png``.

The plate is drawn, on a drawn car: training/README.md tells more.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from training.plates import drawing, placing

SEED = 20
SIDE = 128
"""Width and height of the picture, pixels."""
HEIGHT = 24
"""Of the plate, pixels."""


def main() -> None:
    """Write the picture into the folder that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    picture, box = draw()
    cv2.imwrite(str(folder / "known_plate.png"), picture)
    print("left, top, right, bottom:", *(round(side) for side in box))


def draw(seed: int = SEED) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
    """Return the picture, BGR, and where the plate is on it.

    Raises
    ------
    ValueError
        The plate of that seed does not fit.
    """
    rng = np.random.default_rng(seed)
    street = np.linspace(150, 70, SIDE)[:, np.newaxis, np.newaxis]
    picture = np.ascontiguousarray(np.broadcast_to(street, (SIDE, SIDE, 3)).astype(np.uint8))
    box = placing.place(rng, picture, drawing.plate(rng), HEIGHT, surround=1.0)
    if box is None:
        raise ValueError(f"the plate of seed {seed} does not fit into the picture")
    return picture, box


if __name__ == "__main__":
    main()
