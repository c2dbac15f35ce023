"""The pictures of a packet are counted, and a slice gets another id without any other change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from x265 import record, sets

from redact_dask.media import nal
from redact_dask.media.hevc import bitstream, slices
from redact_dask.media.nal import unit_of

IDR, TRAIL = bytes([19 << 1, 1]), bytes([1 << 1, 1])


@pytest.fixture(scope="module")
def counter() -> slices.PictureCounter:
    """Of pictures with 60 blocks: a place takes 6 bits."""
    return slices.PictureCounter(record(sets("ctu=16")))


def first(header: bytes = IDR) -> bytes:
    return unit_of(header, "1" + ("0" if header == IDR else "") + "1" + "0110")


def later(place: int, header: bytes = IDR) -> bytes:
    return unit_of(header, "0" + ("0" if header == IDR else "") + "1" + f"{place:06b}" + "0110")


class TestCounting:
    """No picture is overlooked."""

    def test_slices_of_one_picture(self, counter: slices.PictureCounter) -> None:
        assert counter.count([first(), later(20), later(40)]) == 1
        assert counter.count([first(TRAIL), later(1, TRAIL)]) == 1
        assert counter.count([bytes([bitstream.SEI << 1, 1, 0])]) == 0

    def test_a_slice_out_of_order_is_another_picture(self, counter: slices.PictureCounter) -> None:
        assert counter.count([first(), first()]) == 2
        assert counter.count([first(), later(20), later(20)]) == 2
        assert counter.count([first(), later(40), later(20)]) == 2

    @pytest.mark.parametrize(
        ("units", "reason"),
        [
            ([later(20)], "in the middle of a picture"),
            ([first(), later(0)], "is not the first"),
            ([first(), first(bytes([19 << 1, 9]))], "several layers"),
            ([first(), first(bytes([22 << 1, 1]))], "no decoder knows"),
            ([unit_of(IDR, "10" + "010" + "0110")], "names a parameter set"),
            ([IDR + b"\x80"], "ends early"),
        ],
    )
    def test_what_no_decoder_shows_is_refused(
        self, units: list[bytes], reason: str, counter: slices.PictureCounter
    ) -> None:
        with pytest.raises(ValueError, match=reason):
            counter.count(units)


@given(
    header=st.sampled_from([IDR, TRAIL]),
    is_first=st.booleans(),
    rest=st.text("01", max_size=200),
    number=st.sampled_from(slices.NUMBERS),
)
def test_another_id_changes_nothing_behind_it(
    header: bytes, is_first: bool, rest: str, number: int
) -> None:
    flags = str(int(is_first)) + ("0" if header == IDR else "")
    unit = unit_of(header, flags + "1" + rest)
    assert slices.renumbered(unit, number) == unit_of(header, flags + nal.ue(number) + rest)
    with pytest.raises(ValueError, match="another parameter set than 0"):
        slices.renumbered(unit_of(header, flags + "010" + rest), number)


def test_a_picture_that_discards_others_is_told() -> None:
    assert slices.discards(unit_of(IDR, "111"))
    assert not slices.discards(unit_of(IDR, "101"))
