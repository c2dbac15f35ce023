"""The formats of the world's number plates, as data: size, colours, rows of characters, bands."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

BLACK, WHITE, YELLOW = (18, 18, 20), (238, 238, 234), (246, 190, 20)
RED, GREEN, BLUE, NAVY = (190, 24, 30), (0, 110, 60), (0, 60, 170), (20, 30, 90)
SILVER, CREAM = (168, 172, 172), (232, 226, 196)


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
    ink: Colour | None = None


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
    rim: float = 0.6
    often: float = 1.0
    """How often it is drawn, in relation to the others."""


_EU = (0.085, (0, 50, 160), "*")
_WHITE_YELLOW = ((WHITE, BLACK), (YELLOW, BLACK))


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
        f"europe {code}", 520, 110, (row,), schemes, left=(*_EU[:2], f"*{code}"),
        right=(0.085, _EU[1], "") if right else None, seals=seals, often=often,
    )  # fmt: skip


_STATES = (
    "CALIFORNIA|TEXAS|FLORIDA|New York|OHIO|Georgia|Michigan|Illinois|VIRGINIA|Washington|ARIZONA|"
    "Massachusetts|Pennsylvania|New Jersey|COLORADO|Oregon|Wisconsin|ONTARIO|Québec|NEVADA|Maine"
)
_SLOGANS = (
    "Great Lakes State|Land of Lincoln|dmv.ca.gov|SUNSHINE STATE|Empire State|Garden State|"
    "Grand Canyon State|Yours to discover|EVERGREEN STATE|The Lone Star State|visitPA.com|Je me "
    "souviens|The Spirit of America|Pure Michigan|Birthplace of Aviation"
)
_AMERICAN = (
    (WHITE, NAVY), (WHITE, BLACK), (WHITE, RED), (WHITE, (20, 80, 50)), ((196, 214, 234), NAVY),
    ((240, 226, 170), NAVY), ((30, 44, 110), (240, 220, 110)), ((40, 40, 40), YELLOW),
    ((230, 214, 196), (70, 40, 30)), ((250, 206, 70), BLACK), ((30, 100, 70), WHITE),
    ((210, 226, 214), (20, 70, 50)), ((236, 176, 140), NAVY), ((90, 130, 180), WHITE),
)  # fmt: skip
_CITIES = (
    "SP - SÃO PAULO|RJ - RIO DE JANEIRO|MG - BELO HORIZONTE|PR - CURITIBA|BA - SALVADOR|"
    "RS - PORTO ALEGRE|DF - BRASÍLIA|SC - JOINVILLE|PE - RECIFE|GO - GOIÂNIA|CE - FORTALEZA"
)
_OLD_BRAZIL = ((SILVER, BLACK), (SILVER, BLACK), ((184, 30, 34), WHITE), (WHITE, RED))
_MERCOSUL = ((WHITE, BLACK), (WHITE, BLACK), (WHITE, RED), (WHITE, BLUE), (WHITE, GREEN))
_CHINA = (
    ((20, 62, 170), WHITE), ((20, 62, 170), WHITE), ((140, 220, 160), BLACK), (WHITE, BLACK),
    (YELLOW, BLACK), ((20, 20, 22), WHITE),
)  # fmt: skip
_JAPAN = (
    (WHITE, (0, 80, 50)), (WHITE, (0, 80, 50)), (YELLOW, BLACK), ((0, 90, 55), WHITE),
    (BLACK, YELLOW),
)  # fmt: skip
_PAKISTAN = (
    (WHITE, BLACK), (WHITE, BLACK), (BLACK, WHITE), ((240, 200, 60), BLACK), (WHITE, (20, 40, 120)),
)  # fmt: skip
_PROVINCES = "ICT-ISLAMABAD|ISLAMABAD|PUNJAB|SINDH|ICT|GOVT OF SINDH|K.P.K|LAHORE"

FORMATS: tuple[Format, ...] = (
    _european("D", "AAoAA 9999|AoAA 999|AAAoA 99|AoA 9999|AAoA 999\\E", seals=True, often=3),
    _european("F", "AA-999-AA", right=True, often=2),
    _european("I", "AA 999AA", right=True, often=2),
    _european("PL", "AA 99999|AAA 9999|AA 9999A|AAA AA99", seals=True, often=1.5),
    _european("RO", "\\B 99 AAA|\\B 999 AAA|AA 99 AAA", often=1.5),
    _european("S", "AAA 999|AAA 99A"),
    _european("E", "9999 AAA", often=1.5),
    _european("NL", "AA-999-A|99-AAA-9|A-999-AA", ((YELLOW, BLACK),), often=1.5),
    _european("GB", "AA99 AAA", _WHITE_YELLOW, often=2),
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
        "europe without band", 520, 110, (Row("AA99 AAA|A999 AAA|AAA 999X|AA\\·999999", 0.15, 0.85),),
        (*_WHITE_YELLOW, (WHITE, BLACK), (BLACK, SILVER)), often=2,
    ),
    Format(
        "europe two lines", 340, 200,
        (Row("AA99|AAo|AA-99|9AA", 0.08, 0.46, 0.14, 0.9), Row("AAA|AA 999|9999", 0.54, 0.92, 0.14)),
        (*_WHITE_YELLOW, (WHITE, BLACK), (WHITE, RED)), left=(0.12, _EU[1], "*D"), seals=True, often=2,
    ),
    Format(
        "europe export", 520, 110, (Row("AA 999A|A 99 AAA", 0.16, 0.84, 0.1, 0.88),),
        ((WHITE, BLACK), (RED, WHITE), (GREEN, WHITE), (WHITE, RED)), right=(0.09, RED, "99"), often=0.5,
    ),
    Format(
        "russia", 520, 112,
        (Row("A999AA", 0.2, 0.86, 0.03, 0.73), Row("999|99", 0.1, 0.6, 0.78, 0.97),
         Row("RUS", 0.68, 0.9, 0.78, 0.9)),
        ((WHITE, BLACK), (WHITE, BLACK), (YELLOW, BLACK), (BLUE, WHITE)),
    ),
    Format(
        "usa", 305, 152,
        (Row("AAA 9999|AAA\\·9999|9AAA999|AAA-999|999 AAA|A99 9AA|XXXXXX", 0.27, 0.77),
         Row(_STATES, 0.04, 0.2, 0.2, 0.8, words=True), Row(_SLOGANS, 0.84, 0.95, 0.25, 0.75, words=True)),
        _AMERICAN, faces=("condensed", "sans", "uni", "rubik", "mono"), picture=0.5, often=7,
    ),
    Format(
        "usa with side mark", 305, 152,
        (Row("9999 AA|999\\·AAA|AA 9999", 0.26, 0.78, 0.2, 0.97), Row("AA", 0.26, 0.5, 0.04, 0.16),
         Row("9A", 0.54, 0.78, 0.04, 0.16), Row(_STATES, 0.04, 0.18, 0.2, 0.8, words=True)),
        _AMERICAN, faces=("condensed", "sans", "uni", "rubik"), picture=0.4, often=2,
    ),
    Format(
        "brazil grey", 400, 130,
        (Row("AAA-9999|AAA 9999", 0.3, 0.9), Row(_CITIES, 0.08, 0.2, 0.25, 0.75, words=True)),
        _OLD_BRAZIL, faces=("condensed", "uni", "sans", "rubik"), often=3,
    ),
    Format(
        "brazil mercosul", 400, 130, (Row("AAA9A99", 0.32, 0.9, 0.05),),
        _MERCOSUL, top=(0.24, (0, 50, 150), "BRASIL"), often=3,
    ),
    Format(
        "argentina", 400, 130, (Row("AA 999 AA", 0.32, 0.9),),
        top=(0.24, (0, 50, 150), "REPUBLICA ARGENTINA"), often=0.7,
    ),
    Format("argentina old", 294, 129, (Row("AAA 999", 0.3, 0.86),), ((BLACK, WHITE),), often=0.5),
    Format("china", 440, 140, (Row("HA\\·XXXXX|HA\\·99999|HAX9999", 0.18, 0.84),), _CHINA, often=3),
    Format(
        "china two lines", 440, 220, (Row("H A", 0.08, 0.34, 0.2, 0.8), Row("9 9 9 9 9|X9999", 0.42, 0.92)),
        ((YELLOW, BLACK),),
    ),
    Format(
        "japan", 330, 165,
        (Row("K", 0.5, 0.78, 0.04, 0.15), Row("99-99|\\··-99|\\···9|\\·9-99", 0.42, 0.92, 0.17, 0.97),
         Row("品川 500|横浜 330|練馬 300|名古屋 53|大阪 581|神戸 33|京都 480|札幌 302|福岡 11", 0.08, 0.34, 0.2, 0.8, words=True)),
        _JAPAN, faces=("sans", "rubik", "condensed"), often=3,
    ),
    Format("india", 500, 120, (Row("AA 99 AA 9999|AA99AA9999|AA 99 A 9999", 0.2, 0.8),),
           ((WHITE, BLACK), (WHITE, BLACK), (YELLOW, BLACK), (BLACK, YELLOW), (GREEN, WHITE)),
           left=(0.06, WHITE, "IND"), often=2),
    Format("india two lines", 340, 200, (Row("AA 99 A|AA99AA", 0.1, 0.46), Row("9999", 0.54, 0.9)),
           ((WHITE, BLACK), (YELLOW, BLACK)), often=1.5),
    Format("pakistan two lines", 320, 170,
           (Row("AAA|AA - 99|AAA-99", 0.08, 0.48), Row("999|9999", 0.52, 0.92)), _PAKISTAN, often=1.5),
    Format("pakistan", 330, 165,
           (Row("AAA-999|AA\\·999|AAA 999|AA - 999", 0.2, 0.7, 0.16), Row(_PROVINCES, 0.78, 0.92, 0.2, 0.8, words=True)),
           _PAKISTAN, left=(0.14, (40, 100, 160), ""), often=1.5),
    Format("pakistan punjab", 330, 165, (Row("AAA|AA 99|AAA 99", 0.08, 0.46, 0.28), Row("9999|999", 0.54, 0.92, 0.28)),
           left=(0.24, (40, 150, 110), "")),
    Format("gulf", 520, 110, (Row("99999|9 99999", 0.16, 0.84, 0.36, 0.97), Row("دبي|أبوظبي|الشارقة|قطر|الكويت|عمان", 0.1, 0.5, 0.05, 0.32, words=True),
           Row("DUBAI|A.D|SHJ|QATAR|KUWAIT|OMAN", 0.58, 0.86, 0.05, 0.32, words=True)),
           ((WHITE, BLACK), (WHITE, BLACK), (YELLOW, BLACK), (WHITE, RED)), often=1.5),
    Format("saudi", 310, 155, (Row("EEEE", 0.08, 0.46, 0.04, 0.44), Row("R R R", 0.08, 0.46, 0.48, 0.88),
           Row("9999", 0.56, 0.9, 0.04, 0.44), Row("A A A", 0.56, 0.9, 0.48, 0.88)),
           right=(0.1, WHITE, ""), often=1.2),
    Format("egypt", 350, 170, (Row("EEEE|EEE", 0.38, 0.9, 0.04, 0.48), Row("R R R|R R", 0.38, 0.9, 0.52, 0.96)),
           top=(0.3, (90, 150, 210), "EGYPT   مصر"), often=1.2),
    Format("israel", 520, 110, (Row("99-999-99|999-99-999", 0.16, 0.84, 0.1),), ((YELLOW, BLACK),), left=_EU, often=1.2),
    Format("korea", 520, 110, (Row("999\\가 9999|99\\나 9999|123\\호 9999", 0.16, 0.84, 0.07),), ((WHITE, BLACK), (YELLOW, BLACK)),
           left=(0.06, BLUE, "")),
    Format("thailand", 340, 150, (Row("9XX 9999|AA 999", 0.12, 0.66), Row("BANGKOK|CHIANG MAI", 0.76, 0.92, 0.2, 0.8, words=True))),
    Format("malaysia", 480, 110, (Row("AAA 9999|A 9999 A", 0.16, 0.84),), ((BLACK, WHITE),)),
    Format("indonesia", 395, 135, (Row("\\B 9999 AAA|AA 999 AA", 0.1, 0.68), Row("99·99", 0.74, 0.94, 0.35, 0.65)),
           ((BLACK, WHITE), (WHITE, BLACK), (YELLOW, BLACK))),
    Format("iran", 520, 110, (Row("EE R EEE", 0.16, 0.84, 0.08, 0.8), Row("EE", 0.3, 0.88, 0.83, 0.97)), left=(0.07, BLUE, "IR")),
    Format("australia", 372, 134, (Row("AAA-99A|999 AAA|9AA 9AA", 0.12, 0.72), Row("NSW|VICTORIA|QUEENSLAND", 0.8, 0.94, 0.2, 0.8, words=True)),
           ((WHITE, (110, 20, 60)), (YELLOW, BLACK), (WHITE, BLUE), (WHITE, BLACK)), faces=("condensed", "sans", "uni")),
    Format("south africa", 440, 120, (Row("AA 99 AA GP|AAA 999 GP|CA 999-999", 0.16, 0.84),), ((WHITE, BLACK), (WHITE, NAVY), (YELLOW, BLACK)), picture=0.3),
    Format("mexico", 300, 150, (Row("AAA-999-A|AA-9999-A", 0.3, 0.74), Row("JALISCO|DISTRITO FEDERAL|PUEBLA|NUEVO LEÓN", 0.05, 0.2, 0.2, 0.8, words=True)),
           _AMERICAN, faces=("condensed", "sans", "uni"), picture=0.6),
    Format("motorcycle europe", 220, 200, (Row("AA|AA 9|AA99", 0.08, 0.46, 0.15, 0.95), Row("AAA|999|9999", 0.54, 0.92, 0.15)),
           (*_WHITE_YELLOW, (WHITE, BLACK)), left=(0.13, _EU[1], ""), seals=True, often=1.5),
    Format("motorcycle", 200, 170, (Row("AAA|AA 99|99 AA", 0.1, 0.46), Row("9999|999", 0.52, 0.92)),
           ((WHITE, BLACK), (SILVER, BLACK), (YELLOW, BLACK), (BLACK, WHITE), (WHITE, RED)), often=2),
    Format("motorcycle mercosul", 200, 170, (Row("AAA", 0.26, 0.58), Row("9A99", 0.62, 0.94)), _MERCOSUL, top=(0.18, (0, 50, 150), "BRASIL")),
    Format("motorcycle usa", 178, 102, (Row("99A999|9A9999|AAA99", 0.3, 0.8), Row(_STATES, 0.06, 0.22, 0.2, 0.8, words=True)), _AMERICAN, picture=0.4),
)  # fmt: skip
