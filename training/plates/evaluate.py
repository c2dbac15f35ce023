"""Tells how well a network finds plates on the photographs that it has not learnt from.

``python -m training.plates.evaluate PHOTOGRAPHS plates.onnx`` from the folder above ``training``,
in the environment of the package. A plate is found if a box with a quarter of its sides added on
each side covers 0.9 of it.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from redact_dask.detectors import Box
from redact_dask.detectors.plates import Plates
from training.plates import photographs
from training.plates.photographs import Bgr, Photograph

Find = Callable[[Bgr], Sequence[Box]]
"""Finds boxes on a picture of `WINDOW`."""
WINDOW = (640, 384)
"""Width and height of what a detector sees of a photograph, pixels."""

HEIGHTS = (10, 14, 20, 32, 56)
"""Heights to which photographs are reduced until a plate has them, pixels."""
THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
MARGIN, COVERED = 0.25, 0.9


def blurred(picture: Bgr) -> Bgr:
    """Return a picture with 5 pixels of motion blur."""
    return np.asarray(cv2.blur(picture, (5, 1)), np.uint8)


def dark(picture: Bgr) -> Bgr:
    """Return a picture with a quarter of its brightness."""
    return np.asarray(picture // 4, np.uint8)


CHANGES: Mapping[str, Callable[[Bgr], Bgr]] = {"": np.asarray, "blurred": blurred, "dark": dark}


def main() -> None:
    """Read the command line, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path, help="folder of the training photographs")
    parser.add_argument("onnx", type=Path, help="the network")
    arguments = parser.parse_args()
    sha256 = hashlib.sha256(arguments.onnx.read_bytes()).hexdigest()
    options = {"model": str(arguments.onnx), "sha256": sha256, "threshold": 0.02}
    detector = Plates(Plates.Options.model_validate(options))
    report(lambda picture: detector.detect(picture[np.newaxis])[0], arguments.photographs)


def report(find: Find, folder: Path) -> None:
    """Print recall by height and condition, and the share of plate-free pixels that is hidden."""
    vehicles = photographs.plates(folder, held_out=True)
    scenes = photographs.scenes(folder, held_out=True)
    print(f"recall on {len(vehicles)} photographs, by threshold".ljust(44), *THRESHOLDS, sep="\t")
    for name, change in CHANGES.items():
        for height in HEIGHTS:
            best = np.array(list(_best_scores(find, vehicles, height, change)))
            recall = [f"{(best >= threshold).mean():.3f}" for threshold in THRESHOLDS]
            print(f"{height} px {name}, {len(best)} plates".ljust(44), *recall, sep="\t")
    hidden = np.mean([_hidden(find, scene) for scene in scenes], axis=0)
    shares = [f"{100 * share:.3f}" for share in hidden]
    print(f"hidden of {len(scenes)} scenes without plates, %".ljust(44), *shares, sep="\t")


def framed(picture: Bgr, focus: NDArray[np.floating]) -> tuple[Bgr, tuple[int, int]]:
    """Return the part of a picture around a place, with grey where the picture ends.

    Returns
    -------
    The part, of the size `WINDOW`, and by how much it has moved what it shows, in x and y, pixels.
    """
    window = np.full((WINDOW[1], WINDOW[0], 3), 114, np.uint8)
    moved = []
    parts = []
    for middle, length, side in zip(focus, picture.shape[1::-1], WINDOW, strict=True):
        start = round(min(max(float(middle) - side / 2, 0), max(length - side, 0)))
        moved.append(-start)
        parts.append((slice(0, min(side, length)), slice(start, min(start + side, length))))
    (to_x, from_x), (to_y, from_y) = parts
    window[to_y, to_x] = picture[from_y, from_x]
    return window, (moved[0], moved[1])


def _best_scores(
    find: Find, vehicles: Sequence[Photograph], height: float, change: Callable[[Bgr], Bgr]
) -> Iterator[float]:
    """Yield for each plate the highest threshold at which it is found, or 0."""
    for vehicle in vehicles:
        for plate in vehicle.plates[:1]:
            scale = height / (plate[3] - plate[1])
            if scale > 1.0:
                continue  # The photograph does not show it so large.
            stretch = 1.4 if vehicle.stretched else 1.0
            small = change(_scaled(vehicle.pixels, scale * stretch, scale))
            wanted = plate * [scale * stretch, scale, scale * stretch, scale]
            window, moved = framed(small, (wanted[:2] + wanted[2:]) / 2)
            wanted = np.add(wanted, [*moved, *moved])
            yield max((b.confidence for b in find(window) if covers(b, wanted)), default=0.0)


def covers(box: Box, plate: NDArray[np.floating]) -> bool:
    """Tell whether a box with its margin covers enough of a plate."""
    x, y = MARGIN * (box.x1 - box.x0), MARGIN * (box.y1 - box.y0)
    across = min(box.x1 + x, plate[2]) - max(box.x0 - x, plate[0])
    down = min(box.y1 + y, plate[3]) - max(box.y0 - y, plate[1])
    area = (plate[2] - plate[0]) * (plate[3] - plate[1])
    return across > 0 and down > 0 and across * down >= COVERED * area


def _hidden(find: Find, scene: Photograph) -> list[float]:
    """Return the share of a scene that is hidden at each threshold."""
    scale = min(1.0, WINDOW[0] / scene.pixels.shape[1], WINDOW[1] / scene.pixels.shape[0])
    small = _scaled(scene.pixels, scale, scale)
    picture, _ = framed(small, np.array(small.shape[1::-1]) / 2)
    shares = []
    boxes = find(picture)
    for threshold in THRESHOLDS:
        mask = np.zeros(picture.shape[:2], np.uint8)
        for box in boxes:
            if box.confidence >= threshold:
                x, y = MARGIN * (box.x1 - box.x0), MARGIN * (box.y1 - box.y0)
                left, top = max(0, round(box.x0 - x)), max(0, round(box.y0 - y))
                mask[top : max(0, round(box.y1 + y)), left : max(0, round(box.x1 + x))] = 1
        shares.append(float(mask.mean()))
    return shares


def _scaled(picture: Bgr, across: float, down: float) -> Bgr:
    method = cv2.INTER_AREA if down < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, None, fx=across, fy=down, interpolation=method), np.uint8)


if __name__ == "__main__":
    main()
