"""All that stands on streets and cars, is no plate and may look like one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.plates import shapes, signs
from training.plates.painting import Rgba

KINDS: tuple[Callable[[np.random.Generator], Rgba], ...] = (
    signs.street_name,
    signs.direction_sign,
    signs.shop_sign,
    signs.letters_only,
    signs.letters_only,
    signs.poster,
    signs.price_board,
    signs.led_display,
    signs.house_number,
    shapes.grille,
    shapes.lamp,
    shapes.barrier,
    shapes.emblem,
    shapes.blank,
    shapes.window,
)
"""Lettering without a ground is drawn twice as often."""
