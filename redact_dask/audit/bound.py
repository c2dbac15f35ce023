"""Upper confidence bounds for the share of frames that leak, from a sample that people judged.

All bounds are one-sided. They hold if whoever judges decides by plan how many frames to judge, and
not by what the first ones show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

CONFIDENCE = 0.95
"""Share of audits whose bound holds, at least."""
_HALVINGS = 50
"""Steps of a bisection: a double has 53 bits."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What people said about the frames of one stratum."""

    frames: int
    """Frames of the stratum."""
    judged: int
    """Frames of its sample that somebody judged, a simple random sample without replacement."""
    hits: int
    """Judged frames that count as leaks."""


@cache
def clopper_pearson(hits: int, judged: int) -> float:
    """Return the upper bound of Clopper and Pearson for a share (Biometrika 26, 1934, 404-413).

    It is the share at which ``hits`` or fewer are found with a probability of 5 %. For a sample
    without replacement from a finite stratum it is too large rather than too small.

    >>> f"{clopper_pearson(0, 3000):.6f}", clopper_pearson(0, 0)
    ('0.000998', 1.0)
    """
    if hits >= judged:
        return 1.0

    def at_most_hits(share: float) -> float:
        odds = math.log(share) - math.log1p(-share)
        logarithm = judged * math.log1p(-share)
        total = math.exp(logarithm)
        for found in range(1, hits + 1):
            logarithm += math.log((judged - found + 1) / found) + odds
            total += math.exp(logarithm)
        return total

    return _where_it_falls(at_most_hits, 0.0, 1.0)


def upper(strata: Sequence[Judged]) -> float:
    """Return the upper bound for the share of all frames that leak, from a stratified sample.

    If one stratum is judged, it is the bound of Clopper and Pearson. If several are, it is that of
    Fay and Feuer for a weighted sum of Poisson counts (Statistics in Medicine 16, 1997, 791-801):
    hits are rare, and a binomial count varies less than a Poisson count. It is a quantile of the
    gamma distribution whose mean and variance are those of the sum after one more hit in the
    stratum where a hit weighs most. With no hit at all, it is the largest share that a stratum
    could have alone. ``tests/audit/test_bound.py`` simulates how often it holds.

    A stratum that is judged to its last frame adds exactly its share, and one of which nothing is
    judged adds all its frames.

    Parameters
    ----------
    strata
        What is known of every stratum; together they have all frames.
    """
    total = sum(one.frames for one in strata)
    if not total:
        return 1.0
    known: float = sum(one.hits for one in strata if one.judged == one.frames)
    known += sum(one.frames for one in strata if one.frames and not one.judged)
    sampled = [one for one in strata if 0 < one.judged < one.frames]
    if len(sampled) == 1:
        (one,) = sampled
        return (known + one.frames * clopper_pearson(one.hits, one.judged)) / total
    if sampled:
        weights = [one.frames / one.judged for one in sampled]
        heaviest = max(weights)
        pairs = [(weight, one.hits) for weight, one in zip(weights, sampled, strict=True)]
        mean = sum(weight * hits for weight, hits in pairs) + heaviest
        variance = sum(weight**2 * hits for weight, hits in pairs) + heaviest**2
        most = sum(one.frames for one in sampled)
        known += min(variance / mean * _gamma_quantile(mean**2 / variance), most)
    return min(known / total, 1.0)


def estimate(strata: Sequence[Judged]) -> float | None:
    """Return the estimated share of frames that leak; None: a stratum is not judged yet.

    Each stratum's share weighs as much as the stratum has frames.
    """
    there = [one for one in strata if one.frames]
    if not there or not all(one.judged for one in there):
        return None
    leaks = sum(one.frames * one.hits / one.judged for one in there)
    return leaks / sum(one.frames for one in there)


@cache
def _gamma_quantile(shape: float) -> float:
    """Return the value below which a gamma variable of scale 1 lies with `CONFIDENCE`."""
    # The quantile of 95 % lies below this for every shape from 1 on.
    most = shape + 4 * math.sqrt(shape) + 4
    return _where_it_falls(lambda value: 1 - _gamma_below(shape, value), 0.0, most)


def _gamma_below(shape: float, value: float) -> float:
    """Return the regularised lower incomplete gamma function by its series (DLMF 8.11.4)."""
    term = 1 / shape
    total, step = term, 0
    while term > total * 1e-16:
        step += 1
        term *= value / (shape + step)
        total += term
    return math.exp(shape * math.log(value) - value - math.lgamma(shape)) * total


def _where_it_falls(chance: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling chance becomes 5 %, rounded up."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if chance(middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high
