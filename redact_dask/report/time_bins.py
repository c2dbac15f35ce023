"""Dividing time into equal periods, and summing up what fell into each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from redact_dask.report.arrow import Floats

_MOST = 60
"""Most periods: a bar for each of them can still be seen on a phone."""
_LENGTHS_S = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
)  # fmt: skip
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Periods:
    """Consecutive periods of equal length."""

    start_s: float
    """Start of the first period, seconds since the epoch."""
    length_s: float
    """Length of each period, seconds."""
    count: int
    """Number of periods."""

    @classmethod
    def over(cls, began: datetime, ended: datetime) -> Periods:
        """Return at most 60 periods of a round length that cover the time between two moments."""
        first, last = began.timestamp(), ended.timestamp()
        lengths = (length for length in _LENGTHS_S if (last - first) / length < _MOST - 1)
        # If even days are too short, a period has as many whole days as it takes.
        length = next(lengths, _DAY_S * (int((last - first) / _DAY_S / (_MOST - 1)) + 1))
        start = first // length * length
        return cls(start, length, int((last - start) // length) + 1)

    @property
    def edges(self) -> Floats:
        """Start of each period and end of the last, seconds since the epoch; shape (count + 1)."""
        return self.start_s + self.length_s * np.arange(self.count + 1, dtype=np.float64)

    @property
    def starts(self) -> list[datetime]:
        """Start of each period, UTC."""
        first = datetime.fromtimestamp(self.start_s, UTC)
        return [first + timedelta(seconds=self.length_s * rank) for rank in range(self.count)]

    def count_at(self, times: Floats, weights: Floats) -> Floats:
        """Return the sum of the weights of the events in each period; shape (count).

        Parameters
        ----------
        times
            Time of each event, seconds since the epoch; shape (n).
        weights
            Weight of each event; shape (n).
        """
        ranks = np.floor((times - self.start_s) / self.length_s).astype(np.int64)
        ranks = np.clip(ranks, 0, self.count - 1)
        return np.bincount(ranks, weights, self.count).astype(np.float64)

    def spread(self, began: Floats, ended: Floats, weights: Floats) -> Floats:
        """Return the weight in each period, if each event's weight is spread evenly over its time.

        Parameters
        ----------
        began, ended
            Start and end of each event, seconds since the epoch; shape (n).
        weights
            Weight of each event; shape (n).

        Returns
        -------
        Sum of the weights in each period; shape (count).
        """
        took = np.maximum(ended - began, 1e-6)
        done = [float(weights @ np.clip((edge - began) / took, 0.0, 1.0)) for edge in self.edges]
        return np.diff(np.array(done))
