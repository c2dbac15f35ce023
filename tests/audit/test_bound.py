"""The bound holds: against exact values, and in 2,000 simulated audits of each kind of footage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from redact_dask.audit.bound import Judged, clopper_pearson, estimate, upper


@pytest.mark.parametrize(
    ("hits", "judged", "expected"),
    [(0, 3000, 1 - 0.05 ** (1 / 3000)), (0, 1, 0.95), (5, 5, 1.0), (0, 0, 1.0)],
)
def test_it_is_the_bound_of_clopper_and_pearson(hits: int, judged: int, expected: float) -> None:
    assert clopper_pearson(hits, judged) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("hits", "judged"), [(1, 20), (3, 300), (40, 3000), (900, 3000)])
def test_so_few_hits_have_a_chance_of_5_percent_at_the_bound(hits: int, judged: int) -> None:
    share = clopper_pearson(hits, judged)
    at_most = sum(
        math.exp(
            math.lgamma(judged + 1) - math.lgamma(found + 1) - math.lgamma(judged - found + 1)
            + found * math.log(share) + (judged - found) * math.log1p(-share)
        )
        for found in range(hits + 1)
    )  # fmt: skip
    assert at_most == pytest.approx(0.05, rel=1e-6)


def test_no_leak_in_3000_frames_of_ten_million_bounds_them_by_a_thousandth() -> None:
    assert upper([Judged(10_000_000, 3000, 0)]) < 0.001
    # In proportion, strata cost nothing but what Poisson's bound is above the binomial.
    strata = [Judged(9_000_000, 2700, 0), Judged(1_000_000, 300, 0)]
    assert upper(strata) == pytest.approx(-math.log(0.05) / 3000)


@pytest.mark.parametrize("hits", [0, 1, 10, 90])
def test_equal_weights_give_the_exact_bound_of_a_poisson_mean(hits: int) -> None:
    strata = [Judged(10**6, 1000, hits - hits // 3), Judged(2 * 10**6, 2000, hits // 3)]
    mean = 3000 * upper(strata)
    at_most = sum(
        math.exp(found * math.log(mean) - mean - math.lgamma(found + 1))
        for found in range(hits + 1)
    )
    assert at_most == pytest.approx(0.05, rel=1e-6)


def test_what_is_not_judged_may_leak_and_what_is_all_judged_is_known() -> None:
    assert upper([]) == 1.0
    assert upper([Judged(100, 0, 0)]) == 1.0
    assert upper([Judged(100, 100, 3), Judged(100, 100, 0)]) == 0.015
    half = upper([Judged(10**6, 0, 0), Judged(10**6, 3000, 0)])
    assert half == pytest.approx(0.5 + clopper_pearson(0, 3000) / 2)
    assert upper([Judged(10, 10, 1), Judged(990, 90, 0)]) == pytest.approx(
        0.001 + 0.99 * clopper_pearson(0, 90)
    )


def test_each_leak_raises_the_bound_and_each_clean_frame_lowers_it() -> None:
    others = [Judged(50_000, 200, 1), Judged(5000, 100, 2)]
    by_hits = [upper([Judged(900_000, 2700, hits), *others]) for hits in range(60)]
    assert by_hits == sorted(by_hits)
    by_judged = [upper([Judged(900_000, judged, 2), *others]) for judged in range(10, 2000, 50)]
    assert by_judged == sorted(by_judged, reverse=True)


def test_the_estimate_weighs_strata_by_their_frames() -> None:
    assert estimate([Judged(900, 10, 0), Judged(100, 10, 5), Judged(0, 0, 0)]) == 0.05
    assert estimate([Judged(900, 10, 0), Judged(100, 0, 0)]) is None
    assert estimate([]) is None


FRAMES = np.array([9_000_000, 700_000, 250_000, 50_000])
IN_PROPORTION = np.array([2700, 210, 75, 15])
WITH_FLOORS = np.array([2512, 188, 150, 150])
FEW = np.array([84, 6, 5, 5])
EQUAL = np.array([750, 750, 750, 750])


@pytest.mark.parametrize(
    "shares",
    [
        [0.0, 0.0, 0.0, 0.0],
        [3e-4, 3e-4, 3e-4, 3e-4],
        [1.2e-3, 0.0, 0.0, 0.0],
        [1e-5, 1e-3, 2e-2, 5e-2],
        [0.0, 0.0, 0.0, 0.4],
        [1e-3, 5e-3, 1e-3, 0.1],
        [0.02, 0.05, 0.1, 0.3],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "sample", [IN_PROPORTION, WITH_FLOORS, FEW, EQUAL], ids=["proportion", "floors", "few", "equal"]
)
def test_at_least_95_percent_of_2000_bounds_hold(sample: np.ndarray, shares: list[float]) -> None:
    generator = np.random.default_rng(7)
    leaks = np.round(FRAMES * shares).astype(int)
    truth = leaks.sum() / FRAMES.sum()
    # Without replacement, as the sample is drawn.
    hits = generator.hypergeometric(leaks, FRAMES - leaks, sample, size=(2000, 4))
    rows, times = np.unique(hits, axis=0, return_counts=True)
    holds = [
        upper([Judged(*map(int, one)) for one in zip(FRAMES, sample, row, strict=True)]) >= truth
        for row in rows
    ]
    assert times[holds].sum() / 2000 >= 0.95


@pytest.mark.parametrize("share", [0.0011, 0.002, 0.004, 0.02, 0.1])
def test_a_bound_of_a_simple_sample_holds_with_exactly_95_percent_or_more(share: float) -> None:
    fails = 0.0
    # Whatever is found, the chances of all counts are known: nothing need be simulated.
    for hits in range(3000):
        if clopper_pearson(hits, 3000) >= share:
            break
        fails += math.exp(
            math.lgamma(3001) - math.lgamma(hits + 1) - math.lgamma(3001 - hits)
            + hits * math.log(share) + (3000 - hits) * math.log1p(-share)
        )  # fmt: skip
    assert 0.01 < fails <= 0.05
