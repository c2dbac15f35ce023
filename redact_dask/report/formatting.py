"""Figures as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

_BYTES = ("bytes", "kB", "MB", "GB", "TB", "PB")
_LONGEST = 300
"""Characters of a text of the manifest that are shown: an error's may be long."""


def number(value: float) -> str:
    """Return a number with thousands apart, and no more digits than are of use."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:,.1f}"


def size(value: float) -> str:
    """Return a number of bytes, in powers of 1000."""
    power = 0
    while value >= 999.5 and power < len(_BYTES) - 1:
        value, power = value / 1000, power + 1
    digits = 0 if power == 0 or value >= 99.5 else 1
    return f"{value:.{digits}f} {_BYTES[power]}"


def duration(seconds: float) -> str:
    """Return a time in the one or two units that tell it best, hours at most."""
    if 0 < seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms" if seconds >= 0.0005 else "< 1 ms"
    if seconds < 9.95 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _units(whole // 60, "min", whole % 60, "s")
    return _units(whole // 3600, "h", whole // 60 % 60, "min")


def _units(large: int, name: str, small: int, small_name: str) -> str:
    told = f"{large:,} {name}"
    return f"{told} {small} {small_name}" if small and large < 100 else told


def share(part: float, whole: float = 1.0) -> str:
    """Return a share in per cent: all and nothing are told only of what is so."""
    if not whole:
        return "\N{EN DASH}"
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "< 1 %"
    return "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"


def dollars(value: float) -> str:
    """Return a price."""
    return f"${value:,.2f}"


def when(time: datetime) -> str:
    """Return a time to the second, UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def clipped(text: str) -> str:
    """Return a text, or its beginning and its end if it is long."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"
