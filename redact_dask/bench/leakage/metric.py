"""How many true faces stay visible, and how much else is hidden: the metric, without any video.

After SGBlur-Video: a face is *protected* on a frame if what is hidden covers at least 0.9 of its
true box. Here two witnesses must say so: the regions that were planned, and the pixels of the
output, so that what was planned and not burned in is a leak. Only *readable* faces count.

A pixel of the output tells by the detail around it. With ``V`` the variance of the source's luma in
a small window and ``D`` the mean squared difference between output and source there, an encoder
that keeps the picture leaves ``D`` far below ``V``, while averaging the window away makes it at
least ``V``: what has no correlation with the source has lost all its detail. So a pixel is

- hidden where ``D > V / 2 + N``, ``N`` being what encoding alone does to this frame;
- else visible where ``V > 2 N``: hiding it would have shown;
- else undecided: flat, it looks the same hidden or not. The share hidden is that of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

PROTECTED = 0.9
"""Share of a true box that must be hidden (SGBlur-Video)."""
HEIGHTS = (0, 16, 24, 40, 80)
"""Least height of each class of faces, pixels."""
_WINDOW = 5
"""Side of the window around a pixel: fits into one averaged cell of a small face, pixels."""
_NOISE_BY_MEDIAN = 6.0
"""Encoding noise of all but a thousandth of the pixels, by that of the median pixel.

Measured with libx264 at crf 20 on driving scenes; of a face that is not hidden, at most 1 % of the
pixels then look hidden, and of one that is, at least 99 % do, with each of the styles.
"""
_LEAST_NOISE = 4.0
"""Squared luma levels; a copied frame has none."""

Rectangle = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the stored picture."""
Luma = NDArray[np.float32]
"""Shape (height, width): luma in levels of 8 bits."""
Mask = NDArray[np.bool_]
"""Shape (height, width): which pixels."""


@dataclass(frozen=True, slots=True)
class Face:
    """A true face on one frame."""

    track: str
    """Name of the person's track, over all clips."""
    box: Rectangle
    height: float
    """Height of the whole face, pixels."""
    readable: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """A readable face on one frame, judged."""

    track: str
    frame: int
    height: float
    by_regions: bool
    """Whether the regions cover it."""
    by_pixels: bool | None
    """Whether the output's pixels hide it; None: it has no detail that could tell."""

    @property
    def protected(self) -> bool:
        """Whether nothing speaks against it."""
        return self.by_regions and self.by_pixels is not False


@dataclass(frozen=True, slots=True)
class Judged:
    """One frame, judged."""

    sights: tuple[Sight, ...]
    pixels: int
    """Of the picture."""
    outside_regions: int
    """Pixels that regions cover outside every true face."""
    outside_pixels: int
    """Pixels that the output hides there; undecided ones do not count."""


@dataclass(frozen=True, slots=True)
class HeightClass:
    """Readable faces of similar height."""

    name: str
    face_frames: int
    leakage: float


@dataclass(frozen=True, slots=True)
class Leakage:
    """All figures of one run. Shares lie between 0 and 1."""

    face_frames: int
    """Readable faces, counted on every frame."""
    leakage: float
    """Share of them that is not protected."""
    leakage_by_regions: float
    """Share of them that the regions do not cover."""
    leakage_by_pixels: float
    """Share of them that the output's pixels show."""
    undecided: float
    """Share of them whose pixels cannot tell: there the regions alone decide."""
    by_height: tuple[HeightClass, ...]
    tracks: int
    tracks_exposed: int
    """Tracks that leak on any frame."""
    longest_exposure: int
    """Most consecutive frames on which one track leaks."""
    longest_exposure_of_found: int
    """The same, of tracks that are protected on any frame."""
    over_blur: float
    """Share of all pixels that regions cover outside every true face."""
    over_blur_by_pixels: float
    """Share of all pixels that the output hides there."""


def judge(
    frame: int, faces: Sequence[Face], regions: Sequence[Rectangle], source: Luma, output: Luma
) -> Judged:
    """Judge one frame.

    Parameters
    ----------
    frame
        Its number.
    faces
        All true faces, readable or not; those outside the picture are passed over.
    regions
        What was to be hidden.
    source, output
        The picture before and after.
    """
    planned = mask(regions, source.shape)
    true = mask((face.box for face in faces), source.shape)
    hidden, decided = seen_hidden(source, output, ~(planned | true))
    sights = []
    for face in faces:
        inside = mask([face.box], source.shape)
        if face.readable and inside.any():
            by_regions = bool(planned[inside].mean() >= PROTECTED)
            told = int(decided[inside].sum())
            by_pixels = bool(hidden[inside].sum() >= PROTECTED * told) if told else None
            sights.append(Sight(face.track, frame, face.height, by_regions, by_pixels))
    return Judged(
        tuple(sights), planned.size, int((planned & ~true).sum()), int((hidden & ~true).sum())
    )


def seen_hidden(source: Luma, output: Luma, untouched: Mask) -> tuple[Mask, Mask]:
    """Tell which pixels of the output are hidden, and for which of them that can be told.

    Parameters
    ----------
    source, output
        The picture before and after.
    untouched
        Pixels that show what encoding alone does.
    """
    window = (_WINDOW, _WINDOW)
    change = cv2.blur((output - source) ** 2, window)
    mean = cv2.blur(source, window)
    detail = np.maximum(cv2.blur(source**2, window) - mean**2, 0)
    noise = _LEAST_NOISE
    if untouched.any():
        noise = max(noise, _NOISE_BY_MEDIAN * float(np.median(change[untouched])))
    hidden = change > detail / 2 + noise
    return hidden, hidden | (detail > 2 * noise)


def summarise(frames: Iterable[Judged]) -> Leakage:
    """Sum up all frames of all clips; without any face, nothing leaks."""
    judged = list(frames)
    sights = [sight for frame in judged for sight in frame.sights]
    exposed = _exposed(sights)
    found = {sight.track for sight in sights if sight.protected}
    pixels = max(1, sum(frame.pixels for frame in judged))
    return Leakage(
        face_frames=len(sights),
        leakage=_share(not sight.protected for sight in sights),
        leakage_by_regions=_share(not sight.by_regions for sight in sights),
        leakage_by_pixels=_share(sight.by_pixels is False for sight in sights),
        undecided=_share(sight.by_pixels is None for sight in sights),
        by_height=tuple(_by_height(sights)),
        tracks=len({sight.track for sight in sights}),
        tracks_exposed=len(exposed),
        longest_exposure=max(exposed.values(), default=0),
        longest_exposure_of_found=max((exposed.get(track, 0) for track in found), default=0),
        over_blur=sum(frame.outside_regions for frame in judged) / pixels,
        over_blur_by_pixels=sum(frame.outside_pixels for frame in judged) / pixels,
    )


def mask(boxes: Iterable[Rectangle], shape: tuple[int, ...]) -> Mask:
    """Return the pixels that any box touches."""
    covered = np.zeros(shape, np.bool_)
    for x0, y0, x1, y1 in boxes:
        rows = slice(max(int(np.floor(y0)), 0), max(int(np.ceil(y1)), 0))
        columns = slice(max(int(np.floor(x0)), 0), max(int(np.ceil(x1)), 0))
        covered[rows, columns] = True
    return covered


def _by_height(sights: Sequence[Sight]) -> Iterable[HeightClass]:
    for low, high in pairwise((*HEIGHTS, float("inf"))):
        group = [not sight.protected for sight in sights if low <= sight.height < high]
        name = f"below {high}" if low == 0 else f"{low}+" if high > 1e9 else f"{low}-{high}"
        if group:
            yield HeightClass(f"{name} px", len(group), _share(group))


def _exposed(sights: Iterable[Sight]) -> Mapping[str, int]:
    """Return the most consecutive frames of exposure of each track that has any."""
    frames: defaultdict[str, set[int]] = defaultdict(set)
    for sight in sights:
        if not sight.protected:
            frames[sight.track].add(sight.frame)
    return {track: _longest_run(exposed) for track, exposed in frames.items()}


def _longest_run(frames: set[int]) -> int:
    longest = run = 0
    for frame in sorted(frames):
        run = run + 1 if frame - 1 in frames else 1
        longest = max(longest, run)
    return longest


def _share(of: Iterable[bool]) -> float:
    values = list(of)
    return sum(values) / len(values) if values else 0.0
