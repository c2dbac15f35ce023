"""The settings of Amazon Rekognition, and what its calls cost.

Prices: https://aws.amazon.com/rekognition/pricing/.
"""

from __future__ import annotations

from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field, field_validator

LEAST_SIDE = 80
"""Shorter side of the smallest picture that the service takes, pixels."""


class RekognitionOptions(BaseModel):
    """Settings of the detector that asks Amazon Rekognition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(0.1, ge=0, le=1)
    """Least confidence of a box, 0 to 1; the service itself has no such limit."""
    long_side: int = Field(1280, ge=LEAST_SIDE)
    """Longer side of the picture that is sent, pixels. A smaller picture is sent as it is. The
    service finds faces that take up 40 pixels of 1920 or more, whatever the picture's size."""
    quality: int = Field(90, ge=1, le=100)
    """Quality of the JPEG that is sent, 1 to 100. It is lowered where the JPEG would be larger than
    the service takes."""
    tps: float | None = Field(None, gt=0, exclude=True)
    """Calls a second that all workers together may make: the account's quota in Service Quotas. By
    default, what AWS gives an account in the region unasked."""
    in_flight: int = Field(64, ge=1, exclude=True)
    """Most calls that each thread of a worker has in flight."""
    timeout_s: float = Field(60.0, gt=0, exclude=True)
    """Time until a call without an answer is made again, seconds. It may be paid for twice."""
    calls_this_month: int = Field(0, ge=0, exclude=True)
    """Number of pictures that the account has already sent this month: the price of one falls with
    their number."""
    prices: tuple[tuple[int | None, float], ...] = Field(
        ((1_000_000, 0.001), (5_000_000, 0.0008), (None, 0.0006)), min_length=1, exclude=True
    )
    """Price steps: the number of the month's last picture at a price (null: no end), and the price
    of a picture, US dollars. The prices are those of us-east-1; look up your account's steps."""

    @field_validator("prices")
    @classmethod
    def _cover_all(
        cls, prices: tuple[tuple[int | None, float], ...]
    ) -> tuple[tuple[int | None, float], ...]:
        *borders, last = (border for border, _ in prices)
        rising = all(a is not None and b is not None and a < b for a, b in pairwise(borders))
        if last is not None or None in borders or not rising or min(p for _, p in prices) < 0:
            raise ValueError("borders must rise, the last one be null, and no price be negative")
        return prices

    def dollars(self, calls: int, before: int = 0) -> float:
        """Return the price of some calls, US dollars, after ``before`` others of the same run.

        >>> RekognitionOptions(calls_this_month=999_000).dollars(2_000)
        1.8
        """
        first = self.calls_this_month + before
        total, begin = 0.0, 0
        for end, price in self.prices:
            last = first + calls if end is None else min(first + calls, end)
            total += max(last - max(first, begin), 0) * price
            begin = last if end is None else end
        return total
