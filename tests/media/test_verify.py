"""A result is checked before it is published, whoever wrote it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from fixture_types import Ffmpeg, Joined

from redact_dask.config import EncodeSettings, OutputSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import index, verify
from redact_dask.records import Footage, Segment


class TestCheck:
    """The check finds what is wrong in a file, whoever wrote it."""

    @pytest.fixture(autouse=True, params=["whole", "in halves"])
    def halves(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        if request.param == "in halves":
            monkeypatch.setattr(verify, "LONG", 40)

    @pytest.fixture
    def good(self, plain: Path, joined: Joined, tmp_path: Path) -> Path:
        return joined(plain, tmp_path / "good.mp4")

    def verify(self, result: Path, plain: Path) -> None:
        scanned = index.scan(str(plain), EncodeSettings())
        gops = [gop for chunk in scanned.chunks(9) for gop in chunk.gops]
        segments = [Segment(gop.frames, gop.start, "memory://encoded", 0) for gop in gops]
        footage = Footage(tuple(segments), scanned.pts, scanned.info)
        verify.verify(result, [footage], str(plain), OutputSettings())

    def test_accepts_what_is_right(self, good: Path, plain: Path) -> None:
        self.verify(good, plain)

    def test_finds_a_dropped_frame(self, good: Path, plain: Path, ffmpeg: Ffmpeg) -> None:
        bad = good.with_name("bad.mp4")
        ffmpeg("-i", good, "-vf", "select=not(eq(n\\,20))", "-fps_mode", "passthrough", bad)
        with pytest.raises(CheckFailed, match="decodes to 47 frames, the source has 48"):
            self.verify(bad, plain)

    def test_finds_a_frame_with_another_time(
        self, plain: Path, joined: Joined, tmp_path: Path
    ) -> None:
        pts: Sequence[int] = index.scan(str(plain), EncodeSettings()).pts
        moved = [*pts[:20], pts[20] + 1, *pts[21:]]
        with pytest.raises(CheckFailed, match="frame 20 is shown at"):
            self.verify(joined(plain, tmp_path / "bad.mp4", pts=moved), plain)

    def test_finds_a_changed_audio_packet(self, good: Path, plain: Path) -> None:
        content = bytearray(good.read_bytes())
        with av.open(good) as container:
            places = [packet.pos for packet in container.demux(audio=0) if packet.size]
        content[places[10] + 5] ^= 1
        bad = good.with_name("bad.mp4")
        bad.write_bytes(content)
        with pytest.raises(CheckFailed, match="packets beside the pictures"):
            self.verify(bad, plain)

    def test_finds_missing_audio(self, good: Path, plain: Path, ffmpeg: Ffmpeg) -> None:
        bad = good.with_name("bad.mp4")
        ffmpeg("-i", good, "-an", "-c", "copy", bad)
        with pytest.raises(CheckFailed, match="packets beside the pictures"):
            self.verify(bad, plain)

    @pytest.mark.parametrize(
        ("before", "after", "names"),
        [
            ("-display_rotation 90", "-c copy", "rotation"),
            ("", "-c copy -aspect 1:1", "aspect"),
            ("-content_light 1000,400", "-c copy", "light level"),
            ("", "-c copy -bsf:v h264_metadata=colour_primaries=9", "colours"),
        ],
    )
    def test_finds_pictures_that_are_shown_otherwise(
        self, before: str, after: str, names: str, good: Path, plain: Path, ffmpeg: Ffmpeg
    ) -> None:
        bad = good.with_name("bad.mp4")
        ffmpeg(*before.split(), "-i", good, *after.split(), "-movie_timescale", "90000", bad)
        with pytest.raises(CheckFailed, match=f"otherwise than the source: {names}"):
            self.verify(bad, plain)

    def test_finds_a_damaged_picture(self, good: Path, plain: Path) -> None:
        content = bytearray(good.read_bytes())
        with av.open(good) as container:
            sizes = [(packet.pos, packet.size) for packet in container.demux(video=0)]
        at, size = sizes[20]
        content[at + size // 2 : at + size] = bytes(size - size // 2)
        bad = good.with_name("bad.mp4")
        bad.write_bytes(content)
        with pytest.raises(CheckFailed, match="does not decode cleanly"):
            self.verify(bad, plain)

    @pytest.mark.parametrize("first", [0, 1, -1])
    def test_finds_a_copied_picture_that_is_not_the_sources(
        self, first: int, good: Path, plain: Path
    ) -> None:
        """Everything was encoded; the gops from one on are said to be copied."""
        scanned = index.scan(str(plain), EncodeSettings())
        gops = [gop for chunk in scanned.chunks(9) for gop in chunk.gops]
        copied = gops[first:]
        segments = [
            Segment(gop.frames, gop.start, None if gop in copied else "memory://encoded", 0)
            for gop in gops
        ]
        footage = Footage(tuple(segments), scanned.pts, scanned.info)
        arguments = ([footage], str(plain), OutputSettings())
        verify.verify(plain, *arguments)
        number = sum(gop.frames for gop in gops if gop not in copied)
        with pytest.raises(CheckFailed, match=f"frame {number} was copied, but is not"):
            verify.verify(good, *arguments)

    @pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
    def test_finds_a_file_that_was_cut(self, share: float, good: Path, plain: Path) -> None:
        content = good.read_bytes()
        bad = good.with_name("bad.mp4")
        bad.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(CheckFailed):
            self.verify(bad, plain)


@pytest.mark.parametrize("halves", [False, True])
def test_a_long_video_takes_little_memory(
    halves: bool, ffmpeg: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour has a hundred thousand frames."""
    path, frames = tmp_path / "long.mp4", 12_000
    ffmpeg("-f", "lavfi", "-i", "color=s=32x32:r=30", "-frames:v", frames, "-g", 100, path)
    scanned = index.scan(str(path), EncodeSettings())
    segments = [
        Segment(frames // 2, keyframe, "memory://encoded", 0) for keyframe in scanned.keyframes[:2]
    ]
    monkeypatch.setattr(verify, "LONG", frames if halves else frames + 1)
    tracemalloc.start()
    footage = Footage(tuple(segments), scanned.pts, scanned.info)
    verify.verify(path, [footage], str(path), OutputSettings())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / frames < 60, "bytes a frame"
