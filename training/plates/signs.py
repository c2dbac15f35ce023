"""Draws lettering that is no number plate: signs, shops, posters, prices, displays."""

from __future__ import annotations

import cv2
import numpy as np

from training.plates import lettering, words
from training.plates.painting import (
    Colour,
    Picture,
    Rgba,
    any_colour,
    clouds,
    finished,
    near,
    paint,
    plain,
    rounded,
    some_size,
    sunlit,
)


def street_name(rng: np.random.Generator) -> Rgba:
    """Return a street's name on an enamelled or green board."""
    text = _choose(rng, words.STREETS)
    width, height = some_size(rng, 3.2, 6.5)
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
    return finished(sunlit(rng, picture), rounded(width, height, radius))


def direction_sign(rng: np.random.Generator) -> Rgba:
    """Return a traffic sign with words, one or several lines, perhaps an arrow."""
    width, height = some_size(rng, 1.2, 4.5)
    schemes = (
        ((10, 70, 170), (245,) * 3),
        ((245,) * 3, (15,) * 3),
        ((250, 200, 30), (15,) * 3),
        ((0, 110, 70), (245,) * 3),
        ((180, 20, 30), (245,) * 3),
    )
    background, ink = schemes[int(rng.integers(len(schemes)))]
    picture = plain(width, height, near(rng, background, 15))
    lines = 1 + int(rng.integers(3)) if width < 3 * height else 1
    left = 0.22 if rng.random() < 0.4 else 0.06
    for number in range(lines):
        top = (number + 0.15) / lines
        _write(rng, picture, _choose(rng, words.SIGNS), (left, top, 0.95, top + 0.7 / lines), ink)
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
    paint(picture, rim, ink)
    return finished(sunlit(rng, picture), rounded(width, height, radius))


def shop_sign(rng: np.random.Generator) -> Rgba:
    """Return lettering above a shop's window."""
    width, height = some_size(rng, 2.5, 7)
    picture = plain(width, height, any_colour(rng))
    picture += np.linspace(rng.uniform(-30, 30), 0, height)[:, None, None].astype(np.float32)
    _write(rng, picture, _choose(rng, words.SHOPS), (0.06, 0.18, 0.94, 0.82), any_colour(rng))
    return finished(sunlit(rng, picture), np.full((height, width), 255, np.uint8))


def letters_only(rng: np.random.Generator) -> Rgba:
    """Return lettering on the body itself: a model's name, a phone number, an address."""
    texts = (
        _choose(rng, words.BADGES),
        _choose(rng, words.SHOPS),
        lettering.fill(
            rng,
            str(
                rng.choice(
                    ["0999 999999", "(999) 999-9999", "+99 999 999 99", "999-9999", "99 99 99 99"]
                )
            ),
        ),
        "www." + _choose(rng, words.SHOPS).lower().replace(" ", "") + ".com",
    )
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
    width, height = some_size(rng, 0.7, 3)
    picture = plain(width, height, any_colour(rng, 60))
    for _ in range(int(rng.integers(0, 4))):
        blot = (clouds(rng, width, height, height * rng.uniform(0.1, 0.6)) > 0.6).astype(
            np.uint8
        ) * 255
        paint(picture, blot, any_colour(rng), 0.9)
    for top in np.arange(0.08, 0.85, rng.uniform(0.15, 0.4)):
        if rng.random() < 0.6:
            text = _choose(rng, words.SHOPS + words.SIGNS + words.STREETS)
            _write(
                rng,
                picture,
                text,
                (0.05, top, rng.uniform(0.4, 0.95), top + rng.uniform(0.06, 0.14)),
                any_colour(rng),
            )
    return finished(
        sunlit(rng, picture), rounded(width, height, height * rng.choice([0, 0.05, 0.45]))
    )


def price_board(rng: np.random.Generator) -> Rgba:
    """Return rows of prices, as a petrol station shows them."""
    width, height = some_size(rng, 0.9, 3.5)
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
    return finished(sunlit(rng, picture), np.full((height, width), 255, np.uint8))


def led_display(rng: np.random.Generator) -> Rgba:
    """Return a bus's line and destination in glowing dots."""
    width, height = some_size(rng, 3, 8)
    cell = max(3, height // 20)
    text = (
        lettering.fill(rng, str(rng.choice(["9", "99", "999", "X9"])))
        + " "
        + _choose(rng, words.ROUTES)
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


def house_number(rng: np.random.Generator) -> Rgba:
    """Return a number plate of a house."""
    width, height = some_size(rng, 0.8, 1.7)
    schemes = (
        ((20, 50, 140), (240,) * 3),
        ((240,) * 3, (15,) * 3),
        ((30,) * 3, (220, 190, 120)),
        ((0, 90, 50), (240,) * 3),
    )
    background, ink = schemes[int(rng.integers(4))]
    picture = plain(width, height, near(rng, background, 12))
    number = lettering.fill(rng, str(rng.choice(["9", "99", "999", "99a"])))
    _write(rng, picture, number, (0.12, 0.18, 0.88, 0.82), ink)
    return finished(sunlit(rng, picture), rounded(width, height, height * rng.uniform(0, 0.2)))


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
