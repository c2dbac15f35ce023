"""What the ffmpeg program decodes in halves is what it decodes at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from redact_dask.config import EncodeSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import check, index, mux, program
from redact_dask.model import Part

Joined = Callable[..., Path]


@pytest.mark.parametrize("middle", [1, 20, 24, 47])
def test_halves_are_the_whole(middle: int, any_kind: Path, joined: Joined, tmp_path: Path) -> None:
    scanned = index.scan(str(any_kind), EncodeSettings())
    result = joined(any_kind, tmp_path / mux.target_path(any_kind.name, scanned.facts))
    frames = len(scanned.pts)
    summed = [frame for frame in (0, 3, 4, 18, 19, 20, 30, 47) if frame < frames]
    border = min(middle, frames - 1)
    whole = program.decoded(result, summed)
    assert len(whole.times) == frames
    halves = program.decoded_in_halves(result, summed, border, whole.times[border])
    assert halves.times == whole.times
    # The first of each half is summed too.
    assert {frame: halves.checksums[frame] for frame in summed} == whole.checksums


def test_what_one_cannot_enter_in_the_middle_is_decoded_at_once(
    plain: Path, joined: Joined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> program.Decoded:
        entered.append(True)
        raise CheckFailed("one cannot begin there")

    entered: list[bool] = []
    monkeypatch.setattr(check, "_LONG", 40)
    monkeypatch.setattr(program, "decoded_in_halves", refused)
    scanned = index.scan(str(plain), EncodeSettings())
    result = joined(plain, tmp_path / "joined.mp4")
    parts = [Part(24, 0, "memory://encoded", 0)] * 2
    check._check_pictures(result, parts, scanned.pts, scanned.facts, str(plain), None)
    assert not entered
    check.check(result, parts, scanned.pts, scanned.facts, str(plain), check.OutputSettings())
    assert entered


def test_short_videos_have_no_halves() -> None:
    def middle(*frames: int) -> int | None:
        parts = [Part(many, 0, "memory://encoded", 0) for many in frames]
        return check._middle(parts, sum(frames))

    assert middle(3000, 2999) is None
    assert middle(6000) is None
    assert middle(3000, 3000) == 3000
    assert middle(100, 2500, 3000, 1400) == 2600
