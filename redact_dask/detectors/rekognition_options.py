"""The settings of Amazon Rekognition, and what its calls cost.

Prices: https://aws.amazon.com/rekognition/pricing/.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from redact_dask.records import Usage

LEAST_SIDE = 80
"""Shorter side of the smallest picture that the service takes, pixels."""
MOST_SIDE = 10_000
"""Longest side of a picture that DetectLabels and DetectModerationLabels take, pixels."""

OperationName = Literal["faces", "text", "labels", "moderation"]
SECTIONS: tuple[OperationName, ...] = ("text", "labels", "moderation")
"""Operations that have a section of their own."""


Step = tuple[int | None, float]


def _cover_all(prices: tuple[Step, ...]) -> tuple[Step, ...]:
    *borders, last = (border for border, _ in prices)
    rising = all(a is not None and b is not None and a < b for a, b in pairwise(borders))
    if last is not None or None in borders or not rising or min(p for _, p in prices) < 0:
        raise ValueError("borders must rise, the last one be null, and no price be negative")
    return prices


Prices = Annotated[tuple[Step, ...], Field(min_length=1), AfterValidator(_cover_all)]


_NAME = r"^[A-Za-z0-9àâèçñó'-_(). ]{1,50}$"
"""Names of labels that DetectLabels takes, as its model says."""
_once = AfterValidator(lambda names: tuple(sorted({*names})))
"""Sorts names: their order must not buy anything again."""


class _Section(BaseModel):
    """Settings of one operation; those of its account replace what holds for all operations."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(0.5, ge=0, le=1)
    """Least confidence of what it finds, 0 to 1."""
    tps: float | None = Field(None, gt=0, exclude=True)
    """Calls of this operation a second; by default, as for all."""
    calls_this_month: int | None = Field(None, ge=0, exclude=True)
    """Pictures that the account has already sent to this operation this month; by default, as for
    all."""
    prices: Prices | None = Field(None, exclude=True)
    """Price steps of this operation; by default, as for all."""


class TextOptions(_Section):
    """Settings of DetectText."""

    pattern: str | None = None
    """Regular expression, in Python's syntax: only lines and words in which it is found are boxes.
    By default, all are."""

    @field_validator("pattern")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"this is no regular expression: {error}") from None
        return pattern


class LabelOptions(_Section):
    """Settings of DetectLabels."""

    names: Annotated[tuple[Annotated[str, Field(pattern=_NAME)], ...], _once] = Field(
        (), max_length=100
    )
    """Names of the labels that are asked for, as the service spells them."""


class ModerationOptions(_Section):
    """Settings of DetectModerationLabels."""

    names: Annotated[tuple[str, ...], _once] = ()
    """Names of the labels that count, of any level. By default, those of the top level do."""


class RekognitionOptions(BaseModel):
    """Settings of the detector that asks Amazon Rekognition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operations: tuple[OperationName, ...] = Field(("faces",), min_length=1)
    """What each picture is asked for. Each operation is a paid call."""
    threshold: float = Field(0.1, ge=0, le=1)
    """Least confidence of a face, 0 to 1; the service itself has no such limit."""
    text: TextOptions = TextOptions()
    labels: LabelOptions = LabelOptions()
    moderation: ModerationOptions = ModerationOptions()
    long_side: int = Field(1280, ge=LEAST_SIDE, le=MOST_SIDE)
    """Longer side of the picture that is sent, pixels. A smaller picture is sent as it is. The
    service finds faces that take up 40 pixels of 1920 or more, whatever the picture's size."""
    quality: int = Field(90, ge=1, le=100)
    """Quality of the JPEG that is sent, 1 to 100. It is lowered where the JPEG would be larger than
    the service takes."""
    tps: float | None = Field(None, gt=0, exclude=True)
    """Calls of one operation a second that all workers together may make: the account's quota in
    Service Quotas. By default, what AWS gives an account in the region unasked."""
    in_flight: int = Field(64, ge=1, exclude=True)
    """Most calls that each thread of a worker has in flight."""
    timeout_s: float = Field(60.0, gt=0, exclude=True)
    """Time until a call without an answer is made again, seconds. It may be paid for twice."""
    calls_this_month: int = Field(0, ge=0, exclude=True)
    """Number of pictures that the account has already sent to an operation this month: the price of
    one falls with their number."""
    prices: Prices = Field(((1_000_000, 0.001), (5_000_000, 0.0008), (None, 0.0006)), exclude=True)
    """Price steps: the number of the month's last picture at a price (null: no end), and the price
    of a picture, US dollars. The prices are those of us-east-1; look up your account's steps."""

    @field_validator("operations")
    @classmethod
    def _once_each(cls, operations: tuple[OperationName, ...]) -> tuple[OperationName, ...]:
        if len({*operations}) < len(operations):
            raise ValueError("an operation is named twice, and would be paid for twice")
        return tuple(name for name in ("faces", *SECTIONS) if name in operations)

    @model_validator(mode="after")
    def _sections_are_asked_for(self) -> RekognitionOptions:
        for name in SECTIONS:
            if name not in self.operations and name in self.model_fields_set:
                raise ValueError(f"{name} has settings, but operations does not name it")
        if "labels" in self.operations and not self.labels.names:
            raise ValueError("operations names labels: set labels.names to what is to be found")
        return self

    @model_serializer(mode="wrap")
    def _deciding(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what decides nothing: what was paid for before there were choices is kept."""
        decides: dict[str, Any] = dump(self)
        for name in SECTIONS:
            if name not in self.operations:
                del decides[name]
        if self.operations == ("faces",):
            del decides["operations"]
        return decides

    def usage_of(self, looks: int) -> Usage:
        """Return the calls for some looks, without those for quarters of crowded pictures."""
        return Usage(
            looks * len(self.operations), by_operation=dict.fromkeys(self.operations, looks)
        )

    def tps_of(self, operation: str) -> float | None:
        """Return the calls of an operation a second that are allowed; None: AWS's default."""
        found: float | None = self._of(operation, "tps")
        return found

    def dollars(self, usage: Usage, before: Usage) -> float:
        """Return the price of some calls, US dollars, after those ``before`` in the same run.

        >>> options = RekognitionOptions(calls_this_month=999_000)
        >>> options.dollars(options.usage_of(2_000), Usage())
        1.8
        """
        return sum(
            self._price(operation, before.by_operation.get(operation, 0), calls)
            for operation, calls in usage.by_operation.items()
        )

    def _price(self, operation: str, before: int, calls: int) -> float:
        """Return the price of some calls of one operation, whose price steps are its own."""
        first = self._of(operation, "calls_this_month") + before
        total, begin = 0.0, 0
        for end, price in self._of(operation, "prices"):
            last = first + calls if end is None else min(first + calls, end)
            total += max(last - max(first, begin), 0) * price
            begin = last if end is None else end
        return total

    def _of(self, operation: str, key: str) -> Any:
        """Return a setting of an operation's account: its section's own, or what holds for all."""
        own = getattr(getattr(self, operation), key) if operation in SECTIONS else None
        return getattr(self, key) if own is None else own
