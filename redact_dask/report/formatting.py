"""Formatting figures for a person to read."""

from __future__ import annotations

from datetime import UTC, datetime

_BYTES = ("bytes", "kB", "MB", "GB", "TB", "PB")
_LONGEST = 300
"""Most characters shown of a text in the manifest: the text of an error may be long."""


def number(value: float) -> str:
    """Return a number with commas between thousands, and no more digits than are of use."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:,.1f}"


def size(value: float) -> str:
    """Return a number of bytes, in units that are powers of 1000."""
    power = 0
    while value >= 999.5 and power < len(_BYTES) - 1:
        value, power = value / 1000, power + 1
    digits = 0 if power == 0 or value >= 99.5 else 1
    return f"{value:.{digits}f} {_BYTES[power]}"


def duration(seconds: float) -> str:
    """Return a duration in the one or two units that fit it best; the largest unit is the hour.

    >>> duration(0.25), duration(95), duration(7260)
    ('0.2 s', '1 min 35 s', '2 h 1 min')
    """
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
    """Return a duration in two units; the smaller one is left out if it makes no difference."""
    text = f"{large:,} {name}"
    return f"{text} {small} {small_name}" if small and large < 100 else text


def share(part: float, whole: float = 1.0) -> str:
    """Return a share in per cent; only exact shares are shown as 0 % and 100 %.

    A share of a whole of zero is shown as a dash.

    >>> share(999, 1000), share(1, 3), share(0)
    ('> 99 %', '33 %', '0 %')
    """
    if not whole:
        return "\N{EN DASH}"
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "< 1 %"
    return "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"


def dollars(value: float) -> str:
    """Return a price in US dollars."""
    return f"${value:,.2f}"


def when(time: datetime) -> str:
    """Return a time to the second, UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def clipped(text: str) -> str:
    """Return a text, or only its beginning and its end if it is long."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"
