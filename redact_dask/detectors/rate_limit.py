"""Limiting how often a service is called: slots in time, shared by all its callers.

A caller reserves slots for some calls at once and makes one call in each. If a caller dies, only
its unused slots are lost: callers do not hold the limiter, so none has to give it back.

Slots are given out for the next seconds only, because their rate is that of the time at which they
are given out. Once all of these are taken, a caller is told when to ask again.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

HEADROOM = 0.96
"""Share of the allowed rate that is used. A service counts the calls of any one second, and calls
arrive some hundredths of a second early or late: at the full rate, one would often be too many."""
START = 0.5
"""Share of the used rate at which calls begin: a service may refuse a rate that rises too fast."""
RISE = 0.1
"""Share of the used rate that is added each second, at the start and after throttling."""
TOLERATED = 0.04
"""Share of a second's calls that may be throttled before the rate is lowered; one call always may.
A call that is a little late may push another one out, though the rate is right."""
CUT = 0.7
"""Factor by which the rate is lowered, at most once a second: a rate that is too high throttles
several calls before the first of them is known."""
LEAST = 0.05
"""Share of the used rate below which the rate does not fall."""
AHEAD_S = 5.0
"""Time ahead for which slots are given out, seconds; it covers what callers take to ask again."""


@dataclass(frozen=True, slots=True)
class Slots:
    """When calls may be made, seconds: the first after a wait, each next one an interval later."""

    calls: int
    """For how many calls there are slots; none: ask again after the wait."""
    wait_s: float
    interval_s: float


class RateLimiter:
    """Reserves slots for the calls to one service.

    Parameters
    ----------
    tps
        Calls a second that the service allows.
    """

    def __init__(self, tps: float) -> None:
        self.tps = tps
        self._most = tps * HEADROOM
        self._rate = self._most * START
        self._next = 0.0
        self._updated: float | None = None
        self._lowered = float("-inf")
        self._throttled: list[float] = []
        """Times of the throttled calls of the last second."""

    def reserve(self, calls: int, throttled: bool, now: float) -> Slots:
        """Reserve slots for calls, or for fewer than were asked for, or for none.

        Parameters
        ----------
        calls
            How many calls.
        throttled
            Whether the service has just refused a call because there were too many. That call has
            waited before, and gets its slot in any case.
        now
            Time on a clock that never goes back, the same one for every caller, seconds.
        """
        elapsed = now - self._updated if self._updated is not None else 0.0
        self._updated = now
        self._rate = min(self._rate + self._most * RISE * elapsed, self._most)
        if throttled:
            self._throttled = [*(then for then in self._throttled if now - then < 1), now]
            too_many = len(self._throttled) > max(1, TOLERATED * self._rate)
            if too_many and now - self._lowered >= 1:
                self._rate = max(self._rate * CUT, self._most * LEAST)
                self._lowered = now
        first = max(self._next, now)
        room = math.ceil((now + AHEAD_S - first) * self._rate)
        if room <= 0 and not throttled:
            # Callers that all came again at once would find one with slots, and the others none.
            return Slots(0, (first - now) * random.uniform(0.4, 0.8), 1 / self._rate)  # noqa: S311
        given = min(calls, max(room, 1))
        self._next = first + given / self._rate
        return Slots(given, first - now, 1 / self._rate)


class RateLimiters:
    """The limiters of several services, by name, made when first used or used at a new rate."""

    def __init__(self) -> None:
        self._limiters: dict[str, RateLimiter] = {}
        self._lock = threading.Lock()

    def reserve(self, service: str, tps: float, calls: int, throttled: bool) -> Slots:
        """Reserve slots for calls to a service that allows ``tps`` calls a second."""
        with self._lock:
            limiter = self._limiters.get(service)
            if limiter is None or limiter.tps != tps:
                limiter = self._limiters[service] = RateLimiter(tps)
            return limiter.reserve(calls, throttled, time.monotonic())


Reserve = Callable[[str, float, int, bool], Slots]
"""A function with the parameters of `reserve`."""

_reserve: Reserve = RateLimiters().reserve


def use(reserve: Reserve) -> None:
    """Let this process reserve its slots elsewhere: on a cluster, all processes share limiters."""
    global _reserve  # noqa: PLW0603 (one limiter a process, as one for a cluster)
    _reserve = reserve


def reserve(service: str, tps: float, calls: int, throttled: bool = False) -> Slots:
    """Reserve slots for calls to a service, or for fewer than were asked for, or for none.

    Parameters
    ----------
    service
        Name of what the rate is allowed for, such as an account's calls in one region.
    tps
        Calls a second that the service allows.
    calls
        How many slots are reserved, one for each call.
    throttled
        Whether the service has just refused a call because there were too many.
    """
    return _reserve(service, tps, calls, throttled)
