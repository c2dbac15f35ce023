"""A film of a magenta box that shows its frames' numbers, and a detector that is told of boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fixture_types import Ffmpeg
from scripted import draw_number

WIDTH, HEIGHT, FRAMES = 192, 128, 60
MAGENTA = (255, 0, 255)

Box = tuple[float, float, float, float]


def filmed(path: Path, boxes: list[Box], ffmpeg: Ffmpeg) -> Path:
    """Film a magenta box on a grey background."""
    raw = path.with_suffix(".rgb")
    with raw.open("wb") as file:
        for number, box in enumerate(boxes):
            image = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
            x0, y0, x1, y1 = (max(0, round(side)) for side in box)
            image[y0:y1, x0:x1] = MAGENTA
            draw_number(image, number)
            file.write(image.tobytes())
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "30"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-pix_fmt", "yuv420p"]
    ffmpeg(*source, "-i", raw, *codec, "-bf", "2", "-g", "10", "-sc_threshold", "0", path)
    return path


def told(boxes: list[Box], **settings: Any) -> dict[str, Any]:
    """Return the section ``detect`` with which these boxes are found, whatever lies outside."""
    script = [[(*box, 0.9)] for box in boxes]
    return {"detectors": ["told"], "options": {"told": {"script": script}}} | settings
