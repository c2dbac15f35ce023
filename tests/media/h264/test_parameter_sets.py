"""What parameter sets say is read, and written anew."""

from __future__ import annotations

import pytest
from x264 import sets

from redact_dask.media.h264 import parameter_sets


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
        assert matched.parts[2] == source.parts[2]
        assert matched.parts[:2] == encoder.parts[:2]
        assert (matched.id, matched.profile, matched.level) == (3, 100, 31)
