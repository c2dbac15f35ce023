"""Clips with burnt-in text: what cameras write into their pictures, which changes all the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fixture_types import Ffmpeg
from PIL import Image, ImageDraw

WIDTH, HEIGHT, FRAMES = 320, 180, 60
TEXT = (4, 160, 204, 178)
"""Sides of a rectangle around the text, pixels: x0, y0, x1, y1."""


def stamped(path: Path, ffmpeg: Ffmpeg, *options: str, frames: int = FRAMES) -> Path:
    """Film noise, grey, with time and place in the lower left corner."""
    raw = path.with_suffix(".rgb")
    random = np.random.default_rng(7)
    back = random.integers(60, 190, (HEIGHT // 4, WIDTH // 4, 1), np.uint8)
    back = back.repeat(4, 0).repeat(4, 1).repeat(3, 2)
    with raw.open("wb") as file:
        for number in range(frames):
            picture = Image.fromarray(np.roll(back, 2 * number, axis=1))
            text = f"48.{137154 + number}N 11.{576124 + 7 * number}E  12:03:{number:02}"
            ImageDraw.Draw(picture).text((8, 163), text, fill="white", stroke_fill="black")
            file.write(picture.tobytes())
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "30"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p"]
    codec += ["-g", "15", "-sc_threshold", "0"]
    ffmpeg(*source, "-i", raw, *codec, *options, path)
    return path


def area(sides: tuple[int, int, int, int], width: int, height: int) -> list[list[float]]:
    """Return a rectangle in shares of a picture."""
    x0, y0, x1, y1 = sides
    return [[x0 / width, y0 / height], [x1 / width, y1 / height]]
