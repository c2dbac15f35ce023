"""A raw H.264 stream whose pictures are fields, as cameras write it and no encoder at hand does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 96, 64
"""Size of a frame, pixels; a field has half of the height."""
_GREY, _MAGENTA = (110, 128, 128), (106, 202, 222)
_BLOCKS = (WIDTH // 16) * (HEIGHT // 2 // 16)
_SETS = (
    # Main profile, level 2.1, 4 bits a frame number and order, 2 references, 6x2x2 macroblocks.
    "01100111" + "01001101" + "00000000" + "00010101" + "1111" + "0110" + "00110" + "010" + "00100",
    "01101000" + "1100111" + "000" + "111" + "000",
)


def paff(frames: int, gop: int = 4) -> bytes:
    """Write frames as pairs of fields, the upper one first: grey with a magenta square in each GOP.

    The square is 16 wide and 16 high, and 8 pixels further right in each GOP. The first frame of a
    GOP is intra-coded, the others repeat it. The file names no frame rate.
    """
    stream = b"".join(_unit(int(bits[:8], 2), bits[8:]) for bits in _SETS)
    for number in range(frames):
        place = number % gop
        for bottom in (0, 1):
            slices = _intra if place == 0 else _repeated
            stream += slices(place, bottom, number // gop)
    return stream


def _intra(place: int, bottom: int, gop: int) -> bytes:
    """Write a field of samples (I_PCM); the upper one is an IDR picture."""
    idr = "" if bottom else f"{_ue(gop % 2)}"
    header = _ue(0) + _ue(7) + _ue(0) + f"{place:04b}1{bottom}{idr}{2 * place + bottom:04b}"
    text = header + ("0" if bottom else "00") + _ue(0)
    data, kind = b"", 0x61 if bottom else 0x65
    for block in _blocks(_picture(gop)):
        text += _ue(25)
        text += "0" * (-len(text) % 8)
        data += int(text, 2).to_bytes(len(text) // 8) + block
        text = ""
    return b"\0\0\0\1" + bytes([kind]) + data.replace(b"\0\0", b"\0\0\3") + b"\x80"


def _repeated(place: int, bottom: int, gop: int) -> bytes:
    """Write a field that repeats the same field of the frame before."""
    header = _ue(0) + _ue(5) + _ue(0) + f"{place:04b}1{bottom}{2 * place + bottom:04b}"
    return _unit(0x61, header + "000" + _ue(0) + _ue(_BLOCKS))


def _picture(gop: int) -> list[NDArray[np.uint8]]:
    """Draw a field, as three planes."""
    planes = []
    for size, grey, magenta in zip((1, 2, 2), _GREY, _MAGENTA, strict=True):
        plane = np.full((HEIGHT // 2 // size, WIDTH // size), grey, np.uint8)
        x = (8 + 8 * gop) // size
        plane[8 // size : 16 // size, x : x + 16 // size] = magenta
        planes.append(plane)
    return planes


def _blocks(planes: Sequence[NDArray[np.uint8]]) -> list[bytes]:
    """Cut a field into macroblocks."""
    return [
        b"".join(
            plane[size * row : size * (row + 1), size * column : size * (column + 1)].tobytes()
            for plane, size in zip(planes, (16, 8, 8), strict=True)
        )
        for row in range(HEIGHT // 2 // 16)
        for column in range(WIDTH // 16)
    ]


def _unit(header: int, bits: str) -> bytes:
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    content = int(bits, 2).to_bytes(len(bits) // 8)
    return b"\0\0\0\1" + bytes([header]) + content


def _ue(value: int) -> str:
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits
