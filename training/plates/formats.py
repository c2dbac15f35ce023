"""What describes a format of number plates: size, colours, rows of characters, bands."""

from __future__ import annotations

from dataclasses import dataclass

from training.plates.painting import Colour

BLACK, WHITE, YELLOW = (18, 18, 20), (238, 238, 234), (246, 190, 20)
RED, GREEN, BLUE, NAVY = (190, 24, 30), (0, 110, 60), (0, 60, 170), (20, 30, 90)
SILVER = (168, 172, 172)


@dataclass(frozen=True)
class Row:
    """One line of characters; places are shares of the plate's width and height.

    `pattern` is what `lettering.fill` reads; several, parted by ``|``, are ways to fill it. A row
    of `words` is one text instead (a city, a slogan), chosen among those parted by ``|``.
    """

    pattern: str
    top: float
    bottom: float
    left: float = 0.04
    right: float = 0.96
    words: bool = False


@dataclass(frozen=True)
class Format:
    """What the plates of one kind have in common.

    `schemes` are pairs of background and ink, one of which a plate has. `left`, `right` and `top`
    are bands: a share of the width or height, a colour, and a text or "" or "*" for stars.
    `picture` is the chance that something is printed behind the characters.
    """

    name: str
    width_mm: int
    height_mm: int
    rows: tuple[Row, ...]
    schemes: tuple[tuple[Colour, Colour], ...] = ((WHITE, BLACK),)
    left: tuple[float, Colour, str] | None = None
    right: tuple[float, Colour, str] | None = None
    top: tuple[float, Colour, str] | None = None
    faces: tuple[str, ...] = ("rubik", "mono", "sans", "uni")
    seals: bool = False
    picture: float = 0.0
    often: float = 1.0
    """How often it is drawn, in relation to the others."""


EU = (0.085, (0, 50, 160), "*")
"""The band of the European Union: share of the width, colour, stars."""
WHITE_YELLOW = ((WHITE, BLACK), (YELLOW, BLACK))
