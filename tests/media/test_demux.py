"""What opening a video costs, whatever the file says of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fixture_types import Ffmpeg

LARGE = "color=gray:s=12000x12000:r=1"
SCANNED = """
import resource, sys
from redact_dask.config import EncodeSettings
from redact_dask.errors import VideoError
from redact_dask.media import index

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    index.scan(sys.argv[1], EncodeSettings())
except VideoError as error:
    print(type(error).__name__, error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def scanned(path: Path) -> tuple[str, int]:
    """Return the error of scanning a video in a process of its own, and what memory it took, MiB.

    The highest memory is that of a process's whole life, so it needs one of its own.
    """
    command = [sys.executable, "-c", SCANNED, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    error, mib = done.stdout.splitlines()
    return error, int(mib)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Ffmpeg) -> Path:
    """A raw H.264 stream of one grey picture, which takes 216 MB in memory."""
    path = tmp_path_factory.mktemp("large") / "large.h264"
    codec = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"]
    ffmpeg("-f", "lavfi", "-i", LARGE, "-frames:v", "1", *codec, path)
    assert path.stat().st_size < 500_000
    return path


@pytest.mark.parametrize("container", ["large.mp4", "large.ts"])
def test_a_small_file_of_a_huge_picture_takes_little_memory(
    container: str, large: Path, tmp_path: Path, ffmpeg: Ffmpeg
) -> None:
    path = tmp_path / container
    ffmpeg("-i", large, "-c", "copy", path)
    error, mib = scanned(path)
    assert "pictures of 12000x12000 pixels are larger than H.264's highest level allows" in error
    assert mib < 120


def test_a_huge_picture_whose_size_only_its_decoder_reads(tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    path = tmp_path / "large.mkv"
    ffmpeg("-f", "lavfi", "-i", LARGE, "-frames:v", "1", "-pix_fmt", "pal8", "-c:v", "png", path)
    error, mib = scanned(path)
    assert error.startswith(
        "UnsupportedVideo it does not tell the size of its pictures, or they are"
    )
    assert "35,651,584 pixels" in error
    assert mib < 120


def test_a_picture_that_grows_in_the_middle_takes_little_memory(
    large: Path, tmp_path: Path, ffmpeg: Ffmpeg
) -> None:
    small, path = tmp_path / "small.h264", tmp_path / "grows.h264"
    ffmpeg("-f", "lavfi", "-i", "color=gray:s=320x180:r=1", "-frames:v", "9", small)
    path.write_bytes(small.read_bytes() + large.read_bytes())
    error, mib = scanned(path)
    assert error.startswith("DamagedVideo")
    assert mib < 120


def test_the_largest_picture_of_h264_is_taken(tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    path = tmp_path / "8k.mp4"
    large = ("-f", "lavfi", "-i", "color=gray:s=8192x4352:r=1", "-frames:v", "1")
    ffmpeg(*large, "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", path)
    command = [sys.executable, "-c", SCANNED, str(path)]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.count(b"\n") == 1
