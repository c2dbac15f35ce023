"""Known motion, and what boxes tell of it."""

from __future__ import annotations

import numpy as np
import pytest

from redact_dask.tracking.boxes import BoxArray
from redact_dask.tracking.camera_motion import Step
from redact_dask.tracking.fitted_motion import FittedMotion

WIDTH, HEIGHT = 960, 540
PLACES = [(100, 100, 140, 150), (700, 80, 760, 160), (300, 380, 420, 500)]


def moved(box: BoxArray, scale: float, x: float, y: float) -> BoxArray:
    """Return a box of the picture scaled and shifted, cut off by the picture's border."""
    size = [WIDTH, HEIGHT, WIDTH, HEIGHT]
    return np.clip(scale * box + np.array([x, y, x, y]), 0, size)


def paths(scale: float, x: float, y: float) -> list[tuple[int, BoxArray]]:
    """Return what standing things do, each seen from another frame on."""
    ways = []
    for first, place in enumerate(PLACES):
        boxes = [np.array(place, np.float64)]
        for _ in range(4):
            boxes.append(moved(boxes[-1], scale, x, y))
        ways.append((first, np.array(boxes)))
    return ways


def steps(followed: list[tuple[int, BoxArray]]) -> dict[int, Step]:
    """Return each step that is known."""
    motion = FittedMotion(followed, WIDTH, HEIGHT)
    return {frame: step for frame in range(12) if (step := motion.step(frame))}


def test_a_zoom_and_a_shift_are_found_and_undone() -> None:
    found = steps(paths(1.03, -12, 4))
    assert set(found) == {3, 4}, "fewer than three tell of the others"
    box = np.array([200.0, 200.0, 240.0, 260.0])
    for step in found.values():
        assert step.forth(box) == pytest.approx(moved(box, 1.03, -12, 4))
        assert step.back(step.forth(box)) == pytest.approx(box)


def test_one_that_moves_by_itself_is_not_followed() -> None:
    walker = np.array([[500 + 15 * n, 200, 560 + 15 * n, 280] for n in range(9)], np.float64)
    step = steps([*paths(1.0, 3, 0), (0, walker)])[3]
    box = np.array([200.0, 200.0, 240.0, 260.0])
    assert step.forth(box) == pytest.approx(moved(box, 1.0, 3, 0), abs=1.5)


def test_what_the_border_cuts_off_tells_nothing_on_that_side() -> None:
    leaving = np.array([[0, 200, 80 - 20 * n, 280] for n in range(4)], np.float64)
    entering = np.array([[900 - 20 * n, 300, WIDTH, 380] for n in range(4)], np.float64)
    within = np.array([[400 - 20 * n, 100, 450 - 20 * n, 160] for n in range(4)], np.float64)
    found = steps([(0, leaving), (0, entering), (0, within)])
    box = np.array([600.0, 200.0, 640.0, 260.0])
    for step in found.values():
        assert step.forth(box) == pytest.approx(moved(box, 1.0, -20, 0))


def test_what_tells_of_no_motion_is_not_believed() -> None:
    flipped = np.array([[[100, 100, 140, 140], [800, 400, 840, 440]]] * 2, np.float64)
    flipped[1] = flipped[1, ::-1]
    crossing = [(0, flipped[:, n]) for n in (0, 1)]
    assert steps(crossing * 2) == {}
    hidden = np.array([[0, 0, WIDTH, HEIGHT]] * 3, np.float64)
    assert steps([(0, hidden)] * 3) == {}
    assert steps([]) == {}
