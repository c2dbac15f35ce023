"""H.264 is taken apart and put together as the standard says, and refused where it is broken."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import av
import pytest
from av.codec.context import Flags
from hypothesis import given
from hypothesis import strategies as st

from redact_dask.media.h264 import bitstream, parameter_sets
from redact_dask.media.h264.smart_copy import SmartCopy, Survey

TIMING, USER_DATA = 1, 5

Messages = list[tuple[int, bytes]]


def sets(x264: str = "", size: tuple[int, int] = (160, 96), **options: str) -> list[bytes]:
    """Parameter sets that x264 writes with some options: one of the sequence, one of pictures."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height = size
    context.pix_fmt = options.pop("pix_fmt", "yuv420p")
    context.framerate, context.time_base = Fraction(30), Fraction(1, 30)
    context.flags |= Flags.global_header
    context.options = {"x264-params": x264, **options}
    context.open()
    units = bitstream.parameter_sets(context.extradata or b"")
    return [unit for unit in units if bitstream.kind(unit) in (bitstream.SPS, bitstream.PPS)]


def message_unit(messages: Messages) -> bytes:
    """A unit of messages (7.3.2.3.1)."""

    def coded(value: int) -> bytes:
        return b"\xff" * (value // 255) + bytes([value % 255])

    body = b"".join(coded(kind) + coded(len(data)) + data for kind, data in messages)
    return bitstream.escaped(bytes([bitstream.SEI]) + body + b"\x80")


class TestUnits:
    """Units of a packet."""

    @given(st.lists(st.binary(min_size=1), min_size=1), st.integers(1, 4))
    def test_lengths_part_them(self, units: list[bytes], size: int) -> None:
        units = [unit[:255] for unit in units]
        data = b"".join(len(unit).to_bytes(size) + unit for unit in units)
        assert bitstream.units(data, size) == units
        assert bitstream.units(bitstream.joined(units), 4) == units

    @given(st.lists(st.binary(), min_size=1), st.sampled_from([b"\0\0\1", b"\0\0\0\1"]))
    def test_start_codes_part_them(self, contents: list[bytes], code: bytes) -> None:
        units = [bitstream.escaped(b"\x65" + content + b"\x80") for content in contents]
        data = b"".join(code + unit for unit in units)
        assert bitstream.units(data, 0) == units
        assert bitstream.units(data + b"\0\0", 0) == units

    @given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 255])).map(bytes))
    def test_escaping_keeps_start_codes_out(self, content: bytes) -> None:
        data = b"\x65" + content + b"\x80"
        escaped = bitstream.escaped(data)
        assert bitstream.unescaped(escaped) == data
        for forbidden in (b"\0\0\0", b"\0\0\1", b"\0\0\2"):
            assert forbidden not in escaped

    @pytest.mark.parametrize("size", [0, 4])
    @pytest.mark.parametrize("data", [b"", b"abc", b"\0\0\0\0", b"\0\0\0\5abc", b"a\0\0\1b"])
    def test_a_packet_that_is_no_row_of_them_is_refused(self, data: bytes, size: int) -> None:
        with pytest.raises(ValueError, match="not a row of whole"):
            bitstream.units(data, size)


class TestMessages:
    """Messages that may hold anything do not get through."""

    @given(
        st.lists(
            st.tuples(st.sampled_from([0, 1, 4, 5, 6, 137, 200, 300]), st.binary(max_size=300)),
            min_size=1,
        )
    )
    def test_only_timing_and_showing_are_kept(self, messages: Messages) -> None:
        kept = [message for message in messages if message[0] in (0, 1, 6, 137)]
        expected = message_unit(kept) if kept else b""
        assert bitstream.without_free_data(message_unit(messages)) == expected

    @pytest.mark.parametrize("kind", [3, 4, 5, 8, 22, 100, 255, 256])
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


class TestSequence:
    """What a sequence parameter set says."""

    @pytest.mark.parametrize(
        ("x264", "options", "info"),
        [
            ("", {"profile": "baseline"}, {"profile": 66, "reorder": 0, "references": 3}),
            ("bframes=2:b-pyramid=none", {"profile": "main"}, {"profile": 77, "reorder": 1}),
            ("bframes=3:ref=5:b-pyramid=normal", {}, {"profile": 100, "reorder": 2}),
            ("ref=1:bframes=0", {}, {"references": 1, "buffering": 1}),
            ("level=31:sps-id=7", {}, {"level": 31, "id": 7}),
            ("level=1b", {"profile": "baseline"}, {"level": 9}),
            ("level=1b", {}, {"level": 9}),
            ("tff=1", {}, {"progressive": False, "height": 96}),
            ("", {"pix_fmt": "yuv420p10le"}, {"profile": 110, "eight_bit_420": False}),
            ("", {"pix_fmt": "yuv422p"}, {"profile": 122, "eight_bit_420": False}),
            ("keyint=1", {"pix_fmt": "yuv420p"}, {"reorder": 0, "references": 0}),
            ("cqm=jvt", {}, {"profile": 100, "width": 160, "eight_bit_420": True}),
            ("nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500", {"b": "300k"}, {"reorder": 2}),
            ("sar=4/3:colormatrix=bt709:colorprim=bt709", {}, {"width": 160, "height": 96}),
        ],
    )
    def test_it_is_what_x264_was_told(
        self, x264: str, options: dict[str, str], info: dict[str, object]
    ) -> None:
        found = parameter_sets.sequence(sets(x264, **options)[0])
        assert {name: getattr(found, name) for name in info} == info

    def test_cropped_sizes(self) -> None:
        found = parameter_sets.sequence(sets(size=(162, 94))[0])
        assert (found.width, found.height, found.crop) == (176, 96, (0, 14, 0, 2))

    def test_one_that_ends_early_or_is_not_known_is_refused(self) -> None:
        unit = sets()[0]
        for end in range(1, len(unit) - 1):
            with pytest.raises(ValueError, match=r"ends early|not read"):
                parameter_sets.sequence(unit[:end])
        with pytest.raises(ValueError, match="profile 244 is not read"):
            parameter_sets.sequence(sets(pix_fmt="yuv444p")[0])
        with pytest.raises(ValueError, match="level 7 is not read"):
            parameter_sets.sequence(unit[:3] + b"\7" + unit[4:])

    def test_ids_of_a_picture_parameter_set(self) -> None:
        assert parameter_sets.picture_ids(sets("sps-id=5")[1]) == (5, 5)

    @pytest.mark.parametrize("told", ["", "sar=4/3:colormatrix=bt709:fullrange=on"])
    def test_a_matched_one_has_its_buffer_and_its_looks_from_the_source(self, told: str) -> None:
        source = parameter_sets.sequence(sets(f"ref=5:bframes=3:level=31:{told}")[0])
        encoder = parameter_sets.sequence(sets("ref=1:bframes=0:level=31:sps-id=3:dpb-size=5")[0])
        matched = parameter_sets.sequence(parameter_sets.matched(encoder, source, 2))
        assert (matched.references, matched.reorder, matched.buffering) == (5, 2, source.buffering)
        assert matched.segments[2] == source.segments[2]
        assert matched.segments[:2] == encoder.segments[:2]
        assert (matched.id, matched.profile, matched.level) == (3, 100, 31)


class TestSets:
    """Parameter sets of two makers in one record."""

    def test_the_encoder_gets_an_id_that_is_free(self) -> None:
        sequence, *_ = sets()
        taken = [sequence, picture_set(0, 0), picture_set(2, 0)]
        assert SmartCopy(bitstream.avcc(taken), 0).id == 1
        assert SmartCopy(bitstream.avcc([*taken, picture_set(1, 0)]), 0).id == 3
        full = [sequence, *(picture_set(number, 0) for number in range(32))]
        assert why_not(bitstream.avcc(full), packets=1) == "its parameter sets leave no id free"

    def test_sets_that_do_not_belong_together(self) -> None:
        sequence, picture = sets()
        other = sets("sps-id=3")
        assert why_not(bitstream.avcc([sequence, picture])) == "it has no packet"
        assert "belongs to no" in why_not(bitstream.avcc([sequence, other[1]]))
        assert "not exactly one" in why_not(bitstream.avcc([sequence, *other]))
        assert "not a row of whole" in why_not(b"")
        assert "ends early" in why_not(bitstream.avcc([sequence, picture])[:-8])

    def test_more_reordering_than_told(self) -> None:
        sequence, picture = sets("bframes=3:ref=5")
        read = parameter_sets.sequence(sequence)
        for told, reason in ((2, ""), (1, "reordered more than its parameter set tells")):
            own = b"\x67" + parameter_sets.matched(read, read, told)[1:]
            assert reason in why_not(bitstream.avcc([own, picture]), packets=4)

    @pytest.mark.parametrize(
        "x264",
        [
            "ref=4",
            "ref=2:bframes=0",
            "ref=3:bframes=3",
            "ref=3:bframes=0:level=31",
            "ref=3:bframes=0:cabac=0",
        ],
    )
    def test_an_encoder_that_needs_another_buffer_is_refused(self, x264: str) -> None:
        splice = SmartCopy(bitstream.avcc(sets("ref=3:bframes=0")), 0)
        fitting = splice.merged(bitstream.avcc(sets("ref=1:dpb-size=3:bframes=0:sps-id=1")))
        assert len(bitstream.parameter_sets(fitting)) == 4
        wrong_id = "sps-id=2:ref=3:bframes=0" if "cabac" in x264 else f"{x264}:sps-id=1"
        with pytest.raises(ValueError, match="do not go with the source's"):
            splice.merged(bitstream.avcc(sets(wrong_id)))

    def test_an_encoder_of_another_size_is_refused(self) -> None:
        splice = SmartCopy(bitstream.avcc(sets()), 2)
        for size in ((160, 112), (158, 96)):
            with pytest.raises(ValueError, match="do not go with the source's"):
                splice.merged(bitstream.avcc(sets("sps-id=1", size)))


def picture_set(number: int, sequence: int) -> bytes:
    """The beginning of a picture parameter set: its id and that of its sequence."""
    bits = "".join(f"{n + 1:b}".zfill(2 * len(f"{n + 1:b}") - 1) for n in (number, sequence)) + "1"
    bits += "0" * (-len(bits) % 8)
    return bitstream.escaped(b"\x68" + int(bits, 2).to_bytes(len(bits) // 8))


def why_not(extradata: bytes, packets: int = 0) -> str:
    """Survey a stream with these parameter sets, whose first picture is shown, then the last."""
    context = SimpleNamespace(name="h264", extradata=extradata)
    survey = Survey(cast("Any", SimpleNamespace(codec_context=context)))
    for number in range(packets):
        packet = av.Packet(bitstream.joined([b"\x65\x80" if number == 0 else b"\x41\x80"]))
        packet.pts = packets - number if number else 0
        packet.is_keyframe = number == 0
        survey.add(cast("Any", packet))
    return survey.why_not
