"""Draws what stands on streets and cars and is no plate: signs, lettering, lamps, grilles."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from training.plates import lettering
from training.plates.painting import (
    Colour,
    Picture,
    Rgba,
    any_colour,
    clouds,
    finished,
    near,
    paint,
    paint_box,
    plain,
    rounded,
)

_STREETS = (
    "Hauptstraße", "Main St", "Rue de la Paix", "Via Roma", "Market Street", "ul. Długa", "Storgatan",
    "Broadway", "Avenida Paulista", "Calle Mayor", "PARK AVE", "Lindenweg", "Church Road", "R. XV DE NOVEMBRO",
)  # fmt: skip
_SIGNS = (
    "Exit 24", "Zentrum", "Airport", "P Parkhaus", "ONE WAY", "A 7 Hamburg", "Milano", "Paris 120", "STOP",
    "SPEED LIMIT 45", "BUS", "TAXI", "ALLE", "Umleitung", "DETOUR", "NO PARKING", "Paderborn-Elsen", "RETORNO",
    "2,8 t", "ZONE 30", "CENTRO", "Einbahnstraße", "北京路", "南京东路", "出口", "止まれ", "شارع",
)  # fmt: skip
_SHOPS = (
    "PIZZERIA", "Apotheke", "HOTEL", "Bäckerei", "SHELL", "PHARMACY", "Coffee & Cake", "BANK", "Kebab", "SUPERMARKET",
    "LIDL", "OPTIK", "RESTAURANT", "CAR WASH", "FARMÁCIA", "Friseur", "SALE", "OPEN", "Tabac", "中国银行", "ラーメン",
)  # fmt: skip
_BADGES = (
    "TURBO", "quattro", "HYBRID", "4x4", "TDI", "COROLLA", "320d", "GOLF", "Octavia", "CIVIC", "AMG", "V8", "XDrive",
    "DUSTER", "FORD", "TOYOTA", "VOLVO", "SCANIA", "TRANSIT", "LOGAN", "SPRINTER", "KENWOOD", "Baby an Bord",
)  # fmt: skip
_ROUTES = (
    "Hbf",
    "Centrum",
    "Downtown",
    "Airport",
    "Rathaus",
    "NOT IN SERVICE",
    "Terminal",
    "Estação",
)


def _choose(rng: np.random.Generator, texts: tuple[str, ...]) -> str:
    return texts[int(rng.integers(len(texts)))]


def _write(
    rng: np.random.Generator,
    picture: Picture,
    text: str,
    box: tuple[float, float, float, float],
    ink: Colour,
    face: str = "",
) -> None:
    """Write `text` into `box`: left, top, right and bottom as shares of the picture."""
    high, wide = picture.shape[:2]
    left, right = round(box[0] * wide), round(box[2] * wide)
    top, bottom = round(box[1] * high), round(box[3] * high)
    face = face or str(rng.choice(lettering.FACES))
    mask = np.zeros((high, wide), np.uint8)
    mask[top:bottom, left:right] = lettering.fitted(
        text, right - left, bottom - top, face, int(rng.integers(300, 900))
    )
    paint(picture, mask, ink)


def _size(rng: np.random.Generator, low: float, high: float) -> tuple[int, int]:
    """Return a width and a height, pixels, whose ratio lies from `low` to `high`."""
    tall = int(rng.integers(90, 140))
    return int(tall * rng.uniform(low, high)), tall


def street_name(rng: np.random.Generator) -> Rgba:
    """Return a street's name on an enamelled or green board."""
    text = _choose(rng, _STREETS)
    width, height = _size(rng, 3.2, 6.5)
    schemes = (
        ((20, 50, 140), (240,) * 3),
        ((240, 240, 236), (15,) * 3),
        ((0, 100, 60), (245,) * 3),
        ((236, 226, 190), (30,) * 3),
    )
    background, ink = schemes[int(rng.integers(len(schemes)))]
    picture = plain(width, height, near(rng, background, 15))
    radius = height * rng.uniform(0, 0.15)
    if rng.random() < 0.5:
        rim = rounded(width, height, radius, height * 0.03) - rounded(
            width, height, radius, height * 0.07
        )
        paint(picture, rim, ink)
    _write(rng, picture, text, (0.06, 0.2, 0.94, 0.82), ink)
    return finished(_sunlit(rng, picture), rounded(width, height, radius))


def direction_sign(rng: np.random.Generator) -> Rgba:
    """Return a traffic sign with words, one or several lines, perhaps an arrow."""
    width, height = _size(rng, 1.2, 4.5)
    schemes = (
        ((10, 70, 170),) + ((245,) * 3,),
        ((245,) * 3, (15,) * 3),
        ((250, 200, 30), (15,) * 3),
        ((0, 110, 70), (245,) * 3),
        ((180, 20, 30), (245,) * 3),
    )
    background, ink = schemes[int(rng.integers(len(schemes)))]
    picture = plain(width, height, near(rng, background, 15))  # type: ignore[arg-type]
    lines = 1 + int(rng.integers(3)) if width < 3 * height else 1
    left = 0.22 if rng.random() < 0.4 else 0.06
    for number in range(lines):
        top = (number + 0.15) / lines
        _write(rng, picture, _choose(rng, _SIGNS), (left, top, 0.95, top + 0.7 / lines), ink)  # type: ignore[arg-type]
    if left > 0.1:
        tip = (int(width * 0.04), height // 2)
        cv2.arrowedLine(
            picture,
            (int(width * 0.19), height // 2),
            tip,
            ink,
            max(2, height // 16),
            cv2.LINE_AA,
            0,
            0.5,
        )
    radius = height * 0.08
    rim = rounded(width, height, radius, height * 0.02) - rounded(
        width, height, radius, height * 0.05
    )
    paint(picture, rim, ink)  # type: ignore[arg-type]
    return finished(_sunlit(rng, picture), rounded(width, height, radius))


def shop_sign(rng: np.random.Generator) -> Rgba:
    """Return lettering above a shop's window."""
    width, height = _size(rng, 2.5, 7)
    picture = plain(width, height, any_colour(rng))
    picture += np.linspace(rng.uniform(-30, 30), 0, height)[:, None, None].astype(np.float32)
    _write(rng, picture, _choose(rng, _SHOPS), (0.06, 0.18, 0.94, 0.82), any_colour(rng))
    return finished(_sunlit(rng, picture), np.full((height, width), 255, np.uint8))


def letters_only(rng: np.random.Generator) -> Rgba:
    """Return lettering that stands on the body itself: a model's name, a phone number, an address."""
    texts = (
        _choose(rng, _BADGES), _choose(rng, _SHOPS),
        lettering.fill(rng, str(rng.choice(["0999 999999", "(999) 999-9999", "+99 999 999 99", "999-9999", "99 99 99 99"]))),
        "www." + _choose(rng, _SHOPS).lower().replace(" ", "") + ".com",
    )  # fmt: skip
    drawn = lettering.word(
        texts[int(rng.integers(4))], str(rng.choice(lettering.FACES)), int(rng.integers(300, 900))
    )
    scale = 100 / drawn.shape[0]
    mask = cv2.resize(
        drawn, (max(1, int(drawn.shape[1] * scale)), 100), interpolation=cv2.INTER_AREA
    )
    ink = any_colour(rng) if rng.random() < 0.5 else (int(rng.integers(256)),) * 3
    picture = plain(mask.shape[1], 100, ink)
    picture += np.linspace(25, -40, 100)[:, None, None].astype(np.float32)
    return finished(picture, mask.astype(np.uint8))


def poster(rng: np.random.Generator) -> Rgba:
    """Return a poster or a sticker: blots of colour and some lines of text."""
    width, height = _size(rng, 0.7, 3)
    picture = plain(width, height, any_colour(rng, 60))
    for _ in range(int(rng.integers(0, 4))):
        blot = (clouds(rng, width, height, height * rng.uniform(0.1, 0.6)) > 0.6).astype(
            np.uint8
        ) * 255
        paint(picture, blot, any_colour(rng), 0.9)
    for top in np.arange(0.08, 0.85, rng.uniform(0.15, 0.4)):
        if rng.random() < 0.6:
            text = _choose(rng, _SHOPS + _SIGNS + _STREETS)
            _write(
                rng,
                picture,
                text,
                (0.05, top, rng.uniform(0.4, 0.95), top + rng.uniform(0.06, 0.14)),
                any_colour(rng),
            )
    return finished(
        _sunlit(rng, picture), rounded(width, height, height * rng.choice([0, 0.05, 0.45]))
    )


def price_board(rng: np.random.Generator) -> Rgba:
    """Return rows of prices, as a petrol station shows them."""
    width, height = _size(rng, 0.9, 3.5)
    dark = rng.random() < 0.6
    picture = plain(width, height, any_colour(rng, 0, 50) if dark else any_colour(rng, 200))
    rows = int(rng.integers(1, 4)) if width < 2 * height else 1
    for number in range(rows):
        price = lettering.fill(
            rng, str(rng.choice(["9,999", "9.99", "$99.99", "R$ 9,99", "9.999", "99:99", "-99%"]))
        )
        ink = any_colour(rng, 180) if dark else any_colour(rng, 0, 90)
        _write(
            rng, picture, price, (0.1, (number + 0.15) / rows, 0.92, (number + 0.85) / rows), ink
        )
    return finished(_sunlit(rng, picture), np.full((height, width), 255, np.uint8))


def led_display(rng: np.random.Generator) -> Rgba:
    """Return a bus's line and destination in glowing dots."""
    width, height = _size(rng, 3, 8)
    cell = max(3, height // 20)
    text = (
        lettering.fill(rng, str(rng.choice(["9", "99", "999", "X9"]))) + " " + _choose(rng, _ROUTES)
    )
    mask = lettering.fitted(
        text, max(8, width * 9 // 10 // cell), max(5, height * 7 // 10 // cell), "sans", 700
    )
    dots = np.kron(
        (mask > 100).astype(np.uint8) * 255,
        np.pad(np.ones((cell - 1, cell - 1), np.uint8), ((0, 1), (0, 1))),
    )
    picture = plain(width, height, any_colour(rng, 5, 35))
    whole = np.zeros((height, width), np.uint8)
    part = dots[: int(height * 0.85), : int(width * 0.95)]
    whole[height // 8 :, width // 25 :][: part.shape[0], : part.shape[1]] = part[
        : height - height // 8, : width - width // 25
    ]
    colours = ((255, 170, 20), (255, 240, 200), (255, 60, 30), (120, 255, 90))
    paint(picture, whole, colours[int(rng.integers(4))])
    picture += cv2.GaussianBlur(picture, (0, 0), cell) * 0.5
    return finished(picture, rounded(width, height, 3))


def grille(rng: np.random.Generator) -> Rgba:
    """Return a grille or ventilation slots: dark gaps between bars, across, upright or crossed."""
    width, height = _size(rng, 1.5, 6)
    tone = int(rng.integers(30, 220))
    picture = plain(width, height, (tone,) * 3 if rng.random() < 0.7 else any_colour(rng))
    count, thick = int(rng.integers(3, 14)), rng.uniform(0.3, 0.8)
    gap = (int(rng.integers(5, 40)),) * 3
    if rng.random() < 0.7:
        for row in range(count):
            paint_box(picture, 0.03, (row + 0.2) / count, 0.97, (row + 0.2 + thick) / count, gap)
        if rng.random() < 0.4:
            for x in np.linspace(0.1, 0.9, int(rng.integers(2, 8))):
                paint_box(picture, x, 0, x + 0.02, 1, (tone,) * 3)
    else:
        across = int(count * width / height / 2) + 2
        for column in range(across):
            paint_box(
                picture, (column + 0.2) / across, 0.05, (column + 0.2 + thick) / across, 0.95, gap
            )
    picture += np.linspace(25, -25, height)[:, None, None].astype(np.float32)
    return finished(picture, rounded(width, height, height * rng.uniform(0, 0.4)))


def lamp(rng: np.random.Generator) -> Rgba:
    """Return a tail lamp, a reflector or a headlamp, lit or not."""
    width, height = _size(rng, 0.6, 4)
    colours = ((170, 15, 20), (220, 120, 20), (235, 235, 225), (255, 60, 40))
    picture = plain(width, height, near(rng, colours[int(rng.integers(4))], 25))
    picture *= 0.6 + 0.8 * clouds(rng, width, height, height * 0.4)[:, :, None]
    if rng.random() < 0.5:
        paint_box(picture, 0.1, rng.uniform(0.3, 0.5), rng.uniform(0.5, 0.9), 0.7, (240, 225, 215))
    if rng.random() < 0.5:
        glow = rounded(width, height, height * 0.2, height * 0.25)
        paint(
            picture, cv2.GaussianBlur(glow, (0, 0), height * 0.1).astype(np.uint8), (255, 235, 215)
        )
    return finished(picture, rounded(width, height, height * rng.uniform(0.1, 0.5)))


def barrier(rng: np.random.Generator) -> Rgba:
    """Return slanted stripes, as barriers, lorries and chevron boards bear."""
    width, height = _size(rng, 1.5, 8)
    across = np.arange(width)[None] + np.arange(height)[:, None] * rng.uniform(-1.2, 1.2)
    stripes = np.clip((np.sin(across * (np.pi / height / rng.uniform(0.3, 1.2))) * 20 + 0.5), 0, 1)
    pairs = (
        ((235,) * 3, (200, 30, 35)),
        ((20,) * 3, (245, 200, 20)),
        ((235,) * 3, (20,) * 3),
        ((240, 210, 30), (200, 30, 35)),
    )
    light, dark = pairs[int(rng.integers(4))]
    picture = plain(width, height, light)  # type: ignore[arg-type]
    paint(picture, (stripes * 255).astype(np.uint8), dark)  # type: ignore[arg-type]
    return finished(_sunlit(rng, picture), rounded(width, height, 3))


def house_number(rng: np.random.Generator) -> Rgba:
    """Return a number plate of a house."""
    width, height = _size(rng, 0.8, 1.7)
    schemes = (
        ((20, 50, 140), (240,) * 3),
        ((240,) * 3, (15,) * 3),
        ((30,) * 3, (220, 190, 120)),
        ((0, 90, 50), (240,) * 3),
    )
    background, ink = schemes[int(rng.integers(4))]
    picture = plain(width, height, near(rng, background, 12))  # type: ignore[arg-type]
    number = lettering.fill(rng, str(rng.choice(["9", "99", "999", "99a"])))
    _write(rng, picture, number, (0.12, 0.18, 0.88, 0.82), ink)  # type: ignore[arg-type]
    return finished(_sunlit(rng, picture), rounded(width, height, height * rng.uniform(0, 0.2)))


def emblem(rng: np.random.Generator) -> Rgba:
    """Return a maker's badge: chrome rings, ovals and bars."""
    width, height = _size(rng, 0.9, 2.6)
    mask = np.zeros((height, width), np.uint8)
    thick = int(height * rng.uniform(0.06, 0.14))
    rings = int(rng.integers(1, 5)) if width > 1.6 * height else 1
    for x in (np.arange(rings) + 0.5) / rings:
        radii = (int(width / rings / 2 - thick / 2), int(height / 2 - thick))
        cv2.ellipse(
            mask, (int(x * width), height // 2), radii, 0, 0, 360, (255,), thick, cv2.LINE_AA
        )
    for _ in range(int(rng.integers(0, 4))):
        ends = [(int(x * width), int(y * height)) for x, y in rng.uniform(0.2, 0.8, (2, 2))]
        cv2.line(mask, *ends, (255,), thick, cv2.LINE_AA)
    picture = plain(width, height, (200, 204, 208))
    picture *= 0.5 + 0.7 * clouds(rng, width, height, height * 0.3)[:, :, None]
    return finished(picture, mask)


def blank(rng: np.random.Generator) -> Rgba:
    """Return a bright rectangle without characters, perhaps with a rim, a fold or some dirt."""
    width, height = _size(rng, 1, 5)
    tone = int(rng.integers(120, 250))
    picture = plain(width, height, (tone,) * 3 if rng.random() < 0.6 else any_colour(rng, 90))
    picture *= 0.8 + 0.3 * clouds(rng, width, height, height * 0.7)[:, :, None]
    radius = height * rng.uniform(0, 0.12)
    if rng.random() < 0.4:
        rim = np.minimum(
            rounded(width, height, radius), 255 - rounded(width, height, radius, height * 0.05)
        )
        paint(picture, rim, any_colour(rng, 0, 90))
    return finished(picture, rounded(width, height, radius))


def window(rng: np.random.Generator) -> Rgba:
    """Return a window with its frame and panes."""
    width, height = _size(rng, 0.7, 3.5)
    picture = plain(
        width, height, any_colour(rng, 150) if rng.random() < 0.6 else any_colour(rng, 20, 90)
    )
    columns, rows = int(rng.integers(1, 6)), int(rng.integers(1, 3))
    frame = rng.uniform(0.04, 0.15)
    for column in range(columns):
        for row in range(rows):
            pane = (
                any_colour(rng, 120, 250)
                if rng.random() < 0.3
                else (int(rng.integers(10, 120)),) * 3
            )
            paint_box(
                picture, (column + frame) / columns, (row + frame) / rows,
                (column + 1 - frame) / columns, (row + 1 - frame) / rows, pane,
            )  # fmt: skip
    picture *= 0.75 + 0.4 * clouds(rng, width, height, height * 0.5)[:, :, None]
    return finished(picture, np.full((height, width), 255, np.uint8))


def _sunlit(rng: np.random.Generator, picture: Picture) -> Picture:
    """Return `picture` with uneven light on it, some more and some less."""
    high, wide = picture.shape[:2]
    return picture * (rng.uniform(0.7, 0.95) + 0.25 * clouds(rng, wide, high, high)[:, :, None])


KINDS: tuple[Callable[[np.random.Generator], Rgba], ...] = (
    street_name, direction_sign, shop_sign, letters_only, letters_only, poster, price_board,
    led_display, grille, lamp, barrier, house_number, emblem, blank, window,
)  # fmt: skip
"""All that is drawn; lettering without a ground is drawn twice as often."""
