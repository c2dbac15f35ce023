"""The number plates of Europe."""

from __future__ import annotations

from training.plates.formats import (
    BLACK,
    BLUE,
    EU,
    GREEN,
    RED,
    SILVER,
    WHITE,
    WHITE_YELLOW,
    YELLOW,
    Format,
    Row,
)
from training.plates.painting import Colour


def _european(
    code: str,
    patterns: str,
    schemes: tuple[tuple[Colour, Colour], ...] = ((WHITE, BLACK),),
    *,
    right: bool = False,
    seals: bool = False,
    often: float = 1.0,
) -> Format:
    """Return one line on 520 by 110 mm, beside the band of the European Union with `code`."""
    row = Row(patterns, 0.16, 0.84, 0.105, 0.9 if right else 0.975)
    return Format(
        f"europe {code}",
        520,
        110,
        (row,),
        schemes,
        left=(*EU[:2], f"*{code}"),
        right=(0.085, EU[1], "") if right else None,
        seals=seals,
        often=often,
    )


FORMATS: tuple[Format, ...] = (
    _european("D", "AAoAA 9999|AoAA 999|AAAoA 99|AoA 9999|AAoA 999\\E", seals=True, often=3),
    _european("F", "AA-999-AA", right=True, often=2),
    _european("I", "AA 999AA", right=True, often=2),
    _european("PL", "AA 99999|AAA 9999|AA 9999A|AAA AA99", seals=True, often=1.5),
    _european("RO", "\\B 99 AAA|\\B 999 AAA|AA 99 AAA", often=1.5),
    _european("S", "AAA 999|AAA 99A"),
    _european("E", "9999 AAA", often=1.5),
    _european("NL", "AA-999-A|99-AAA-9|A-999-AA", ((YELLOW, BLACK),), often=1.5),
    _european("GB", "AA99 AAA", WHITE_YELLOW, often=2),
    _european("L", "AA 9999|99999", ((YELLOW, BLACK),), often=0.5),
    _european("B", "9-AAA-999", ((WHITE, (150, 20, 40)),)),
    _european("A", "AoAA 999A|AA o999 AA|A o99999A", seals=True),
    _european("CZ", "9A9 9999", seals=True),
    _european("P", "AA 99 AA|99-AA-99", right=True),
    _european("H", "AAA-999|AA AA-999"),
    _european("GR", "AAA-9999"),
    _european("SK", "AA o999AA", ((WHITE, BLACK), (WHITE, GREEN)), seals=True),
    _european("IRL", "999-A-9999|99-A-99999"),
    _european("SLO", "AA o99-AAA", ((WHITE, GREEN),), seals=True, often=0.5),
    _european("UA", "AA 9999 AA"),
    _european("N", "AA 99999", ((WHITE, BLACK), (GREEN, BLACK))),
    _european("DK", "AA 99 999", ((WHITE, BLACK), (YELLOW, BLACK)), often=0.7),
    _european("TR", "99 AA 9999|99 AAA 99|99 A 9999"),
    Format(
        "europe without band",
        520,
        110,
        (Row("AA99 AAA|A999 AAA|AAA 999X|AA\\·999999", 0.15, 0.85),),
        (*WHITE_YELLOW, (WHITE, BLACK), (BLACK, SILVER)),
        often=2,
    ),
    Format(
        "europe two lines",
        340,
        200,
        (
            Row("AA99|AAo|AA-99|9AA", 0.08, 0.46, 0.14, 0.9),
            Row("AAA|AA 999|9999", 0.54, 0.92, 0.14),
        ),
        (*WHITE_YELLOW, (WHITE, BLACK), (WHITE, RED)),
        left=(0.12, EU[1], "*D"),
        seals=True,
        often=2,
    ),
    Format(
        "europe export",
        520,
        110,
        (Row("AA 999A|A 99 AAA", 0.16, 0.84, 0.1, 0.88),),
        ((WHITE, BLACK), (RED, WHITE), (GREEN, WHITE), (WHITE, RED)),
        right=(0.09, RED, "99"),
        often=0.5,
    ),
    Format(
        "russia",
        520,
        112,
        (
            Row("A999AA", 0.2, 0.86, 0.03, 0.73),
            Row("999|99", 0.1, 0.6, 0.78, 0.97),
            Row("\\RUS", 0.68, 0.9, 0.78, 0.9),
        ),
        ((WHITE, BLACK), (WHITE, BLACK), (YELLOW, BLACK), (BLUE, WHITE)),
    ),
    Format(
        "motorcycle europe",
        220,
        200,
        (Row("AA|AA 9|AA99", 0.08, 0.46, 0.15, 0.95), Row("AAA|999|9999", 0.54, 0.92, 0.15)),
        (*WHITE_YELLOW, (WHITE, BLACK)),
        left=(0.13, EU[1], ""),
        seals=True,
        often=1.5,
    ),
)
