"""HEVC is taken apart and put together as the standard says, and refused where it is broken."""

from __future__ import annotations

import pytest
from x265 import record, sets

from redact_dask.media import nal
from redact_dask.media.hevc import bitstream

TIMING = 1

Messages = list[tuple[int, bytes]]


def message_unit(messages: Messages) -> bytes:
    """A unit of messages (7.3.5)."""

    def coded(value: int) -> bytes:
        return b"\xff" * (value // 255) + bytes([value % 255])

    body = b"".join(coded(kind) + coded(len(data)) + data for kind, data in messages)
    return nal.escaped(bytes([bitstream.SEI << 1, 1]) + body + b"\x80")


def test_kind_and_layer_are_in_the_header() -> None:
    assert (bitstream.kind(b"\x26\x01"), bitstream.layer(b"\x26\x01")) == (19, 0)
    assert (bitstream.kind(b"\x27\x0a"), bitstream.layer(b"\x27\x0a")) == (19, 33)
    with pytest.raises(ValueError, match="ends early"):
        bitstream.layer(b"\x26")


class TestMessages:
    """Messages that may hold anything do not get through."""

    @pytest.mark.parametrize("kind", [0, 1, 2, 6, 45, 47, 129, 132, 136, 137, 144, 147])
    def test_no_kind_carries_more_than_it_needs(self, kind: int) -> None:
        unit = message_unit([(kind, b"GPS 48.137N 11.575E" * 36)])
        assert bitstream.without_free_data(unit) == b""

    @pytest.mark.parametrize(
        ("kind", "size"),
        [(0, 17), (1, 9), (6, 2), (45, 12), (47, 4), (137, 24), (144, 4), (147, 1)],
    )
    def test_messages_of_a_legal_size_stay(self, kind: int, size: int) -> None:
        unit = message_unit([(kind, bytes(range(1, size + 1)))])
        assert bitstream.without_free_data(unit) == unit

    @pytest.mark.parametrize("kind", [3, 4, 5, 22, 100, 128, 129, 132, 136, 200, 256])
    def test_what_holds_free_data_or_is_not_known_is_dropped(self, kind: int) -> None:
        unit = message_unit([(TIMING, b"\1"), (kind, b"GPS48.8583"), (TIMING, b"\2")])
        kept = bitstream.without_free_data(unit)
        assert kept == message_unit([(TIMING, b"\1"), (TIMING, b"\2")])


class TestRecord:
    """The record (``hvcC``) with the parameter sets."""

    def test_it_gives_back_what_was_put_in(self) -> None:
        units = sets()
        found = record(units)
        assert bitstream.parameter_sets(found) == units
        assert bitstream.length_size(found) == 4
        assert bitstream.length_size(b"\0\0\0\1" + units[0]) == 0

    def test_it_tells_what_the_sequence_tells(self) -> None:
        units = sets(pix_fmt="yuv422p10le")
        found = bitstream.hvcc(units, 2, (10, 10), 1)
        assert found[1:13] == nal.unescaped(units[1])[3:15]
        assert (found[16] & 3, found[17] & 7, found[18] & 7) == (2, 2, 2)
        assert found[21] == 0b00001111  # one sub-layer, nested, lengths of 4 bytes

    def test_one_that_ends_early_is_refused(self) -> None:
        found = record(sets())
        for end in range(24, len(found)):
            with pytest.raises(ValueError, match="ends early"):
                bitstream.parameter_sets(found[:end])
