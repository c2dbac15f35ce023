"""Slots in time for calls to a service."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from redact_dask.detectors.rate_limit import HEADROOM, RateLimiter, RateLimiters, Slots

TPS = 25.0


def times(slots: Slots, calls: int, now: float) -> Iterator[float]:
    yield from (now + slots.wait_s + number * slots.interval_s for number in range(calls))


def busiest(calls: list[float]) -> int:
    """Return the most calls that fall within any second."""
    return max(sum(0 <= later - call < 1 for later in calls) for call in calls)


def test_many_callers_together_stay_below_the_rate_and_use_it() -> None:
    chance = random.Random(0)
    limiter, now, calls = RateLimiter(TPS), 0.0, []
    for _ in range(200):
        number = chance.randint(1, 8)
        slots = limiter.reserve(number, throttled=False, now=now)
        calls += times(slots, number, now)
        now += chance.uniform(0, slots.wait_s)
    assert calls == sorted(calls)
    assert busiest(calls) <= TPS
    late = [call for call in calls if call > 15]
    assert len(late) / (late[-1] - late[0]) > 0.95 * HEADROOM * TPS


def test_it_begins_gently() -> None:
    limiter = RateLimiter(TPS)
    first = limiter.reserve(1, throttled=False, now=100.0)
    later = limiter.reserve(1, throttled=False, now=110.0)
    assert first.wait_s == 0
    assert first.interval_s == pytest.approx(2 * later.interval_s)
    assert later.interval_s == pytest.approx(1 / (HEADROOM * TPS))


def test_throttling_lowers_the_rate_of_all_once_a_second_and_it_recovers() -> None:
    limiter = RateLimiter(TPS)
    limiter.reserve(1, throttled=False, now=0.0)
    full = limiter.reserve(1, throttled=False, now=20.0).interval_s
    one, *lower = [limiter.reserve(1, throttled=True, now=20.0).interval_s for _ in range(5)]
    assert one == pytest.approx(full)
    assert min(lower) == max(lower) > 1.3 * full
    limiter.reserve(1, throttled=True, now=21.1)
    assert limiter.reserve(1, throttled=True, now=21.1).interval_s > lower[0]
    assert limiter.reserve(1, throttled=False, now=40.0).interval_s == pytest.approx(full)


def test_a_quota_that_is_wrong_by_far_does_not_stop_all_calls() -> None:
    limiter = RateLimiter(TPS)
    now = 0.0
    for _ in range(300):
        slots = limiter.reserve(1, throttled=True, now=now)
        now += 0.3
    assert 2 / TPS < slots.interval_s < 1


def test_services_have_budgets_of_their_own() -> None:
    limiters = RateLimiters()
    assert limiters.reserve("one", 1.0, 10, throttled=False).wait_s == 0
    assert limiters.reserve("two", 1.0, 10, throttled=False).wait_s == 0
    assert limiters.reserve("one", 1.0, 1, throttled=False).wait_s > 5
