"""The metric of leakage: how many faces or plates stay visible, and how much else is hidden.

It follows SGBlur-Video: a face is *protected* on a frame if what is hidden covers at least 0.9 of
its true box. Here both must do so: the regions that were planned, and the pixels that the output
really hides. So a face whose region was planned but not burned in counts as a leak. Only *readable*
faces count. The same holds for things of any other label. Each label is judged by itself: what is
hidden as a plate protects no face. Nothing here reads a video.

Whether a pixel of the output is hidden follows from the detail around it. ``V`` is the variance of
the source's luma in a small window, and ``D`` the mean squared difference between output and source
there. An encoder that keeps the picture leaves ``D`` far below ``V``, while averaging the window
makes ``D`` at least ``V``: an output without correlation with the source has lost all detail. So a
pixel is

- hidden if ``D > V / 2 + N``, where ``N`` is the change that encoding alone makes to this frame;
- otherwise visible if ``V > 2 N``, since hiding it would have changed it more;
- otherwise undecided: a flat area looks the same whether it is hidden or not. Undecided pixels do
  not count in the share that is hidden.
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
_HEIGHTS = (0, 16, 24, 40, 80)
"""Smallest height of each class of faces, pixels."""
_HEIGHTS_OF = {"plate": (0, 12, 16, 24, 40)}
"""The same of other labels: a plate is flatter than the face of a person as far away."""
_WINDOW = 5
"""Side of the window around a pixel, pixels: it fits into one averaged cell of a small face."""
_NOISE_BY_MEDIAN = 6.0
"""Ratio of a bound on the encoding noise to the noise of the median pixel.

All but a thousandth of the pixels lie below that bound, as measured with libx264 at crf 20 on
driving scenes. At most 1 % of the pixels of a face that is not hidden then look hidden, and at
least 99 % of those of a hidden face do, with each of the styles.
"""
_LEAST_NOISE = 4.0
"""Smallest noise assumed, squared luma levels: a copied frame has none at all."""

Rectangle = tuple[float, float, float, float]
"""Box ``x0, y0, x1, y1`` in pixels of the stored picture."""
Luma = NDArray[np.float32]
"""Luma of a picture in levels of 8 bits; shape (height, width)."""
Mask = NDArray[np.bool_]
"""Which pixels of a picture are meant; shape (height, width)."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What truly is to be hidden at one place on one frame."""

    track: str
    """Name of the thing's track, over all clips."""
    box: Rectangle
    height: float
    """Height of the whole thing, pixels."""
    readable: bool
    """Whether it is readable: only what is readable counts."""
    label: str
    """What it is, such as ``face``."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The judgement of what is readable at one place on one frame."""

    track: str
    frame: int
    height: float
    """Height of the whole thing, pixels."""
    by_regions: bool
    """Whether the regions cover it."""
    by_pixels: bool | None
    """Whether the output's pixels hide it; None: it has too little detail to tell."""

    @property
    def protected(self) -> bool:
        """Whether the regions cover it, and the output's pixels do not show it."""
        return self.by_regions and self.by_pixels is not False


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgement of one label on one frame."""

    sights: tuple[Sight, ...]
    """What is readable on the frame."""
    pixels: int
    """Number of pixels of the picture."""
    lines: int
    """Its shorter side, pixels."""
    outside_regions: int
    """Number of pixels outside every true box that regions cover."""
    outside_pixels: int
    """Number of pixels outside every true box that the output hides, without undecided ones."""


@dataclass(frozen=True, slots=True)
class HeightClass:
    """What is readable and of similar height."""

    name: str
    """Range of heights, as text."""
    sights: int
    """Number of readable things in the class, counted on every frame."""
    leakage: float
    """Share of them that is not protected."""


@dataclass(frozen=True, slots=True)
class Leakage:
    """All figures of one label. Shares lie between 0 and 1."""

    sights: int
    """Number of readable things, counted on every frame."""
    leakage: float
    """Share of them that is not protected."""
    leakage_by_regions: float
    """Share of them that the regions do not cover."""
    leakage_by_pixels: float
    """Share of them that the output's pixels show."""
    undecided: float
    """Share of them whose pixels cannot tell: there the regions alone decide."""
    by_height: tuple[HeightClass, ...]
    """Figures of each class of heights that is there, the smallest first."""
    tracks: int
    """Number of tracks that are readable on a frame."""
    tracks_exposed: int
    """Number of tracks that leak on at least one frame."""
    longest_exposure: int
    """Most consecutive frames on which one track leaks."""
    longest_exposure_of_found: int
    """Most consecutive frames on which a track leaks that is protected on another frame."""
    over_blur: float
    """Share of all pixels that lie outside every true box, and that regions cover."""
    over_blur_by_pixels: float
    """Share of all pixels that lie outside every true box, and that the output hides."""


def judge(
    frame: int,
    true: Sequence[Annotation],
    regions: Sequence[Rectangle],
    source: Luma,
    output: Luma,
    beside: Sequence[Rectangle] = (),
) -> Judged:
    """Judge one label on one frame.

    Parameters
    ----------
    frame
        Number of the frame.
    true
        All that has the label, readable or not; what lies outside the picture is skipped.
    regions
        Boxes that were to be hidden for the label.
    source, output
        The picture before and after redaction.
    beside
        Boxes that were to be hidden for other labels: they neither protect nor count as over-blur.
    """
    planned = mask(regions, source.shape)
    inside_true = mask((one.box for one in true), source.shape)
    near = mask(map(_seen_from, regions), source.shape)
    apart = mask(map(_seen_from, beside), source.shape) & ~near
    hidden, decided = seen_hidden(source, output, ~(planned | inside_true | apart))
    sights = []
    for one in true:
        inside = mask([one.box], source.shape)
        if one.readable and inside.any():
            by_regions = bool(planned[inside].mean() >= PROTECTED)
            total = int(decided[inside].sum())
            by_pixels = bool(hidden[inside].sum() >= PROTECTED * total) if total else None
            sights.append(Sight(one.track, frame, one.height, by_regions, by_pixels))
    return Judged(
        sights=tuple(sights),
        pixels=planned.size,
        lines=min(planned.shape),
        outside_regions=int((planned & ~inside_true).sum()),
        outside_pixels=int((hidden & ~inside_true & ~apart).sum()),
    )


def _seen_from(box: Rectangle) -> Rectangle:
    """Return a box with all pixels around it whose windows reach into it."""
    reach = _WINDOW // 2
    return box[0] - reach, box[1] - reach, box[2] + reach, box[3] + reach


def seen_hidden(source: Luma, output: Luma, untouched: Mask) -> tuple[Mask, Mask]:
    """Return which pixels of the output are hidden, and for which of them this can be decided.

    Parameters
    ----------
    source, output
        The picture before and after redaction.
    untouched
        Pixels that only encoding has changed, from which its noise is measured.
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


def summarise(frames: Iterable[Judged], label: str) -> Leakage:
    """Return the figures of a label over all frames; without anything, the leakage is 0."""
    judged = list(frames)
    sights = [sight for frame in judged for sight in frame.sights]
    exposed = _exposed(sights)
    found = {sight.track for sight in sights if sight.protected}
    pixels = max(1, sum(frame.pixels for frame in judged))
    return Leakage(
        sights=len(sights),
        leakage=_share(not sight.protected for sight in sights),
        leakage_by_regions=_share(not sight.by_regions for sight in sights),
        leakage_by_pixels=_share(sight.by_pixels is False for sight in sights),
        undecided=_share(sight.by_pixels is None for sight in sights),
        by_height=tuple(_by_height(sights, label)),
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


def _by_height(sights: Sequence[Sight], label: str) -> Iterable[HeightClass]:
    for low, high in pairwise((*_HEIGHTS_OF.get(label, _HEIGHTS), float("inf"))):
        group = [not sight.protected for sight in sights if low <= sight.height < high]
        name = f"below {high}" if low == 0 else f"{low}+" if high > 1e9 else f"{low}-{high}"
        if group:
            yield HeightClass(f"{name} px", len(group), _share(group))


def _exposed(sights: Iterable[Sight]) -> Mapping[str, int]:
    """Return the most consecutive frames on which each track leaks, for tracks that leak at all."""
    frames: defaultdict[str, set[int]] = defaultdict(set)
    for sight in sights:
        if not sight.protected:
            frames[sight.track].add(sight.frame)
    return {track: _longest_run(exposed) for track, exposed in frames.items()}


def _longest_run(frames: set[int]) -> int:
    """Return the length of the longest run of consecutive numbers."""
    longest = run = 0
    for frame in sorted(frames):
        run = run + 1 if frame - 1 in frames else 1
        longest = max(longest, run)
    return longest


def _share(answers: Iterable[bool]) -> float:
    """Return the share of answers that are true; 0 if there are none."""
    values = list(answers)
    return sum(values) / len(values) if values else 0.0
