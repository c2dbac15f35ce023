"""Which frames are looked at, however the video is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from fixture_types import Ffmpeg, MakeClip
from numpy.typing import NDArray

from redact_dask.config import DetectSettings, EncodeSettings
from redact_dask.detectors.frame_view import FrameView
from redact_dask.media import index
from redact_dask.pipeline import detection
from redact_dask.pipeline.timing import Timer

MAGENTA = DetectSettings(detectors=("magenta",))


def looked_at(clip: Path, every: int, seconds: float) -> tuple[list[int], int, int]:
    """Return the frames with the one thing there is, and how many were looked at and decoded."""
    scanned = index.scan(str(clip), EncodeSettings())
    views: list[FrameView] = detection.views(scanned.info, MAGENTA)
    found: list[int] = []
    looked = decoded = 0
    for chunk in scanned.chunks(seconds):
        seen = detection.detect(
            str(clip), scanned.info, chunk, views, every, Timer(), salvage=False
        )
        found += seen.sorted().frame.tolist()
        looked += seen.looked_at
        decoded += seen.frames
    return found, looked, decoded


@pytest.mark.parametrize("seconds", [0.1, 1.6, 9])
def test_some_frames_are_looked_at_and_all_are_decoded(clip: Path, seconds: float) -> None:
    """The clip has GOPs of 15 frames."""
    expected = sorted({*range(0, 90, 4), *range(0, 90, 15), 89})
    assert looked_at(clip, 4, seconds) == (expected, len(expected), 90)
    assert looked_at(clip, 1, seconds) == ([*range(90)], 90, 90)


def test_gops_shorter_than_the_stride_do_not_make_it_shorter(
    make_clip: MakeClip, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "intra.mp4", frames=20, keyframes=1, audio=False)
    assert looked_at(clip, 6, 9) == ([0, 6, 12, 18, 19], 5, 20)


@pytest.mark.parametrize(("rate", "stride"), [(60, 6), (30, 6), (25, 5), (10, 2), (1, 1)])
def test_looks_are_never_far_apart(clip: Path, rate: int, stride: int) -> None:
    info = replace(index.scan(str(clip), EncodeSettings()).info, rate=Fraction(rate))
    assert detection.stride(info, DetectSettings(every=6)) == stride
    assert detection.stride(info, DetectSettings(every=1)) == 1


def test_a_scene_shorter_than_the_stride_is_looked_at(
    make_clip: MakeClip, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    plain = make_clip(tmp_path / "plain.mp4", frames=60, keyframes=60, audio=False)
    flash, gops = tmp_path / "flash.mp4", ["-g", "60", "-sc_threshold", "0"]
    other = ["-f", "lavfi", "-i", "smptebars=s=320x180:r=30"]
    scene = "[0][1]overlay=enable='between(n,40,41)':shortest=1"
    ffmpeg("-i", plain, *other, "-filter_complex", scene, *gops, flash)
    _, before, _ = looked_at(plain, 3, 9)
    _, after, _ = looked_at(flash, 3, 9)
    assert (before, after) == (21, 22), "frame 40, which no multiple of three and no GOP names"


def test_a_frame_long_after_another_is_looked_at(
    clip: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = tmp_path / "late.mp4"
    late = ["-vf", "setpts='PTS+if(gt(N,40),1/TB,0)'", "-fps_mode", "vfr", "-g", "90"]
    ffmpeg("-i", clip, "-an", *late, "-sc_threshold", "0", path)
    found, _, _ = looked_at(path, 3, 99)
    assert found == sorted({*range(0, 90, 3), 41, 89})


def test_detectors_that_ask_for_one_size_see_one_picture(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scaled once for each frame that is looked at, and put together once."""
    scanned = index.scan(str(clip), EncodeSettings())
    views = detection.views(scanned.info, DetectSettings(detectors=("magenta", "fixed", "yunet")))
    scaled: list[tuple[int, int]] = []
    seen: dict[str, list[NDArray[np.uint8]]] = {}

    def image(view: FrameView, frame: VideoFrame) -> NDArray[np.uint8]:
        scaled.append(view.size)
        return scale(view, frame)

    def note(view: FrameView, numbers: Sequence[int], images: NDArray[np.uint8]) -> Any:
        seen.setdefault(view.detector.identity, []).append(images)
        return look(view, numbers, images)

    scale, look = FrameView.image, FrameView.detections
    monkeypatch.setattr(FrameView, "image", image)
    monkeypatch.setattr(FrameView, "detections", note)
    (chunk,) = scanned.chunks(9)
    found = detection.detect(str(clip), scanned.info, chunk, views, 8, Timer(), salvage=False)
    magenta, fixed, other = seen.values()
    assert all(one is two for one, two in zip(magenta, fixed, strict=True))
    assert not any(images.flags.writeable for images in magenta)
    assert other[0].shape != fixed[0].shape
    assert len(scaled) == 2 * found.looked_at
    assert {row.detector for row in found.sorted()} >= {"magenta", "fixed"}


@pytest.mark.parametrize(("is_paid", "together"), [(False, 1), (True, 8)])
def test_a_paid_detector_gets_several_images_at_once(
    is_paid: bool, together: int, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks the scheduler for all their slots together; others get what is still in the cache."""
    scanned = index.scan(str(clip), EncodeSettings())
    views = detection.views(scanned.info, MAGENTA)
    given: list[list[int]] = []
    shapes: set[int] = set()

    def note(view: FrameView, numbers: Sequence[int], images: NDArray[np.uint8]) -> Any:
        given.append([*numbers])
        shapes.add(len(images) - len(numbers))
        assert not images.flags.writeable
        return look(view, numbers, images)

    look = FrameView.detections
    monkeypatch.setattr(FrameView, "detections", note)
    monkeypatch.setattr(detection, "_paid", lambda views: views if is_paid else [])
    (chunk,) = scanned.chunks(9)
    found = detection.detect(str(clip), scanned.info, chunk, views, 4, Timer(), salvage=False)
    assert {len(numbers) for numbers in given[:-1]} == {together}
    assert sum(map(len, given)) == found.looked_at == len(set(found.sorted().frame.tolist()))
    assert shapes == {0}


def camera_steps(clip: Path, seconds: float) -> list[tuple[int, object]]:
    """Return the camera's step from each frame to the next, by frame."""
    scanned = index.scan(str(clip), EncodeSettings())
    views: list[FrameView] = detection.views(scanned.info, MAGENTA)
    steps: list[tuple[int, object]] = []
    for chunk in scanned.chunks(seconds):
        seen = detection.detect(str(clip), scanned.info, chunk, views, 4, Timer(), salvage=False)
        assert seen.steps.keys() <= {*chunk.frames}
        steps += sorted(seen.steps.items())
    return steps


def test_the_cameras_steps_do_not_depend_on_the_chunks(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    """A camera that pans by 6 pixels a frame over a texture, in GOPs of 10 frames."""
    noise = np.random.default_rng(1).integers(0, 255, (90, 320), np.uint8)
    texture, panned = tmp_path / "texture.png", tmp_path / "panned.mp4"
    cv2.imwrite(str(texture), cv2.resize(noise, (1280, 360), interpolation=cv2.INTER_CUBIC))
    pan = ["-loop", 1, "-framerate", 30, "-i", texture, "-vf", "crop=640:360:6*n:0"]
    ffmpeg(*pan, "-frames:v", 60, "-g", 10, "-pix_fmt", "yuv420p", panned)
    whole = camera_steps(panned, 9)
    assert [frame for frame, _ in whole] == [*range(59)]
    for _, step in whole:
        assert step == pytest.approx((1.0, -6.0, 0.0), abs=0.6)
    assert camera_steps(panned, 0.3) == whole
