"""A frame is found by its number, whatever the container and wherever its GOP is."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from fixture_types import Ffmpeg, MakeClip
from PIL import Image

from redact_dask.media.stills import stills


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov")


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("mp4", ()), ("mp4", FRAGMENTS), ("mkv", ()), ("ts", ()), ("avi", ()), ("mov", ())],
)
def test_a_frame_is_found_by_its_number(
    suffix: str, options: tuple[str, ...], clip: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = tmp_path / f"copy.{suffix}"
    ffmpeg("-i", clip, "-c", "copy", "-an", *options, path)
    with av.open(str(clip)) as container:
        every = [pixels(frame.to_image()) for frame in container.decode(video=0)]
    assert len(every) == 90
    for first, last in ((0, 1), (13, 16), (44, 46), (89, 90)):
        found = [*stills(path.as_uri(), first, last)]
        assert [number for number, _ in found] == [*range(first, min(last, 89) + 1)]
        for number, image in found:
            assert np.array_equal(pixels(image), every[number])
    assert not [*stills(path.as_uri(), 90, 91)]


def test_mp4_is_read_from_the_gop_on(
    make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(tmp_path / "long.mp4", "-b:v", "8M", frames=600, audio=False)
    read = 0
    real = Path(path).stat().st_size

    class Counted:
        def __init__(self, file: object) -> None:
            self.file = file
            self.name = file.name

        def read(self, size: int) -> bytes:
            nonlocal read
            found = self.file.read(size)
            read += len(found)
            return found

        def seek(self, *where: int) -> int:
            return self.file.seek(*where)

        def tell(self) -> int:
            return self.file.tell()

    monkeypatch.setattr("redact_dask.media.demux._Source", Counted)
    ((number, _),) = stills(path.as_uri(), 590, 590)
    assert number == 590
    assert read < real / 3
