"""What H.264 and HEVC have in common is taken apart, and refused where it is broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redact_dask.media import nal


class TestUnits:
    """Units of a packet."""

    @given(st.lists(st.binary(min_size=1), min_size=1), st.integers(1, 4))
    def test_lengths_part_them(self, units: list[bytes], size: int) -> None:
        units = [unit[:255] for unit in units]
        data = b"".join(len(unit).to_bytes(size) + unit for unit in units)
        assert nal.units(data, size) == units
        assert nal.units(nal.joined(units), 4) == units

    @given(st.lists(st.binary(), min_size=1), st.sampled_from([b"\0\0\1", b"\0\0\0\1"]))
    def test_start_codes_part_them(self, contents: list[bytes], code: bytes) -> None:
        units = [nal.escaped(b"\x65" + content + b"\x80") for content in contents]
        data = b"".join(code + unit for unit in units)
        assert nal.units(data, 0) == units
        assert nal.units(data + b"\0\0", 0) == units

    @given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 255])).map(bytes))
    def test_escaping_keeps_start_codes_out(self, content: bytes) -> None:
        data = b"\x65" + content + b"\x80"
        escaped = nal.escaped(data)
        assert nal.unescaped(escaped) == data
        for forbidden in (b"\0\0\0", b"\0\0\1", b"\0\0\2"):
            assert forbidden not in escaped

    @pytest.mark.parametrize("size", [0, 4])
    @pytest.mark.parametrize("data", [b"", b"abc", b"\0\0\0\0", b"\0\0\0\5abc", b"a\0\0\1b"])
    def test_a_packet_that_is_no_row_of_them_is_refused(self, data: bytes, size: int) -> None:
        with pytest.raises(ValueError, match="not a row of whole"):
            nal.units(data, size)
