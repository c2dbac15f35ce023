"""What the ffmpeg program decodes in halves is what it decodes at once, and it finds damage."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import pytest
from fixture_types import Joined, MakeClip
from imageio_ffmpeg import get_ffmpeg_exe

from redact_dask.config import EncodeSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import containers, ffmpeg, index, verify
from redact_dask.records import Footage, Segment


@pytest.mark.parametrize("middle", [1, 20, 24, 47])
def test_halves_are_the_whole(middle: int, any_kind: Path, joined: Joined, tmp_path: Path) -> None:
    scanned = index.scan(str(any_kind), EncodeSettings())
    result = joined(any_kind, tmp_path / containers.target_path(any_kind.name, scanned.info))
    frames = len(scanned.pts)
    summed = [frame for frame in (0, 3, 4, 18, 19, 20, 30, 47) if frame < frames]
    border = min(middle, frames - 1)
    whole = ffmpeg.decoded(result, summed)
    assert len(whole.pts) == frames
    halves = ffmpeg.decoded_in_halves(result, summed, border, whole.pts, whole.time_base)
    assert (halves.pts, halves.time_base) == (whole.pts, whole.time_base)
    assert halves.checksums == whole.checksums
    assert {*whole.checksums} == {*summed}


def test_the_second_half_is_decoded_after_what_is_before_it(
    plain: Path, joined: Joined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gop that does not follow the one before it would be found at the border, too."""
    result = joined(plain, tmp_path / "joined.mp4")
    whole = ffmpeg.decoded(result, ())
    with av.open(result) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        keyframe = [n for n, packet in enumerate(packets) if packet.is_keyframe][-1]
        at, size = packets[keyframe - 1].pos, packets[keyframe - 1].size
    content = bytearray(result.read_bytes())
    content[at + size // 2 : at + size] = bytes(size - size // 2)
    result.write_bytes(content)
    real, failed = ffmpeg._decoded, []

    def noted(
        path: Path, summed: Sequence[int], seek: Sequence[str], trim: str, *rest: Any
    ) -> object:
        try:
            return real(path, summed, seek, trim, *rest)
        except CheckFailed:
            failed.append(trim.partition("=")[2].partition("=")[0])
            raise

    monkeypatch.setattr(ffmpeg, "_decoded", noted)
    with pytest.raises(CheckFailed, match="does not decode cleanly"):
        ffmpeg.decoded_in_halves(result, (), keyframe, whole.pts, whole.time_base)
    assert "start" in failed


def test_a_half_without_frames_is_told(plain: Path, joined: Joined, tmp_path: Path) -> None:
    result = joined(plain, tmp_path / "joined.mp4")
    whole = ffmpeg.decoded(result, ())
    late = [*whole.pts[:47], whole.pts[47] + 1000 * whole.time_base.denominator]
    with pytest.raises(CheckFailed):
        ffmpeg.decoded_in_halves(result, (), 47, late, whole.time_base)


def test_what_one_cannot_enter_in_the_middle_is_decoded_at_once(
    plain: Path, joined: Joined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> ffmpeg.Decoded:
        entered.append(True)
        raise CheckFailed("one cannot begin there")

    entered: list[bool] = []
    monkeypatch.setattr(verify, "LONG", 40)
    monkeypatch.setattr(ffmpeg, "decoded_in_halves", refused)
    scanned = index.scan(str(plain), EncodeSettings())
    result = joined(plain, tmp_path / "joined.mp4")
    segments = [Segment(24, 0, "memory://encoded", 0)] * 2
    footage = Footage(tuple(segments), scanned.pts, scanned.info)
    verify.verify(result, [footage], str(plain), verify.OutputSettings())
    assert entered


def test_short_videos_have_no_halves() -> None:
    def middle(*frames: int) -> int | None:
        segments = [Segment(many, 0, "memory://encoded", 0) for many in frames]
        return verify._middle(segments, sum(frames))

    assert middle(3000, 2999) is None
    assert middle(6000) is None
    assert middle(3000, 3000) == 3000
    assert middle(100, 2500, 3000, 1400) == 2600


def test_nothing_of_the_standard_input_is_read(plain: Path, joined: Joined, tmp_path: Path) -> None:
    """A shell's loop keeps its list, no key ends a check, and a job in the background goes on."""
    result = joined(plain, tmp_path / "joined.mp4")
    # The real program reads keys every half second only; this one takes all that it can get.
    greedy = tmp_path / "ffmpeg"
    greedy.write_text(f'#!/bin/sh\ncat > /dev/null\nexec "{get_ffmpeg_exe()}" "$@"\n')
    greedy.chmod(0o755)
    program = (
        "import pathlib, sys; from redact_dask.media import ffmpeg; "
        "print(len(ffmpeg.decoded(pathlib.Path(sys.argv[1]), ()).pts), sys.stdin.read())"
    )
    waiting = "rear.mp4\nfront.mp4\n"
    done = subprocess.run(
        [sys.executable, "-c", program, str(result)],
        env=os.environ | {"IMAGEIO_FFMPEG_EXE": str(greedy)},
        input=waiting,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"48 {waiting}\n"


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_damage_is_found_also_where_no_frame_is_compared(
    codec: str, make_clip: MakeClip, tmp_path: Path
) -> None:
    """Such a video is decoded without its loop filter."""
    clip = make_clip(tmp_path / "clip.mp4", "-c:v", codec, frames=30, audio=False)
    with av.open(str(clip)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    sound, found = clip.read_bytes(), []
    chosen = random.Random(1)
    for number in range(24):
        begin, size = chosen.choice(places)
        damaged, part = bytearray(sound), tmp_path / f"{number}.mp4"
        damaged[begin + chosen.randrange(6, size)] ^= 1 << chosen.randrange(8)
        part.write_bytes(damaged)
        found.append([_decodes(part, summed) for summed in ((), range(30))])
    assert [without for without, _ in found] == [whole for _, whole in found]
    assert [True, True] in found
    assert [False, False] in found


def _decodes(path: Path, summed: Sequence[int]) -> bool:
    try:
        ffmpeg.decoded(path, summed)
    except CheckFailed:
        return False
    return True
