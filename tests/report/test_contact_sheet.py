"""Frames of the copies, as they were published and as a player shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixture_types import Ffmpeg, MakeClip, WriteRows
from magenta import excess
from PIL import Image
from report_page import images, text

from redact_dask import manifest, report
from redact_dask.report import contact_sheet
from redact_dask.storage import layout


def test_frames_are_those_of_the_copies(night: Any) -> None:
    page = report.render(str(night.destination), frames=5)
    found = images(page)
    assert [image.size for image in found] == [(320, 180), (320, 180)]
    for image in found:
        rgb = np.asarray(image.convert("RGB"))
        assert excess(rgb).max() < 40  # The square is magenta.
        assert (rgb[..., 0] < 40).sum() > 1000  # It is black now.
    assert "a.mp4 at" in text(page)
    assert len(images(report.render(str(night.destination), frames=1))) == 1


def test_what_is_not_the_published_copy_is_not_shown(
    night: Any, tmp_path: Path, make_clip: MakeClip
) -> None:
    copy = night.destination / "a.mp4"
    published = copy.read_bytes()
    try:
        copy.write_bytes((night.source / "a.mp4").read_bytes())
        page = report.render(str(night.destination), frames=5)
    finally:
        copy.write_bytes(published)
    assert len(images(page)) == 1
    assert "the copy is not the one that was published" in text(page)


@pytest.mark.parametrize(
    ("hidden", "in_all"),
    [
        ({"faces": 1}, "1 face in all"),
        ({"faces": 0, "tracks": [("plate", 2)]}, "0 faces, 2 of label plate in all"),
    ],
)
def test_a_copy_that_is_gone_is_told(
    write: WriteRows, tmp_path: Path, hidden: dict[str, Any], in_all: str
) -> None:
    output = (tmp_path / "gone.mp4").as_uri()
    destination = write("run-1", {"output": output} | hidden)
    box = {"x0": 0, "y0": 0, "x1": 9, "y1": 9, "label": "plate", "detector": "plates"}
    seen = {"video": f"{0:016x}", "frame": 7, "pts_s": 0.25, "confidence": 0.9} | box
    writer = manifest.Writer(layout.manifest(destination), "run-1")
    writer.add({"detections": [seen]})
    writer.close()
    page = report.render(destination, frames=1)
    assert not images(page)
    assert "the copy is not there any more" in text(page)
    assert in_all in text(page)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_frames_are_shown_as_a_player_shows_them(
    turn: int, ffmpeg: Ffmpeg, clip: Path, tmp_path: Path
) -> None:
    stored, turned = tmp_path / "stored.mp4", tmp_path / "turned.mp4"
    ffmpeg("-i", clip, "-vf", "setsar=2", "-frames:v", 20, "-bf", 2, stored)
    ffmpeg("-display_rotation:v", turn, "-i", stored, "-c", "copy", turned)
    # The program turns pictures by itself. The square has moved by the 11th.
    ffmpeg("-i", turned, "-vf", "select=eq(n\\,10)", "-frames:v", 1, tmp_path / "shown.png")
    shown = Image.open(tmp_path / "shown.png").convert("RGB")
    moment = contact_sheet.Moment(
        "", turned.as_uri(), turned.stat().st_size, {"face": 1}, 10, 10 / 30
    )
    picture = contact_sheet._picture(moment)
    (image,) = images(f'src="data:image/jpeg;base64,{picture.data}"')
    assert image.size == ((480, 135) if turn % 180 == 0 else (135, 480))
    wide = np.asarray(shown.resize(image.size), np.int16)
    assert np.abs(wide - np.asarray(image, np.int16)).mean() < 6
