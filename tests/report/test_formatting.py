"""Numbers become words."""

from __future__ import annotations

import pytest

from redact_dask.report import formatting


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (formatting.duration(0), "0 s"),
        (formatting.duration(0.0001), "< 1 ms"),
        (formatting.duration(0.0234), "23 ms"),
        (formatting.duration(1.25), "1.2 s"),
        (formatting.duration(59.6), "1 min"),
        (formatting.duration(3599.7), "1 h"),
        (formatting.duration(5400), "1 h 30 min"),
        (formatting.duration(6_000_000), "1,666 h"),
        (formatting.size(999), "999 bytes"),
        (formatting.size(999_999), "1.0 MB"),
        (formatting.size(123_456_789), "123 MB"),
        (formatting.share(1, 1000), "< 1 %"),
        (formatting.share(999, 1000), "> 99 %"),
        (formatting.share(1000, 1000), "100 %"),
        (formatting.number(1234567), "1,234,567"),
        (formatting.number(0.5), "0.5"),
        (formatting.number(12.34), "12.3"),
        (formatting.dollars(1234.5), "$1,234.50"),
        (formatting.clipped("x" * 1000), "x" * 150 + " … " + "x" * 150),
    ],
)
def test_words(told: str, words: str) -> None:
    assert told == words
