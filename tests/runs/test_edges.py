"""What leaves the picture, or is tiny, is hidden to its last pixel; sizes and rates are kept."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from decoded import pictures, times
from exact import assert_exact
from filmed import FRAMES, filmed, told
from five_stages import AUTO, published
from fixture_types import Ffmpeg, Redact
from magenta import excess

from redact_dask.errors import UnsupportedVideo

WAYS: dict[str, tuple[float, float]] = {
    "left": (-3, 0),
    "right": (3, 0),
    "top": (0, -3),
    "bottom": (0, 3),
    "a corner": (2.5, 2),
    "slowly": (-0.75, 0),
}
"""Pixels a frame, across and down."""


def shown(path: Path) -> list[int]:
    """Return the numbers of the frames that show anything magenta."""
    seen = pictures(path, "rgb24")
    return [number for number, picture in enumerate(seen) if (excess(picture) > 40).any()]


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("way", WAYS)
def test_what_slides_out_is_hidden_to_its_last_pixel(
    way: str, every: int, redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    """The detector tells the whole box, also where it lies outside."""
    across, down = WAYS[way]
    x, y = (30, 60) if way == "slowly" else (84, 52)
    moved = [(across * number, down * number) for number in range(FRAMES)]
    boxes = [(x + dx, y + dy, x + dx + 24, y + dy + 24) for dx, dy in moved]
    path = filmed(tmp_path / "slides.mp4", boxes, ffmpeg)
    assert 20 < len(shown(path)) <= FRAMES
    assert shown(published(redact(path, detect=told(boxes, every=every), encode=AUTO))) == []


@pytest.mark.parametrize("side", [1, 2, 3])
@pytest.mark.parametrize("place", [(90, 60), (91.5, 61.3), (189, 125), (0, 70)])
def test_a_box_of_few_pixels_is_hidden(
    place: tuple[float, float], side: int, redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    x, y = place
    boxes = [(x, y, x + side, y + side)] * 20
    path = filmed(tmp_path / "tiny.mp4", [(round(x), round(y), x + side, y + side)] * 20, ffmpeg)
    assert side == 1 or len(shown(path)) == 20
    assert shown(published(redact(path, detect=told(boxes), encode=AUTO))) == []


@pytest.mark.parametrize("rate", ["120", "240", "240000/1001"])
@pytest.mark.parametrize("copy", ["auto", "never"])
def test_a_high_rate_is_kept(
    copy: str, rate: str, redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = tmp_path / "fast.mp4"
    square = "color=magenta:s=24x24"
    scene = "[0][1]overlay=x=20+n/4:y=60:enable='lt(n,60)'"
    size = f"s=192x128:r={rate}"
    inputs = ["-f", "lavfi", "-i", f"testsrc2={size},hue=s=0", "-f", "lavfi", "-i", square]
    codec = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-bf", "2", "-g", "30"]
    ffmpeg(*inputs, "-filter_complex", scene, *codec, "-r", rate, "-frames:v", "120", path)
    done = redact(path, encode=AUTO | {"copy": copy}, track={"pad_s": 0.1})
    assert any(made.copied for made in done.rendered) == (copy == "auto")
    assert times(published(done)) == times(path) == [n / Fraction(rate) for n in range(120)]
    assert shown(published(done)) == []


def test_an_odd_size_comes_back_exact(redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    codec = ["-pix_fmt", "yuv444p", "-c:v", "libx264", "-preset", "ultrafast", "-g", "4"]
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=1919x1079:r=10,hue=s=0", "-frames:v", "8", *codec, path)
    assert_exact(path, published(redact(path)))


def test_an_odd_size_that_h264_cannot_have_is_named(
    redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path, odd = tmp_path / "odd.webm", "testsrc2=s=1919x1079:r=10,format=rgb24"
    codec = ["-pix_fmt", "yuv420p", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"]
    ffmpeg("-f", "lavfi", "-i", odd, "-frames:v", "2", *codec, path)
    with pytest.raises(UnsupportedVideo, match=r"no size 1919x1079 .* crop it to an even size"):
        redact(path)
