"""What a run has left open on purpose is what a review names first."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from decoded import pictures
from distributed import Client
from fixture_types import Ffmpeg
from magenta import MAGENTA, excess
from program import invoke

import redact_dask
from redact_dask import storage
from redact_dask.media.stills import stills
from redact_dask.review import copied_stream, ranking
from redact_dask.review.doubts import Kind

SOLID: dict[str, Any] = {"redact": {"style": "solid"}}


def test_a_face_that_is_left_open_on_purpose_is_named(
    clip: Path, client: Client, tmp_path: Path
) -> None:
    for name, start in (("hidden", 0.3), ("open", 0.95)):
        redact_dask.redact(clip, tmp_path / name, MAGENTA | {"track": {"start": start}}, client)
    assert ranking.ranked(storage.canonical(str(tmp_path / "hidden")), 9) == []
    (found,) = ranking.ranked(storage.canonical(str(tmp_path / "open")), 9)
    (doubt,) = found.doubts
    assert (found.path, doubt.kind, doubt.first, doubt.last) == ("clip.mp4", Kind.OPEN, 0, 89)
    assert doubt.weight > 0.85


@pytest.mark.parametrize("name", ["cvat", "coco"])
def test_what_another_tool_changes_is_what_the_next_run_hides(
    name: str, clip: Path, client: Client, tmp_path: Path
) -> None:
    destination, file = tmp_path / "redacted", tmp_path / "boxes"

    def run() -> None:
        assert redact_dask.redact(clip, destination, MAGENTA | SOLID, client).published == 1

    def is_seen(frame: int) -> bool:
        shown = excess(pictures(destination / "clip.mp4", "rgb24")[frame])
        return int((shown > 60).sum()) > 16  # The codec smears a few pixels where it was.

    def taken_up(*options: str) -> str:
        result = invoke("review", "import", destination, "clip.mp4", file, *options)
        assert result.exit_code == 0, result.output
        return result.stdout

    run()
    told = invoke("review", "export", destination, "clip.mp4", file, "--format", name)
    assert "90 boxes on 90 frames of clip.mp4 are in" in told.stdout
    assert "no edit was made" in taken_up()
    file.write_text(without(file.read_text(), range(40, 50)))
    assert "1 edits of clip.mp4: 0 boxes more are hidden, 10 are shown" in taken_up("--as", "ada")
    refused = invoke("review", "import", destination, "clip.mp4", file)
    assert refused.exit_code == 2
    assert "edits that its copy does not follow yet" in " ".join(refused.stderr.split())
    run()
    assert [frame for frame in (39, 40, 49, 50) if is_seen(frame)] == [40, 49]
    refused = invoke("review", "import", destination, "clip.mp4", file)
    assert refused.exit_code == 2
    assert "exported from an earlier copy" in " ".join(refused.stderr.split())


def without(text: str, frames: range) -> str:
    """Return a file of CVAT or COCO without the boxes of some frames."""
    if text.startswith("{"):
        content = json.loads(text)
        left = [one for one in content["annotations"] if one["image_id"] not in frames]
        return json.dumps(content | {"annotations": left})
    return re.sub(
        r'(<box frame="(\d+)" outside=)"0"',
        lambda found: f'{found[1]}"{int(found[2]) in frames:d}"',
        text,
    )


def test_the_size_of_a_turned_copy_is_that_of_the_upright_picture(
    ffmpeg: Ffmpeg, clip: Path, client: Client, tmp_path: Path
) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", clip, "-c", "copy", turned)
    redact_dask.redact(turned, tmp_path / "redacted", MAGENTA, client)
    copy = copied_stream.opened(storage.canonical(str(tmp_path / "redacted")), "turned.mp4")
    assert (copy.upright.width, copy.upright.height) == (320, 180)
    assert copy.upright.size == (180, 320)
    # The square's left edge is at 12 + 2 n in the stored picture, which is turned to the left.
    x0, y0, x1, y1 = copy.upright.shown(copy.regions.box[0])
    image = next(picture for _, picture in stills(str(tmp_path / "redacted/turned.mp4"), 0, 0))
    assert image.size == copy.upright.size
    source = next(picture for _, picture in stills(str(turned), 0, 0))
    rows, columns = np.nonzero(excess(np.asarray(source)) > 60)
    assert x0 <= columns.min() < columns.max() < x1
    assert y0 <= rows.min() < rows.max() < y1
