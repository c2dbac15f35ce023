"""Letters of any script as masks, which plates and signs are written with.

The fonts are those inside OpenCV 5: Rubik (SIL Open Font License) and WenQuanYi Micro Hei (Apache
License 2.0), and those inside matplotlib: DejaVu (Bitstream Vera licence).
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
"""How much ink a pixel holds, 0 to 255; shape (height, width)."""

FACES = ("rubik", "uni", "sans", "mono", "condensed", "serif")
"""Names of the fonts; every one writes Latin, and OpenCV's own lend all other scripts."""
_FILES = {
    "sans": "DejaVuSans-Bold",
    "condensed": "DejaVuSans",
    "mono": "DejaVuSansMono-Bold",
    "serif": "DejaVuSerif-Bold",
}
_SIZE = 120
"""Size at which letters are drawn before they are scaled, pixels."""

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
DIGITS = "0123456789"
HANZI = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼学警领"
KANA = "さすせそたちつてとなにぬねのはひふほまみむめもやゆらりるろあいうえかきくけこわ"
ARABIC = "ابحدرسصطعفقكلمنهوى"
ARABIC_DIGITS = "١٢٣٤٥٦٧٨٩"
_ALPHABETS = {
    "A": LETTERS, "9": DIGITS, "H": HANZI, "K": KANA, "R": ARABIC, "E": ARABIC_DIGITS,
    "X": LETTERS + DIGITS,
}  # fmt: skip


def fill(rng: np.random.Generator, pattern: str) -> str:
    """Return `pattern` with random characters: A letter, 9 digit, X either, H hanzi, K kana.

    R and E stand for an Arabic letter and an Arabic digit; a character after a backslash stands
    for itself, and so does every other one.
    """
    text, plain = "", False
    for sign in pattern:
        if sign == "\\":
            plain = True
            continue
        alphabet = sign if plain else _ALPHABETS.get(sign, sign)
        text += alphabet[int(rng.integers(len(alphabet)))]
        plain = False
    return text


@cache
def _face(name: str) -> cv2.FontFace:
    if name in _FILES:
        folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
        return cv2.FontFace(str(folder / f"{_FILES[name]}.ttf"))
    return cv2.FontFace("sans" if name == "rubik" else name)


def _drawn(text: str, face: str, weight: int) -> Mask:
    """Draw `text` with its baseline at 2 `_SIZE`, in a mask 3 `_SIZE` high, cut at its sides."""
    canvas = np.zeros((3 * _SIZE, (len(text) + 2) * _SIZE * 3 // 2, 1), np.uint8)
    latin = all(ord(sign) < 0x250 for sign in text)
    font = _face(face if latin else "uni")
    cv2.putText(canvas, text, (_SIZE // 2, 2 * _SIZE), (255,), font, _SIZE, weight)
    mask = canvas[:, :, 0]
    if not latin and weight > 500:  # the other scripts come in one weight only
        mask = cv2.dilate(mask, np.ones((5, 5), np.uint8)).astype(np.uint8)
    columns = np.flatnonzero(mask.max(axis=0))
    if not len(columns):
        return np.zeros((3 * _SIZE, _SIZE // 3), np.uint8)
    return mask[:, columns[0] : columns[-1] + 1]


@lru_cache(maxsize=4096)
def letter(sign: str, face: str, weight: int) -> Mask:
    """Return one character, as high as capitals are; small signs keep their place in the line."""
    mask = _drawn(sign, face, weight)
    if ord(sign) >= 0x250:
        return _cut(mask)
    rows = np.flatnonzero(_drawn("H", face, weight).max(axis=1))
    return mask[rows[0] : rows[-1] + 1]


@lru_cache(maxsize=4096)
def word(text: str, face: str, weight: int) -> Mask:
    """Return a whole text, cut on all sides to its ink."""
    return _cut(_drawn(text, face, weight))


def _cut(mask: Mask) -> Mask:
    rows = np.flatnonzero(mask.max(axis=1))
    return mask[rows[0] : rows[-1] + 1] if len(rows) else mask


def line(text: str, width: int, height: int, face: str, weight: int, stretch: float) -> Mask:
    """Return a mask (`height`, `width`) with the characters of `text` in its middle.

    Parameters
    ----------
    text
        Characters; a space is a gap, and ``o`` the wider gap where a seal sits.
    width, height
        Of the mask, pixels: capitals are as high as the mask.
    face, weight
        Font, one of `FACES`, and its boldness, 100 to 900.
    stretch
        Width of a character in relation to the font's; less where the line would not fit.
    """
    gaps = {" ": 0.32, "o": 0.5}
    glyphs = [None if sign in gaps else letter(sign, face, weight) for sign in text]
    shares = [
        gaps[sign] if glyph is None else stretch * glyph.shape[1] / glyph.shape[0] + 0.11
        for sign, glyph in zip(text, glyphs, strict=True)
    ]
    fit = min(height, width / max(sum(shares), 0.1))
    mask = np.zeros((height, width), np.uint8)
    x = (width - fit * sum(shares)) / 2
    for glyph, share in zip(glyphs, shares, strict=True):
        wide = round(fit * (share - 0.11))
        if glyph is not None and wide > 0:
            left = max(0, round(x + fit * 0.055))
            small = cv2.resize(glyph, (wide, height), interpolation=cv2.INTER_AREA)
            part = mask[:, left : left + wide]
            np.maximum(part, small[:, : part.shape[1]], out=part)
        x += fit * share
    return mask


def fitted(text: str, width: int, height: int, face: str, weight: int) -> Mask:
    """Return a mask (`height`, `width`) with `text` as large as it fits, undistorted, centred."""
    drawn = word(text, face, weight)
    scale = min(width / drawn.shape[1], height / drawn.shape[0])
    size = (max(1, int(drawn.shape[1] * scale)), max(1, int(drawn.shape[0] * scale)))
    mask = np.zeros((height, width), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    mask[top : top + size[1], left : left + size[0]] = cv2.resize(
        drawn, size, interpolation=cv2.INTER_AREA
    )
    return mask
