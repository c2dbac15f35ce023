"""The number plates of Asia, Africa and Australia."""

from __future__ import annotations

from training.plates.formats import (
    BLACK,
    BLUE,
    EU,
    GREEN,
    NAVY,
    RED,
    SILVER,
    WHITE,
    YELLOW,
    Format,
    Row,
)

_CHINA = (
    ((20, 62, 170), WHITE),
    ((20, 62, 170), WHITE),
    ((140, 220, 160), BLACK),
    (WHITE, BLACK),
    (YELLOW, BLACK),
    ((20, 20, 22), WHITE),
)
_JAPAN = (
    (WHITE, (0, 80, 50)),
    (WHITE, (0, 80, 50)),
    (YELLOW, BLACK),
    ((0, 90, 55), WHITE),
    (BLACK, YELLOW),
)
_PAKISTAN = (
    (WHITE, BLACK),
    (WHITE, BLACK),
    (BLACK, WHITE),
    ((240, 200, 60), BLACK),
    (WHITE, (20, 40, 120)),
)
_PROVINCES = "ICT-ISLAMABAD|ISLAMABAD|PUNJAB|SINDH|ICT|GOVT OF SINDH|K.P.K|LAHORE"


FORMATS: tuple[Format, ...] = (
    Format("china", 440, 140, (Row("HA\\·XXXXX|HA\\·99999|HAX9999", 0.18, 0.84),), _CHINA, often=3),
    Format(
        "china two lines",
        440,
        220,
        (Row("H A", 0.08, 0.34, 0.2, 0.8), Row("9 9 9 9 9|X9999", 0.42, 0.92)),
        ((YELLOW, BLACK),),
    ),
    Format(
        "japan",
        330,
        165,
        (
            Row("K", 0.5, 0.78, 0.04, 0.15),
            Row("99-99|\\··-99|\\···9|\\·9-99", 0.42, 0.92, 0.17, 0.97),
            Row(
                "品川 500|横浜 330|練馬 300|名古屋 53|大阪 581|神戸 33|京都 480|札幌 302|福岡 11",
                0.08,
                0.34,
                0.2,
                0.8,
                words=True,
            ),
        ),
        _JAPAN,
        faces=("sans", "rubik", "condensed"),
        often=3,
    ),
    Format(
        "india",
        500,
        120,
        (Row("AA 99 AA 9999|AA99AA9999|AA 99 A 9999", 0.2, 0.8),),
        ((WHITE, BLACK), (WHITE, BLACK), (YELLOW, BLACK), (BLACK, YELLOW), (GREEN, WHITE)),
        left=(0.06, WHITE, "IND"),
        often=2,
    ),
    Format(
        "india two lines",
        340,
        200,
        (Row("AA 99 A|AA99AA", 0.1, 0.46), Row("9999", 0.54, 0.9)),
        ((WHITE, BLACK), (YELLOW, BLACK)),
        often=1.5,
    ),
    Format(
        "pakistan two lines",
        320,
        170,
        (Row("AAA|AA - 99|AAA-99", 0.08, 0.48), Row("999|9999", 0.52, 0.92)),
        _PAKISTAN,
        often=1.5,
    ),
    Format(
        "pakistan",
        330,
        165,
        (
            Row("AAA-999|AA\\·999|AAA 999|AA - 999", 0.2, 0.7, 0.16),
            Row(_PROVINCES, 0.78, 0.92, 0.2, 0.8, words=True),
        ),
        _PAKISTAN,
        left=(0.14, (40, 100, 160), ""),
        often=1.5,
    ),
    Format(
        "pakistan punjab",
        330,
        165,
        (Row("AAA|AA 99|AAA 99", 0.08, 0.46, 0.28), Row("9999|999", 0.54, 0.92, 0.28)),
        left=(0.24, (40, 150, 110), ""),
    ),
    Format(
        "gulf",
        520,
        110,
        (
            Row("99999|9 99999", 0.16, 0.84, 0.36, 0.97),
            Row("دبي|أبوظبي|الشارقة|قطر|الكويت|عمان", 0.1, 0.5, 0.05, 0.32, words=True),
            Row("DUBAI|A.D|SHJ|QATAR|KUWAIT|OMAN", 0.58, 0.86, 0.05, 0.32, words=True),
        ),
        ((WHITE, BLACK), (WHITE, BLACK), (YELLOW, BLACK), (WHITE, RED)),
        often=1.5,
    ),
    Format(
        "saudi",
        310,
        155,
        (
            Row("EEEE", 0.08, 0.46, 0.04, 0.44),
            Row("R R R", 0.08, 0.46, 0.48, 0.88),
            Row("9999", 0.56, 0.9, 0.04, 0.44),
            Row("A A A", 0.56, 0.9, 0.48, 0.88),
        ),
        right=(0.1, WHITE, ""),
        often=1.2,
    ),
    Format(
        "egypt",
        350,
        170,
        (Row("EEEE|EEE", 0.38, 0.9, 0.04, 0.48), Row("R R R|R R", 0.38, 0.9, 0.52, 0.96)),
        top=(0.3, (90, 150, 210), "EGYPT   مصر"),
        often=1.2,
    ),
    Format(
        "israel",
        520,
        110,
        (Row("99-999-99|999-99-999", 0.16, 0.84, 0.1),),
        ((YELLOW, BLACK),),
        left=EU,
        often=1.2,
    ),
    Format(
        "korea",
        520,
        110,
        (Row("999\\가 9999|99\\나 9999|123\\호 9999", 0.16, 0.84, 0.07),),
        ((WHITE, BLACK), (YELLOW, BLACK)),
        left=(0.06, BLUE, ""),
    ),
    Format(
        "thailand",
        340,
        150,
        (
            Row("9XX 9999|AA 999", 0.12, 0.66),
            Row("BANGKOK|CHIANG MAI", 0.76, 0.92, 0.2, 0.8, words=True),
        ),
    ),
    Format("malaysia", 480, 110, (Row("AAA 9999|A 9999 A", 0.16, 0.84),), ((BLACK, WHITE),)),
    Format(
        "indonesia",
        395,
        135,
        (Row("\\B 9999 AAA|AA 999 AA", 0.1, 0.68), Row("99·99", 0.74, 0.94, 0.35, 0.65)),
        ((BLACK, WHITE), (WHITE, BLACK), (YELLOW, BLACK)),
    ),
    Format(
        "iran",
        520,
        110,
        (Row("EE R EEE", 0.16, 0.84, 0.08, 0.8), Row("EE", 0.3, 0.88, 0.83, 0.97)),
        left=(0.07, BLUE, "IR"),
    ),
    Format(
        "australia",
        372,
        134,
        (
            Row("AAA-99A|999 AAA|9AA 9AA", 0.12, 0.72),
            Row("NSW|VICTORIA|QUEENSLAND", 0.8, 0.94, 0.2, 0.8, words=True),
        ),
        ((WHITE, (110, 20, 60)), (YELLOW, BLACK), (WHITE, BLUE), (WHITE, BLACK)),
        faces=("condensed", "sans", "uni"),
    ),
    Format(
        "south africa",
        440,
        120,
        (Row("AA 99 AA GP|AAA 999 GP|CA 999-999", 0.16, 0.84),),
        ((WHITE, BLACK), (WHITE, NAVY), (YELLOW, BLACK)),
        picture=0.3,
    ),
    Format(
        "motorcycle",
        200,
        170,
        (Row("AAA|AA 99|99 AA", 0.1, 0.46), Row("9999|999", 0.52, 0.92)),
        ((WHITE, BLACK), (SILVER, BLACK), (YELLOW, BLACK), (BLACK, WHITE), (WHITE, RED)),
        often=2,
    ),
)
