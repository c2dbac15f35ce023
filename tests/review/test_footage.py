"""A picture is that of its number, in whatever order pictures are asked for."""

from __future__ import annotations

import io
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fixture_types import Ffmpeg, MakeClip
from magenta import excess
from PIL import Image
from several_cameras import camera, together

from redact_dask.errors import VideoError
from redact_dask.pages.server import NotShown
from redact_dask.review import footage
from redact_dask.review.footage import Footage


def number(jpeg: bytes) -> int:
    """Tell the number of a frame by the place of its square."""
    columns = np.nonzero(excess(np.asarray(Image.open(io.BytesIO(jpeg)))) > 80)[1]
    return round((float(columns.mean()) - 31.5) / 2)


@pytest.mark.parametrize("kept", [2**30, 400_000])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_any_order_gives_the_same_frames(
    suffix: str,
    kept: int,
    clip: Path,
    ffmpeg: Ffmpeg,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(footage, "_KEPT", kept)
    path = tmp_path / f"clip.{suffix}"
    ffmpeg("-i", clip, "-c", "copy", "-an", path)
    found = Footage(path.as_uri(), 0)
    wanted = [*range(50, 64), *range(50, 40, -1), 89, 0, 1, 44, 45, 46, 15, 14]
    wanted += random.Random(1).sample(range(90), 20)
    assert [number(found.jpeg(frame, 320)) for frame in wanted] == wanted
    with ThreadPoolExecutor(4) as threads:
        told = [*threads.map(lambda frame: number(found.jpeg(frame, 320)), range(20, 60))]
    assert told == [*range(20, 60)]
    with pytest.raises(NotShown, match="only 90 frames"):
        found.jpeg(90, 320)


def test_memory_is_bounded_on_a_long_gop(
    make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footage, "_KEPT", 10 * 320 * 180 * 3 // 2)
    path = make_clip(tmp_path / "long.mp4", audio=False, keyframes=90)
    found = Footage(path.as_uri(), 0)
    assert number(found.jpeg(80, 320)) == 80
    assert len(found._kept) <= 10
    assert [number(found.jpeg(frame, 320)) for frame in (79, 78, 20)] == [79, 78, 20]
    # What is decoded again does not count twice.
    for frame in (30, 20, 30, 20):
        found.jpeg(frame, 320)
    assert len(found._kept) > 5


def test_each_camera_has_its_own(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    one = camera(ffmpeg, tmp_path / "one.mp4", seen=None)
    other = camera(ffmpeg, tmp_path / "other.mp4", size="640x360", seen=(0, 59))
    both = together(ffmpeg, tmp_path / "both.mkv", one, other)
    first, second = Footage(both.as_uri(), 0), Footage(both.as_uri(), 1)
    assert (first.number, second.number) == (0, 1)
    assert (first.display.size, second.display.size) == ((320, 180), (640, 360))
    assert Footage(one.as_uri(), 0).number is None


def test_a_damaged_frame_is_told_and_those_after_it_are_shown(clip: Path, tmp_path: Path) -> None:
    content = bytearray(clip.read_bytes())
    begin = content.index(b"mdat") + len(content) // 4
    content[begin : begin + 2000] = b"\xff" * 2000
    (tmp_path / "damaged.mp4").write_bytes(content)
    found = Footage((tmp_path / "damaged.mp4").as_uri(), 0)

    def told(frame: int) -> int | str:
        try:
            return number(found.jpeg(frame, 320))
        except NotShown as error:
            return str(error)

    answers = [told(frame) for frame in range(90)]
    damaged = [frame for frame, answer in enumerate(answers) if answer != frame]
    assert 0 < len(damaged) <= 30
    assert all(f"Frame {frame} cannot be shown" in str(answers[frame]) for frame in damaged)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError):
        Footage((tmp_path / "no.mp4").as_uri(), 0)
