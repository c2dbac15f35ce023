"""Equal periods of time, and how much of something fell into each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from redact_dask.report.arrow import Floats

_MOST = 60
"""Periods, at most: a bar of each is still seen on a phone."""
_LENGTHS_S = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
)  # fmt: skip
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods of one length, without a hole."""

    start_s: float
    """Start of the first one, seconds since the epoch."""
    length_s: float
    count: int

    @classmethod
    def over(cls, began: datetime, ended: datetime) -> Periods:
        """Return at most 60 periods of a round length that cover a time."""
        first, last = began.timestamp(), ended.timestamp()
        lengths = (length for length in _LENGTHS_S if (last - first) / length < _MOST - 1)
        # Longer than two months: as many whole days as it takes.
        length = next(lengths, _DAY_S * (int((last - first) / _DAY_S / (_MOST - 1)) + 1))
        start = first // length * length
        return cls(start, length, int((last - start) // length) + 1)

    @property
    def edges(self) -> Floats:
        """Start of each period and end of the last: shape (count + 1), seconds since the epoch."""
        return self.start_s + self.length_s * np.arange(self.count + 1, dtype=np.float64)

    @property
    def starts(self) -> list[datetime]:
        """Start of each period, UTC."""
        first = datetime.fromtimestamp(self.start_s, UTC)
        return [first + timedelta(seconds=self.length_s * rank) for rank in range(self.count)]

    def count_at(self, times: Floats, weights: Floats) -> Floats:
        """Return the sum of the weights of what happened in each period: shape (count).

        Parameters
        ----------
        times
            When it happened, seconds since the epoch; shape (n).
        weights
            Of each; shape (n).
        """
        ranks = np.floor((times - self.start_s) / self.length_s).astype(np.int64)
        ranks = np.clip(ranks, 0, self.count - 1)
        return np.bincount(ranks, weights, self.count).astype(np.float64)

    def spread(self, began: Floats, ended: Floats, weights: Floats) -> Floats:
        """Return how much weight fell into each period, if each is spread evenly over its time.

        Parameters
        ----------
        began, ended
            From when to when, seconds since the epoch; shape (n).
        weights
            Of each; shape (n).

        Returns
        -------
        Shape (count).
        """
        took = np.maximum(ended - began, 1e-6)
        done = [float(weights @ np.clip((edge - began) / took, 0.0, 1.0)) for edge in self.edges]
        return np.diff(np.array(done))
