"""A camera that moves, and what the pictures tell of it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from plans import for_all

from redact_dask.config import TrackSettings
from redact_dask.records import CameraStep, Detected, Detection, Detections, TaskTiming
from redact_dask.tracking.camera_motion import (
    CameraMotion,
    SmallPicture,
    joined,
    measure,
    small_picture,
)
from redact_dask.tracking.tracker import track

WIDTH, HEIGHT = 1920, 1080


def street(scale: float = 1.0, x: float = 0.0, y: float = 0.0) -> SmallPicture:
    """Return a textured picture 480 pixels wide, as a camera sees it that zoomed and turned."""
    noise = np.random.default_rng(1).integers(0, 255, (68, 120), np.uint8)
    texture = cv2.resize(noise, (480, 270), interpolation=cv2.INTER_CUBIC)
    moved = cv2.warpAffine(
        texture, np.array([[scale, 0, x], [0, scale, y]]), (480, 270), borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, np.uint8)


@pytest.mark.parametrize(
    ("scale", "x", "y"), [(1.0, 0, 0), (1.0, 6, -3), (1.02, -5, 2), (0.97, 20, 10)]
)
def test_the_motion_of_a_picture_is_measured(scale: float, x: float, y: float) -> None:
    step = measure(street(), street(scale, x, y), WIDTH)
    assert step is not None
    # Pixels of the stored picture: four of them are one of the small picture.
    assert step == pytest.approx((scale, 4 * x, 4 * y), abs=1.5)
    assert step[0] == pytest.approx(scale, abs=0.003)


def test_what_moves_by_itself_is_not_the_camera() -> None:
    before, after = street(), street(1.0, 3, 0)
    before[100:180, 60:160] = street(1.0, 40, 0)[100:180, 60:160]
    after[100:180, 40:140] = street(1.0, 40, 0)[100:180, 60:160]
    step = measure(before, after, WIDTH)
    assert step is not None
    assert step[1:] == pytest.approx((12, 0), abs=2)


@pytest.mark.parametrize("before", [np.zeros((270, 480), np.uint8), street()])
def test_pictures_that_have_nothing_in_common_tell_nothing(before: SmallPicture) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (270, 480), np.uint8)
    assert measure(before, np.asarray(noise, np.uint8), WIDTH) is None


@pytest.mark.parametrize(("pixel_format", "white"), [("yuv420p", 235), ("yuv420p10le", 940)])
def test_the_small_picture_has_8_bits(pixel_format: str, white: int) -> None:
    frame = VideoFrame(960, 540, pixel_format)
    dtype = np.uint16 if white > 255 else np.uint8
    plane: NDArray[np.generic] = np.frombuffer(memoryview(frame.planes[0]), dtype)
    plane[:] = white
    small = small_picture(frame)
    assert small.shape == (270, 480)
    assert {*small.ravel().tolist()} == {235}


def test_steps_add_up() -> None:
    steps: list[CameraStep | None] = [None, (1.1, 5, 0), (1.0, -3, 2), None, (0.9, 0, 0)]
    camera = CameraMotion(steps)
    box = np.array([100.0, 200.0, 140.0, 260.0])
    by_one = box
    for frame in range(1, 5):
        step = camera.step(frame)
        by_one = by_one if step is None else step.forth(by_one)
        assert camera.between(0, frame).forth(box) == pytest.approx(by_one)
        assert camera.between(0, frame).back(by_one) == pytest.approx(box)
    scales, shifts = camera.over(1, 4)
    assert (scales.shape, shifts.shape) == ((4, 1), (4, 4))
    assert scales[0] * box + shifts[0] == pytest.approx(box)


def test_steps_of_chunks_are_joined() -> None:
    def chunk(*steps: CameraStep | None, frames: int) -> Detected:
        timing = TaskTiming(0, 0, (), "")
        return Detected(0, frames, 0, Detections.of(()), (), (), (0.0,) * frames, timing, steps)

    one, two = (1.0, 1.0, 0.0), (1.0, 2.0, 0.0)
    assert joined([chunk(one, two, frames=2), chunk(one, None, frames=2)]) == [None, one, two, one]
    assert joined([chunk(frames=2), chunk(one, None, frames=2)]) == [None, None, None, one]


RATE = Fraction(30)
SHAKE = 60.0
"""Pixels that the camera jumps, there and back, from frame to frame."""


@pytest.mark.parametrize("told", [True, False])
def test_a_face_stays_covered_between_two_looks_while_the_camera_shakes(told: bool) -> None:
    """A face of 24 pixels that the detector sees on one frame in four; without steps it shows."""
    frames = 41
    path = np.array([SHAKE if number % 3 == 1 else 0.0 for number in range(frames)]).cumsum()
    path -= np.linspace(0, path[-1], frames)
    places = [np.array([900 + x, 500, 924 + x, 530]) for x in path]
    steps: list[CameraStep | None] = [
        None,
        *((1.0, float(after - before), 0.0) for before, after in pairwise(path)),
    ]
    seen = [
        Detection(number, *map(float, places[number]), 0.9, "face", "made")
        for number in range(0, frames, 4)
    ]
    times = [float(number / RATE) for number in range(frames)]
    regions = track(
        Detections.of(seen),
        times,
        (0,),
        WIDTH,
        HEIGHT,
        for_all(TrackSettings(margin=0, slack=0, steady_s=0)),
        max_gap_frames=3,
        steps=steps if told else (),
    )
    covered = {
        region.frame
        for region in regions
        if region.x0 <= places[region.frame][0] + 0.01
        and region.x1 >= places[region.frame][2] - 0.01
    }
    assert (covered == {*range(frames)}) is told


@pytest.mark.parametrize("at", range(1, 13))
@pytest.mark.parametrize("back", [True, False])
def test_a_step_that_was_measured_wrong_shows_no_face(at: int, back: bool) -> None:
    """A lorry that fills the picture is taken for the camera, on one frame or for good."""
    frames = 21
    steps: list[CameraStep | None] = [None, *[(1.0, 0.0, 0.0)] * (frames - 1)]
    steps[at] = (1.0, 80.0, 0.0)
    if back:
        steps[at + 1] = (1.0, -80.0, 0.0)
    seen = [
        Detection(number, 900, 500, 924, 530, 0.9, "face", "made") for number in range(0, frames, 4)
    ]
    regions = track(
        Detections.of(seen),
        [float(number / RATE) for number in range(frames)],
        (0,),
        WIDTH,
        HEIGHT,
        for_all(TrackSettings(margin=0, slack=0, steady_s=0)),
        max_gap_frames=3,
        steps=steps,
    )
    covered = {region.frame for region in regions if region.x0 <= 900.01 and region.x1 >= 923.99}
    assert covered == {*range(frames)}
