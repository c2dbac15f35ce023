"""H.264 is taken apart and put together as the standard says, and refused where it is broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from x264 import sets

from redact_dask.media import nal
from redact_dask.media.h264 import bitstream

TIMING = 1

Messages = list[tuple[int, bytes]]


def message_unit(messages: Messages) -> bytes:
    """A unit of messages (7.3.2.3.1)."""

    def coded(value: int) -> bytes:
        return b"\xff" * (value // 255) + bytes([value % 255])

    body = b"".join(coded(kind) + coded(len(data)) + data for kind, data in messages)
    return nal.escaped(bytes([bitstream.SEI]) + body + b"\x80")


class TestMessages:
    """Messages that may hold anything do not get through."""

    @given(
        st.lists(
            st.tuples(st.sampled_from([0, 1, 4, 5, 6, 137, 200, 300]), st.binary(max_size=300)),
            min_size=1,
        )
    )
    def test_only_timing_and_showing_are_kept(self, messages: Messages) -> None:
        sizes = {0: range(1, 25), 1: range(1, 41), 6: range(1, 6), 137: (24,)}
        kept = [(kind, data) for kind, data in messages if len(data) in sizes.get(kind, ())]
        expected = message_unit(kept) if kept else b""
        assert bitstream.without_free_data(message_unit(messages)) == expected

    @pytest.mark.parametrize("kind", [0, 1, 2, 6, 7, 19, 45, 47, 137, 144, 147])
    def test_no_kind_carries_more_than_it_needs(self, kind: int) -> None:
        text = b"GPS 48.137N 11.575E" * 36
        unit = message_unit([(kind, text)])
        assert bitstream.without_free_data(unit) == b""

    @pytest.mark.parametrize(
        ("kind", "size"),
        [(0, 17), (1, 9), (6, 2), (45, 12), (47, 5), (137, 24), (144, 4), (147, 1)],
    )
    def test_messages_of_a_legal_size_stay(self, kind: int, size: int) -> None:
        unit = message_unit([(kind, bytes(range(1, size + 1)))])
        assert bitstream.without_free_data(unit) == unit

    @pytest.mark.parametrize("kind", [3, 4, 5, 7, 8, 19, 22, 100, 255, 256])
    def test_what_holds_free_data_or_is_not_known_is_dropped(self, kind: int) -> None:
        unit = message_unit([(TIMING, b"\1"), (kind, b"GPS48.8583"), (TIMING, b"\2")])
        kept = bitstream.without_free_data(unit)
        assert kept == message_unit([(TIMING, b"\1"), (TIMING, b"\2")])

    @pytest.mark.parametrize(
        "body",
        [
            bytes([TIMING, 20]) + b"GPS48.8583\x80",  # longer than the unit
            bytes([TIMING, 10]) + b"GPS48.8583",  # no trailing bits
            b"\xff\xff\xff",
            b"",
        ],
    )
    def test_what_is_cut_short_is_dropped(self, body: bytes) -> None:
        assert bitstream.without_free_data(bytes([bitstream.SEI]) + body) == b""

    def test_bytes_behind_the_last_message_are_dropped(self) -> None:
        unit = message_unit([(TIMING, b"\1")])
        assert b"GPS" not in bitstream.without_free_data(unit + b"GPS")


class TestRecord:
    """The record (``avcC``) with the parameter sets."""

    def test_it_gives_back_what_was_put_in(self) -> None:
        units = sets()
        record = bitstream.avcc(units)
        assert bitstream.parameter_sets(record) == units
        assert bitstream.length_size(record) == 4
        assert bitstream.length_size(b"\0\0\0\1" + units[0]) == 0

    def test_its_profile_and_level_are_the_highest_and_its_constraints_common(self) -> None:
        low, high = sets("level=10", profile="baseline")[0], sets("level=31", profile="high")[0]
        record = bitstream.avcc([low, high])
        assert record[:4] == bytes([1, 100, low[2] & high[2], 31])
        assert record[-4:] == b"\xfd\xf8\xf8\0"
        assert not bitstream.avcc([low]).endswith(b"\xfd\xf8\xf8\0")

    def test_one_that_ends_early_is_refused(self) -> None:
        units = sets(profile="baseline")
        record = bitstream.avcc(units)
        for end in range(5, len(record)):
            with pytest.raises(ValueError, match="ends early"):
                bitstream.parameter_sets(record[:end])
