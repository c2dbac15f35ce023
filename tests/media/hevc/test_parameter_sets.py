"""What parameter sets say is read, and written anew."""

from __future__ import annotations

import pytest
from x265 import sets

from redact_dask.media.hevc import parameter_sets


class TestSequence:
    """What a sequence parameter set says."""

    @pytest.mark.parametrize(
        ("x265", "options", "info"),
        [
            ("", {}, {"profile": 1, "chroma": 1, "depths": (8, 8), "progressive": True}),
            ("bframes=0", {}, {"reorder": 0, "id": 0, "video": 0, "sub_layers": 1}),
            ("bframes=1", {}, {"reorder": 1}),
            ("bframes=4:b-pyramid=1:ref=5", {}, {"reorder": 2, "buffering": 6}),
            ("ctu=16", {}, {"address_bits": 6}),  # 10 x 6 blocks
            ("ctu=64", {}, {"address_bits": 3}),  # 3 x 2 blocks
            ("scaling-list=default:sar=2", {}, {"width": 160, "height": 96}),
            ("hrd=1:vbv-maxrate=500:vbv-bufsize=500", {"b": "300k"}, {"reorder": 2}),
            ("overscan=crop:display-window=4,4,4,4", {}, {"progressive": True}),
            ("", {"pix_fmt": "yuv420p10le"}, {"profile": 2, "depths": (10, 10)}),
            ("", {"pix_fmt": "yuv422p"}, {"profile": 4, "chroma": 2}),
        ],
    )
    def test_it_is_what_x265_was_told(
        self, x265: str, options: dict[str, str], info: dict[str, object]
    ) -> None:
        found = parameter_sets.sequence(sets(x265, **options)[1])
        assert {name: getattr(found, name) for name in info} == info

    def test_cropped_sizes(self) -> None:
        found = parameter_sets.sequence(sets(size=(162, 94))[1])
        assert (found.width, found.height, found.crop) == (168, 96, (0, 3, 0, 1))

    def test_one_that_ends_early_is_refused(self) -> None:
        unit = sets()[1]
        for end in range(2, len(unit) - 1):
            with pytest.raises(ValueError, match="ends early"):
                parameter_sets.sequence(unit[:end])

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            # A set of the distances -1 and -2; one told from it by a step of -1, all kept.
            ("011" + "1" + "1" + "1" + "1" + "1", [[-1, -2]]),
            ("011" + "1" + "1" * 4 + "1" + "1" + "1" + "111", [[-1, -2], [-1, -2, -3]]),
            # By a step of 1: the nearest becomes the picture itself, and is none.
            ("011" + "1" + "1" * 4 + "1" + "0" + "1" + "111", [[-1, -2], [-1, 1]]),
            # The last is left out: it is neither used by this picture nor by a later one.
            ("011" + "1" + "1" * 4 + "1" + "1" + "1" + "1100", [[-1, -2], [-2, -3]]),
        ],
    )
    def test_references_that_are_told_from_others(self, text: str, found: list[list[int]]) -> None:
        bits = parameter_sets.Bits(b"", 0)
        bits.text = text
        previous: list[int] = []
        for number, expected in enumerate(found):
            previous = parameter_sets._references(bits, previous, is_first=number == 0)
            assert previous == expected
        assert bits.at == len(text)

    @pytest.mark.parametrize("told", ["", "sar=2:colormatrix=bt709:range=full"])
    def test_matched_ones_have_their_looks_and_their_buffer_from_the_source(
        self, told: str
    ) -> None:
        source = parameter_sets.sequence(sets(f"ref=4:bframes=3:level-idc=51:{told}")[1])
        encoder = parameter_sets.sequence(sets("ref=1:bframes=0")[1])
        video, unit = parameter_sets.matched(encoder, source, 1, 2)
        matched = parameter_sets.sequence(unit)
        assert (matched.buffering, matched.reorder) == (source.buffering, source.reorder)
        assert (matched.general, matched.parts[2]) == (source.general, source.parts[2])
        assert matched.parts[:2] == encoder.parts[:2]
        assert (matched.id, matched.video, parameter_sets.video_id(video)) == (2, 1, 1)

    def test_a_set_of_pictures_gets_another_id(self) -> None:
        unit = sets()[2]
        other = parameter_sets.renumbered(unit, 17, 3)
        assert parameter_sets.picture_ids(other) == (17, 3)
        assert parameter_sets.renumbered(other, 0, 0) == unit
