"""The number plates of North and South America."""

from __future__ import annotations

from training.plates.formats import (
    BLACK,
    BLUE,
    GREEN,
    NAVY,
    RED,
    SILVER,
    WHITE,
    YELLOW,
    Format,
    Row,
)

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
    (WHITE, NAVY),
    (WHITE, BLACK),
    (WHITE, RED),
    (WHITE, (20, 80, 50)),
    ((196, 214, 234), NAVY),
    ((240, 226, 170), NAVY),
    ((30, 44, 110), (240, 220, 110)),
    ((40, 40, 40), YELLOW),
    ((230, 214, 196), (70, 40, 30)),
    ((250, 206, 70), BLACK),
    ((30, 100, 70), WHITE),
    ((210, 226, 214), (20, 70, 50)),
    ((236, 176, 140), NAVY),
    ((90, 130, 180), WHITE),
)
_CITIES = (
    "SP - SÃO PAULO|RJ - RIO DE JANEIRO|MG - BELO HORIZONTE|PR - CURITIBA|BA - SALVADOR|"
    "RS - PORTO ALEGRE|DF - BRASÍLIA|SC - JOINVILLE|PE - RECIFE|GO - GOIÂNIA|CE - FORTALEZA"
)
_OLD_BRAZIL = ((SILVER, BLACK), (SILVER, BLACK), ((184, 30, 34), WHITE), (WHITE, RED))
_OLD_BRAZIL = ((SILVER, BLACK), (SILVER, BLACK), ((184, 30, 34), WHITE), (WHITE, RED))
_MERCOSUL = ((WHITE, BLACK), (WHITE, BLACK), (WHITE, RED), (WHITE, BLUE), (WHITE, GREEN))

FORMATS: tuple[Format, ...] = (
    Format(
        "usa",
        305,
        152,
        (
            Row("AAA 9999|AAA\\·9999|9AAA999|AAA-999|999 AAA|A99 9AA|XXXXXX", 0.27, 0.77),
            Row(_STATES, 0.04, 0.2, 0.2, 0.8, words=True),
            Row(_SLOGANS, 0.84, 0.95, 0.25, 0.75, words=True),
        ),
        _AMERICAN,
        faces=("condensed", "sans", "uni", "rubik", "mono"),
        picture=0.5,
        often=7,
    ),
    Format(
        "usa with side mark",
        305,
        152,
        (
            Row("9999 AA|999\\·AAA|AA 9999", 0.26, 0.78, 0.2, 0.97),
            Row("AA", 0.26, 0.5, 0.04, 0.16),
            Row("9A", 0.54, 0.78, 0.04, 0.16),
            Row(_STATES, 0.04, 0.18, 0.2, 0.8, words=True),
        ),
        _AMERICAN,
        faces=("condensed", "sans", "uni", "rubik"),
        picture=0.4,
        often=2,
    ),
    Format(
        "brazil grey",
        400,
        130,
        (Row("AAA-9999|AAA 9999", 0.3, 0.9), Row(_CITIES, 0.08, 0.2, 0.25, 0.75, words=True)),
        _OLD_BRAZIL,
        faces=("condensed", "uni", "sans", "rubik"),
        often=3,
    ),
    Format(
        "brazil mercosul",
        400,
        130,
        (Row("AAA9A99", 0.32, 0.9, 0.05),),
        _MERCOSUL,
        top=(0.24, (0, 50, 150), "BRASIL"),
        often=3,
    ),
    Format(
        "argentina",
        400,
        130,
        (Row("AA 999 AA", 0.32, 0.9),),
        top=(0.24, (0, 50, 150), "REPUBLICA ARGENTINA"),
        often=0.7,
    ),
    Format("argentina old", 294, 129, (Row("AAA 999", 0.3, 0.86),), ((BLACK, WHITE),), often=0.5),
    Format(
        "mexico",
        300,
        150,
        (
            Row("AAA-999-A|AA-9999-A", 0.3, 0.74),
            Row("JALISCO|DISTRITO FEDERAL|PUEBLA|NUEVO LEÓN", 0.05, 0.2, 0.2, 0.8, words=True),
        ),
        _AMERICAN,
        faces=("condensed", "sans", "uni"),
        picture=0.6,
    ),
    Format(
        "motorcycle mercosul",
        200,
        170,
        (Row("AAA", 0.26, 0.58), Row("9A99", 0.62, 0.94)),
        _MERCOSUL,
        top=(0.18, (0, 50, 150), "BRASIL"),
    ),
    Format(
        "motorcycle usa",
        178,
        102,
        (Row("99A999|9A9999|AAA99", 0.3, 0.8), Row(_STATES, 0.06, 0.22, 0.2, 0.8, words=True)),
        _AMERICAN,
        picture=0.4,
    ),
)
