"""What moves many times its size from one look to the next is hidden in between, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np
import pytest
from plans import for_all

from redact_dask.config import TrackSettings
from redact_dask.records import Detection, Detections, Region
from redact_dask.tracking.tracker import track

Box = tuple[float, float, float, float]
WIDTH, HEIGHT = 1920, 1080
EVERY = 4
"""Every fourth frame is looked at, as by default."""


def regions(seen: Mapping[int, list[Box]], frames: int, rate: float) -> list[Region]:
    """Return what is hidden if boxes are seen on some frames."""
    times = [frame / rate for frame in range(frames)]
    detections = [
        Detection(frame, *box, 0.8, "face", "told")
        for frame, boxes in seen.items()
        for box in boxes
    ]
    return tracked(detections, times)


def tracked(seen: Iterable[Detection], times: Sequence[float]) -> list[Region]:
    columns = Detections.of(seen)
    return [*track(columns, times, [0], WIDTH, HEIGHT, for_all(TrackSettings()), EVERY - 1)]


def longest_exposure(life: Mapping[int, Box], hidden: list[Region]) -> int:
    """Return for how many frames in a row less than 0.9 of a thing is hidden by one region."""
    longest = exposed = 0
    by_frame = {frame: [*found] for frame, found in groupby(hidden, key=lambda r: r.frame)}
    for frame, (x0, y0, x1, y1) in life.items():
        covered = 0.0
        for region in by_frame.get(frame, []):
            across = min(x1, region.x1) - max(x0, region.x0)
            down = min(y1, region.y1) - max(y0, region.y0)
            covered = max(covered, max(across, 0) * max(down, 0))
        exposed = 0 if covered >= 0.9 * (x1 - x0) * (y1 - y0) else exposed + 1
        longest = max(longest, exposed)
    return longest


def looks(life: Mapping[int, Box]) -> dict[int, list[Box]]:
    return {frame: [box] for frame, box in life.items() if frame % EVERY == 0}


@pytest.mark.parametrize("rate", [25, 30, 60])
@pytest.mark.parametrize("sizes_a_second", [5, 10, 20, 35, 50])
@pytest.mark.parametrize("start", [-20, 300])
def test_a_small_thing_is_never_open_at_any_speed(
    sizes_a_second: int, rate: int, start: int
) -> None:
    side = 24
    life = {}
    for frame in range(2 * rate):
        x = start + sizes_a_second * side * frame / rate
        if -side < x < WIDTH:
            life[frame] = (max(x, 0.0), 500.0, min(x + side, WIDTH), 500.0 + side)
    assert longest_exposure(life, regions(looks(life), 2 * rate, rate)) == 0


@pytest.mark.parametrize("rate", [25, 30, 60])
@pytest.mark.parametrize("beside", [1, 2, 3, 5])
def test_a_person_beside_a_car_is_open_for_three_frames_at_most(beside: int, rate: int) -> None:
    """The car goes at 50 km/h; the person stands some metres beside its way, 30 m ahead."""
    focal, random = 1100, np.random.default_rng(0)
    life, told = {}, {}
    for frame in range(4 * rate):
        away = 30 - 14 * frame / rate
        size, x = focal * 0.22 / away, WIDTH / 2 + focal * beside / away
        if away < 1.5 or x - size / 2 >= WIDTH:
            break
        life[frame] = (x - size / 2, 400.0, min(x + size / 2, WIDTH), 400 + 1.2 * size)
        if frame % EVERY == 0:
            left, top, right, bottom = life[frame] + random.uniform(-0.1, 0.1, 4) * size
            told[frame] = [(left, top, right, bottom)]
    assert longest_exposure(life, regions(told, 4 * rate, rate)) <= 3


def test_a_leap_takes_nothing_from_things_that_stand() -> None:
    """One thing is seen for the last time, and another one for the first time four frames later."""
    gone, come = (600.0, 500.0, 624.0, 524.0), (700.0, 500.0, 724.0, 524.0)
    seen = {frame: [gone] for frame in range(0, 24, 4)} | {
        frame: [come] for frame in range(24, 48, 4)
    }
    hidden = regions(seen, 60, 30)
    assert longest_exposure(dict.fromkeys(range(24, 36), gone), hidden) == 0
    assert longest_exposure(dict.fromkeys(range(12, 24), come), hidden) == 0


def test_weak_detections_do_not_leap() -> None:
    weak = [
        Detection(frame, 50.0 * frame, 0, 50.0 * frame + 24, 24, 0.2, "face", "told")
        for frame in (0, 4)
    ]
    strong = Detection(0, 0, 0, 24, 24, 0.8, "face", "told")
    times = [frame / 30 for frame in range(8)]
    hidden = tracked([strong, *weak[1:]], times)
    assert max(region.x1 for region in hidden) < 50
