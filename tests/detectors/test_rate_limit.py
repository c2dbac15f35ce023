"""Slots in time for calls to a service."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator

import pytest

from redact_dask.detectors.rate_limit import AHEAD_S, HEADROOM, RateLimiter, RateLimiters, Slots

TPS = 25.0


def times(slots: Slots, now: float) -> Iterator[float]:
    yield from (now + slots.wait_s + number * slots.interval_s for number in range(slots.calls))


def busiest(calls: list[float]) -> int:
    """Return the most calls that fall within any second."""
    return max(sum(0 <= later - call < 1 for later in calls) for call in calls)


def test_many_callers_together_stay_below_the_rate_and_use_it() -> None:
    chance = random.Random(0)
    limiter, now, calls = RateLimiter(TPS), 0.0, []
    for _ in range(200):
        slots = limiter.reserve(chance.randint(1, 8), throttled=False, now=now)
        calls += times(slots, now)
        now += chance.uniform(0, slots.wait_s)
    assert calls == sorted(calls)
    assert busiest(calls) <= TPS
    late = [call for call in calls if call > 15]
    assert len(late) / (late[-1] - late[0]) > 0.95 * HEADROOM * TPS


def simulated(callers: int, seconds: float) -> list[list[float]]:
    """Return the times at which callers make calls that last 0.8 s, with 64 in flight each."""
    limiter = RateLimiter(TPS)
    made: list[list[float]] = [[] for _ in range(callers)]
    waiting = [0] * callers
    asks = [(caller / 1000, caller) for caller in range(callers)]
    while asks[0][0] < seconds:
        now, caller = heapq.heappop(asks)
        calls = made[caller]
        if not waiting[caller] and len(calls) >= 64 and calls[8 - 64] + 0.8 > now:
            heapq.heappush(asks, (calls[8 - 64] + 0.8, caller))
            continue
        waiting[caller] = waiting[caller] or 8
        slots = limiter.reserve(waiting[caller], throttled=False, now=now)
        calls += times(slots, now)
        waiting[caller] -= slots.calls
        heapq.heappush(asks, (now + (0.001 if slots.calls else slots.wait_s), caller))
    return [[call for call in calls if call < seconds] for calls in made]


@pytest.mark.parametrize("callers", [1, 2, 100, 1000])
def test_however_many_callers_there_are_they_soon_have_the_full_rate(callers: int) -> None:
    random.seed(0)
    by_caller = simulated(callers, 900)
    calls = sorted(call for made in by_caller for call in made)
    assert len(calls) / 900 >= 23.5
    assert all(later - call >= 1 for call, later in zip(calls, calls[25:], strict=False))
    if callers <= 100:
        assert min(map(len, by_caller)) > len(calls) / callers / 2


def test_a_throttled_call_gets_its_slot_though_the_next_seconds_are_taken() -> None:
    limiter = RateLimiter(TPS)
    while limiter.reserve(8, throttled=False, now=0.0).calls:
        pass
    refused = limiter.reserve(8, throttled=False, now=0.0)
    assert 0.3 * AHEAD_S < refused.wait_s < 0.9 * AHEAD_S
    again = limiter.reserve(1, throttled=True, now=0.0)
    assert again.calls == 1
    assert again.wait_s == pytest.approx(AHEAD_S, abs=0.1)


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
    assert limiters.reserve("one", 1.0, 1, throttled=False).wait_s > 1
