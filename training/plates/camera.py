"""What a vehicle's camera and its recorder do to a picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from io import BytesIO

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Bgr = NDArray[np.uint8]

_NOISE_SIDE = 1024
_NOISE_SIGMA = 32
_CASTS = ((1.15, 0.7, 1.25), (0.45, 0.8, 1.25), (1.2, 1.0, 0.85), (0.9, 1.12, 0.85))
"""Gains of blue, green and red: magenta without an infrared filter, sodium lamps, cold, green."""


def degrade(rng: np.random.Generator, picture: Bgr, *, video: float = 0.06) -> Bgr:
    """Return `picture` as a vehicle's camera may have recorded it; nothing in it moves.

    Parameters
    ----------
    rng
        Decides what happens, and how much.
    picture
        Blue, green, red; left as it is.
    video
        Chance that it goes through H.264, which costs ten times as much as all else.
    """
    for chance, change in STEPS:
        if rng.random() < chance:
            picture = change(rng, picture)
    coded = rng.random()
    if coded < video:
        return h264(rng, picture)
    return jpeg(rng, picture) if coded < 0.6 else picture


def tone(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Change brightness, contrast and colours: night, sun, lamps, filters."""
    level = np.arange(256, dtype=np.float32)[:, None] / 255 * np.ones((1, 3), np.float32)
    kind = rng.random()
    dark = 1.0
    if kind < 0.3:
        dark = 2.0 ** -(3 * rng.uniform(0, 1) ** 1.4)
        level = level * dark
    elif kind < 0.45:
        level = level * rng.uniform(1.1, 2.5)
    else:
        level = level * rng.uniform(0.8, 1.2)
    cast = rng.random()
    if cast < 0.25:
        level = level * np.asarray(_CASTS[int(rng.integers(len(_CASTS)))]) ** rng.uniform(0.3, 1.3)
    elif cast < 0.6:
        level = level * rng.uniform(0.85, 1.15, 3)
    if rng.random() < 0.5:  # contrast, haze and the tone curve
        level = (level - 0.3 * dark) * rng.uniform(0.5, 1.25) + 0.3 * dark * rng.uniform(0.9, 1.2)
        level = np.clip(level, 0, None) ** rng.uniform(0.65, 1.2)
    table = np.clip(level * 255, 0, 255).astype(np.uint8)
    return cv2.LUT(picture, table[None]).astype(np.uint8)


def bloom(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Let what is bright shine over what is beside it."""
    high, wide = picture.shape[:2]
    small = cv2.resize(
        picture, (max(1, wide // 4), max(1, high // 4)), interpolation=cv2.INTER_AREA
    )
    lights = cv2.subtract(small, np.full_like(small, int(rng.integers(150, 215))))
    glow = cv2.GaussianBlur(lights, (0, 0), rng.uniform(1, 6))
    large = cv2.resize(glow, (wide, high), interpolation=cv2.INTER_LINEAR)
    return cv2.addWeighted(picture, 1, large, rng.uniform(1, 5), 0).astype(np.uint8)


def grey(_rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Take the colours away, as infrared cameras do."""
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(
        np.uint8
    )


def motion_blur(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Smear by up to 12 pixels, mostly sideways, evenly to both sides."""
    length = 12 * rng.uniform(0.1, 1) ** 1.7
    angle = rng.normal(0, 0.2) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    middle = np.ceil(np.abs(reach)).astype(int)
    across, down = 2 * middle + 1
    kernel = np.zeros((down, across), np.uint8)
    ends = [np.round((middle + sign * reach) * 16).astype(int).tolist() for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], (255,), 1, cv2.LINE_AA, 4)
    weights = kernel.astype(np.float32) / max(float(kernel.sum()), 1)
    return cv2.filter2D(picture, -1, weights, borderType=cv2.BORDER_REFLECT_101).astype(np.uint8)


def defocus(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Blur as a lens out of focus does."""
    return cv2.GaussianBlur(picture, (0, 0), 0.4 + 2.2 * rng.uniform(0, 1) ** 2).astype(np.uint8)


def rescale(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Reduce and enlarge again, as recorders and players do."""
    high, wide = picture.shape[:2]
    scale = rng.uniform(0.4, 0.9)
    down, up = (
        int(rng.choice([cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC])) for _ in range(2)
    )
    small = cv2.resize(picture, (int(wide * scale), int(high * scale)), interpolation=down)
    return cv2.resize(small, (wide, high), interpolation=up).astype(np.uint8)


def noise(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Add a sensor's noise: fine or coarse, coloured or grey."""
    high, wide = picture.shape[:2]
    tile = _noise(coarse=bool(rng.random() < 0.4), coloured=bool(rng.random() < 0.6))
    top, left = (int(rng.integers(max(1, _NOISE_SIDE - side + 1))) for side in (high, wide))
    part = tile[top : top + high, left : left + wide]
    beyond = (0, high - part.shape[0], 0, wide - part.shape[1])
    part = np.asarray(cv2.copyMakeBorder(part, *beyond, cv2.BORDER_WRAP), np.uint8)
    share = 11 * rng.uniform(0.1, 1) ** 1.5 / _NOISE_SIGMA
    return cv2.addWeighted(picture, 1, part, share, -128 * share).astype(np.uint8)


@cache
def _noise(*, coarse: bool, coloured: bool) -> Bgr:
    """Return noise around 128, always the same: a part of it is taken each time."""
    rng = np.random.default_rng(7)
    drawn = rng.standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3 if coloured else 1), np.float32)
    drawn = np.repeat(drawn, 3 // drawn.shape[2], axis=2)
    if coarse:
        drawn = cv2.GaussianBlur(drawn, (0, 0), 0.9).astype(np.float32)
        drawn /= drawn.std()
    return np.clip(128 + _NOISE_SIGMA * drawn, 0, 255).astype(np.uint8)


def sharpen(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Draw halos around edges, as cameras do."""
    amount = rng.uniform(0.3, 1.5)
    soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.7, 2))
    return cv2.addWeighted(picture, 1 + amount, soft, -amount, 0).astype(np.uint8)


def jpeg(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Code as JPEG of quality 20 to 95."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 96))]
    _, coded = cv2.imencode(".jpg", picture, quality)
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def h264(rng: np.random.Generator, picture: Bgr) -> Bgr:
    """Code as the last of a few moving frames of H.264, at a quality (crf) of 18 to 38."""
    high, wide = picture.shape[:2]
    even = cv2.copyMakeBorder(picture, 0, high % 2, 0, wide % 2, cv2.BORDER_REPLICATE)
    still = np.asarray(even, np.uint8)
    options = {
        "crf": str(int(rng.integers(18, 39))),
        "preset": "veryfast",
        "tune": "zerolatency",
        "threads": "1",
    }
    step = rng.integers(-4, 5, 2)
    file = BytesIO()
    with av.open(file, "w", "mp4") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = still.shape[0], still.shape[1], "yuv420p"
        for back in range(int(rng.integers(0, 3)), -1, -1):
            shift = tuple(int(along) * back for along in step)
            moved = np.roll(still, shift, (0, 1)) if back else still
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moved), "bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as reader:
        frame = list(reader.decode(video=0))[-1]
    decoded = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    return np.ascontiguousarray(decoded[:high, :wide])


STEPS: tuple[tuple[float, Callable[[np.random.Generator, Bgr], Bgr]], ...] = (
    (0.08, grey),
    (0.12, bloom),
    (0.35, motion_blur),
    (0.3, defocus),
    (0.7, tone),
    (0.45, noise),
    (0.2, rescale),
    (0.25, sharpen),
)
"""What may happen, and its chance, in the order of a camera: light, lens, sensor, software."""
