"""A cut is found wherever chunks end, and nothing else is taken for one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from fixture_types import Ffmpeg

from redact_dask import config
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Damage, Detected, TaskTiming
from redact_dask.sources import listing
from redact_dask.tracking import scene_cuts

# Each is a scene of one second at 30 frames/s.
SCENES = ["testsrc2", "mandelbrot", "smptebars", "testsrc", "rgbtestsrc"]


@pytest.fixture(scope="module")
def film(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five scenes with hard cuts at frames 30, 60, 90 and 120."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    inputs = []
    for scene in SCENES:
        separator = ":" if "=" in scene else "="
        inputs += ["-f", "lavfi", "-t", "1", "-i", f"{scene}{separator}s=320x180:r=30"]
    chain = "".join(f"[{n}]format=yuv420p[s{n}];" for n in range(len(SCENES)))
    chain += "".join(f"[s{n}]" for n in range(len(SCENES))) + f"concat=n={len(SCENES)}"
    gops = ["-c:v", "libx264", "-g", "12", "-sc_threshold", "0"]
    ffmpeg(*inputs, "-filter_complex", chain, *gops, path)
    return path


def changes(path: Path) -> list[float]:
    with av.open(path) as container:
        seen = [scene_cuts.thumbnail(frame) for frame in container.decode(video=0)]
    return [0.0, *(scene_cuts.change(before, after) for before, after in pairwise(seen))]


def times(frames: int, rate: float = 30) -> list[float]:
    return [frame / rate for frame in range(frames)]


def test_hard_cuts_are_found(film: Path) -> None:
    found = changes(film)
    assert scene_cuts.first_frames(found, times(len(found))) == [0, 30, 60, 90, 120]


def test_bright_and_dark_pictures_are_compared_alike(film: Path, ffmpeg: Ffmpeg) -> None:
    dark, deep = film.with_name("dark.mp4"), film.with_name("deep.mp4")
    ffmpeg("-i", film, "-vf", "eq=brightness=-0.2:contrast=0.6", dark)
    ffmpeg("-i", film, "-pix_fmt", "yuv420p10le", deep)
    for path in (dark, deep):
        assert scene_cuts.first_frames(changes(path), times(150)) == [0, 30, 60, 90, 120]


def test_motion_brightness_noise_and_flashes_are_no_cuts(
    clip: Path, carphone: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    made = {
        "pan": "crop=200:180:x='4*n':y=0",
        "fade": "fade=out:0:60",
        "switched off": "eq=brightness='if(gt(t,1),-0.4,0)':eval=frame",
        "night": "eq=brightness=-0.45:contrast=0.1,noise=c0s=20:c0f=t",
        "flash": "drawbox=color=white:t=fill:enable='eq(n,40)'",
    }
    for name, video_filter in made.items():
        path = tmp_path / f"{name}.mp4"
        ffmpeg("-i", carphone, "-vf", f"scale=640:180,{video_filter}", path)
        found = changes(path)
        assert scene_cuts.first_frames(found, times(len(found))) == [0], name
    for path in (clip, carphone):
        found = changes(path)
        assert scene_cuts.first_frames(found, times(len(found))) == [0]


def test_pictures_seconds_apart_may_differ() -> None:
    jumps = [0.0, 0.02, 0.7, 0.02]
    assert scene_cuts.first_frames(jumps, times(4)) == [0, 2]
    assert scene_cuts.first_frames(jumps, times(4, rate=1)) == [0]
    assert scene_cuts.first_frames([0.0, 0.3, 0.7, 0.4], times(4)) == [0], "it does not stand alone"


def test_repeated_pictures_tell_nothing_of_motion() -> None:
    racing = [0.0, *[0.5, 0.0] * 20]
    assert scene_cuts.first_frames(racing, times(41)) == [0]
    moving = [0.0, *[0.1, 0.01] * 20]
    moving[21] = 0.7
    assert scene_cuts.first_frames(moving, times(41)) == [0, 21]
    still = [0.0] * 41
    still[20] = 0.7
    assert scene_cuts.first_frames(still, times(41)) == [0, 20]


@pytest.mark.parametrize("seconds", [0.1, 0.9, 100])
def test_chunks_do_not_change_where_cuts_are(film: Path, tmp_path: Path, seconds: float) -> None:
    (video,) = listing.list_videos(str(film), str(tmp_path / "out"))
    settings = {"chunk": {"seconds": seconds}, "detect": {"detectors": ["magenta"]}}
    job = Job(video, str(tmp_path / "out"), str(tmp_path / "work"), config.validate(settings))
    probed = stages.probe(job)
    detected = [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
    again = [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
    expected = changes(film)
    assert scene_cuts.joined(detected) == pytest.approx(expected)
    assert scene_cuts.joined(again) == scene_cuts.joined(detected), "what was committed is recalled"


def test_a_damaged_gop_begins_no_scene() -> None:
    timing = TaskTiming(0, 0, (), "host")
    damage = (Damage(3, 3, "it does not decode"),)
    first = Detected(0, 2, 2, (), (), (), (0.1, 0.2), timing)
    second = Detected(1, 1, 1, (), (), damage, (0.7, 0.0), timing)
    assert scene_cuts.joined([first, replace(second, damage=())]) == [0.0, 0.1, 0.2, 0.7]
    assert scene_cuts.joined([first, second]) == [0.0, 0.1, 0.2, 0.0]


def test_a_thumbnail_is_the_picture() -> None:
    gradient = np.tile(np.linspace(16, 235, 640, dtype=np.uint8), (540, 1))
    frame = av.VideoFrame.from_ndarray(gradient, format="gray8").reformat(format="yuv420p")
    tiny = scene_cuts.thumbnail(frame)
    assert tiny.shape == (18, 32)
    assert np.all(np.diff(tiny[9].astype(int)) > 0)
