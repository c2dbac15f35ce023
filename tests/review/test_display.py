"""A box that is drawn on a picture lies where the picture shows the thing, however it is stored."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from fixture_types import Ffmpeg, MakeClip
from magenta import excess
from PIL import Image

from redact_dask.review.footage import Footage


@pytest.mark.parametrize("shape", ["1", "2", "2/3", "10"])
@pytest.mark.parametrize("turn", [0, 90, 180, -90])
def test_a_box_is_shown_where_the_thing_is(
    turn: int, shape: str, make_clip: MakeClip, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    plain = make_clip(tmp_path / "plain.mp4", frames=20, audio=False)
    stored, turned = tmp_path / "stored.mp4", tmp_path / "turned.mp4"
    ffmpeg("-i", plain, "-vf", f"setsar={shape}", stored)
    ffmpeg("-display_rotation:v", turn, "-i", stored, "-c", "copy", turned)
    footage = Footage(turned.as_uri(), 0)
    display = footage.display
    image = Image.open(io.BytesIO(footage.jpeg(10, 4000)))
    assert image.size == display.size
    stretched = round(320 * {"1": 1, "2": 2, "2/3": 2 / 3, "10": 1}[shape])
    assert sorted(image.size) == sorted((stretched, 180))
    rows, columns = np.nonzero(excess(np.asarray(image)) > 80)
    seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    square = (32.0, 60.0, 72.0, 100.0)
    assert display.shown(square) == pytest.approx(seen, abs=4)
    assert display.stored(display.shown(square)) == pytest.approx(square)


def test_the_picture_is_scaled_down_but_not_up(clip: Path) -> None:
    footage = Footage(clip.as_uri(), 0)
    assert Image.open(io.BytesIO(footage.jpeg(0, 160))).size == (160, 90)
    assert Image.open(io.BytesIO(footage.jpeg(0, 1600))).size == (320, 180)
