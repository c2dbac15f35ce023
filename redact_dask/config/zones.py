"""Settings of places in the picture that are always hidden, or never."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import combinations
from math import isfinite
from typing import Any

from pydantic import field_validator, model_validator

from redact_dask.config.loading import Section

Point = tuple[float, float]
"""A point of the picture: x and y, shares of its width and height, from the upper left corner."""
Polygon = tuple[Point, ...]
"""Corners of an area in order around it, at least three; no two of its sides cross."""

_FORM = (
    "give a list of areas, each of them a list of points [x, y] in shares of the picture, such as "
    "[[[0, 0.9], [0.4, 0.9], [0.4, 1], [0, 1]]]"
)


class ZoneSettings(Section):
    """Places of the picture that are always hidden, or never, in videos of some paths.

    ``zones`` is a list; each entry has these keys. An area is a list of points ``[x, y]``. They
    are shares, 0 to 1, of the width and height of the picture as a player shows it, from the upper
    left corner. Two points are opposite corners of a rectangle.
    """

    paths: tuple[str, ...] = ()
    """Patterns of paths below SOURCE, as those of ``select.include``. Without any, all videos are
    meant."""
    streams: tuple[int, ...] = ()
    """Numbers of video streams, from 0, in files with several cameras. Without any, all are meant;
    the only stream of a file has the number 0."""
    hide: tuple[Polygon, ...] = ()
    """Areas that are covered on each frame, such as burnt-in text or the cabin. No GOP of these
    videos is copied."""
    show: tuple[Polygon, ...] = ()
    """Areas in which nothing is hidden that lies inside by 95 % or more, such as a logo on the
    bonnet. What lies there by less is hidden as everywhere."""

    @field_validator("streams", mode="before")
    @classmethod
    def _are_numbers(cls, value: Any) -> Any:
        if not isinstance(value, Sequence) or not all(type(n) is int and n >= 0 for n in value):
            raise ValueError("give numbers of video streams from 0, such as [0, 2]")
        return tuple(value)

    @field_validator("hide", "show", mode="before")
    @classmethod
    def _are_areas(cls, value: Any) -> Any:
        if not isinstance(value, Sequence) or not all(map(_is_list_of_points, value)):
            raise ValueError(_FORM)
        return tuple(map(_polygon, value))

    @model_validator(mode="after")
    def _says_something(self) -> ZoneSettings:
        if not (self.hide or self.show):
            raise ValueError("it neither hides nor shows anything; give hide or show")
        return self

    def fits(self, path: str) -> bool:
        """Tell whether videos with this path below SOURCE are meant."""
        return not self.paths or any(fnmatchcase(path, pattern) for pattern in self.paths)

    def concerns(self, path: str, stream: int) -> bool:
        """Tell whether a video stream with this number is meant, in the video with this path."""
        return self.fits(path) and (not self.streams or stream in self.streams)


Zones = tuple[ZoneSettings, ...]
"""All entries of ``zones``."""


def _is_list_of_points(area: Any) -> bool:
    return isinstance(area, Sequence) and all(
        isinstance(point, Sequence)
        and len(point) == 2
        and all(isinstance(share, int | float) and type(share) is not bool for share in point)
        for point in area
    )


def _polygon(area: Sequence[Sequence[float]]) -> Polygon:
    """Check the points of an area, and return them; those of a rectangle if there are two."""
    points = [(float(x), float(y)) for x, y in area]
    if not all(isfinite(share) and 0 <= share <= 1 for point in points for share in point):
        raise ValueError("a point lies outside the picture; give shares from 0 to 1, not pixels")
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()  # Some programs close a polygon by its first point.
    if len(points) == 2:
        (x0, y0), (x1, y1) = points
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    if len(points) < 3:
        raise ValueError(
            "an area has too few points; give three or more, or two opposite corners of a rectangle"
        )
    if not any(_turn(points[0], one, other) for one, other in combinations(points, 2)):
        raise ValueError("all points of an area lie on one line; give some beside it")
    sides = [*zip(points, [*points[1:], points[0]], strict=True)]
    for (number, one), (later, other) in combinations(enumerate(sides), 2):
        if later - number not in (1, len(sides) - 1) and _meet(*one, *other):
            raise ValueError("sides of an area cross; give its points in order around it")
    return tuple(points)


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Tell whether the sides from a to b and from c to d have a point in common."""
    apart = any(
        max(a[axis], b[axis]) < min(c[axis], d[axis])
        or max(c[axis], d[axis]) < min(a[axis], b[axis])
        for axis in (0, 1)
    )
    # The ends of each lie on both sides of the other one, or on it.
    return (
        not apart and _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0
    )


def _turn(a: Point, b: Point, c: Point) -> float:
    """Return twice the area of a triangle; its sign tells in which sense it is gone around."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
