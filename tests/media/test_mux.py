"""A joined video has every frame at its time, the source's audio, and nothing that tells a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from redact_dask.config import EncodeSettings, OutputSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import index, mux, verify
from redact_dask.records import Segment

Ffmpeg = Callable[..., None]
Joined = Callable[..., Path]
Encoded = Callable[..., list[Segment]]
OfKind = Callable[[str], Path]


def test_every_frame_and_every_audio_packet_is_there(
    any_kind: Path, joined: Joined, tmp_path: Path
) -> None:
    scanned = index.scan(str(any_kind), EncodeSettings())
    result = joined(any_kind, tmp_path / mux.target_path(any_kind.name, scanned.info))
    verify.verify(result, (), scanned.pts, scanned.info, str(any_kind), OutputSettings())
    with av.open(result) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times == [pts * scanned.info.time_base for pts in scanned.pts]
    assert _audio(result) == _audio(any_kind)
    assert _audio_times(result) == pytest.approx(_audio_times(any_kind), abs=1e-4)


def test_pictures_stay_in_their_order(plain: Path, joined: Joined, tmp_path: Path) -> None:
    before, after = _pictures(plain), _pictures(joined(plain, tmp_path / "joined.mp4"))
    for number, picture in enumerate(after):
        distances = [np.abs(picture - other).mean() for other in before]
        assert np.argmin(distances) == number


def test_facts_are_kept(of_kind: OfKind, ffmpeg: Ffmpeg, joined: Joined, tmp_path: Path) -> None:
    tagged, turned = tmp_path / "tagged.mp4", tmp_path / "turned.mp4"
    colours = "range=pc:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    ffmpeg("-i", of_kind("plain"), "-vf", f"setsar=4/3,setparams={colours}", tagged)
    ffmpeg("-display_rotation", "-90", "-i", tagged, "-c", "copy", turned)
    before = index.scan(str(turned), EncodeSettings()).info
    assert (before.quarter_turns, before.sample_aspect_ratio) == (3, Fraction(4, 3))
    assert (before.color_range, before.color_primaries) == (2, 1)
    for name in ("joined.mp4", "joined.mov"):
        after = index.scan(str(joined(turned, tmp_path / name)), EncodeSettings()).info
        of_file = ("time_base", "parameter_sets", "reorder_depth", "why_encoded")
        assert replace(after, **{name: getattr(before, name) for name in of_file}) == before


def test_the_source_does_not_choose_the_keyframes(
    of_kind: OfKind, encoded: Encoded, tmp_path: Path
) -> None:
    (segment,) = encoded(of_kind("motion_jpeg"), 1000)
    with av.open(segment.url) as container:
        assert sum(packet.is_keyframe for packet in container.demux(video=0)) == 1


@pytest.mark.parametrize("kind", ["ten_bit", "odd_size", "motion_jpeg"])
def test_the_pixel_format_is_kept(
    kind: str, of_kind: OfKind, joined: Joined, tmp_path: Path
) -> None:
    before = index.scan(str(of_kind(kind)), EncodeSettings()).info
    after = index.scan(str(joined(of_kind(kind), tmp_path / "joined.mov")), EncodeSettings()).info
    kept = [before.pixel_format, before.color_range, before.width, before.height]
    assert [after.pixel_format, after.color_range, after.width, after.height] == kept


def test_all_audio_tracks_are_kept(
    plain: Path, ffmpeg: Ffmpeg, joined: Joined, tmp_path: Path
) -> None:
    source = tmp_path / "two.mp4"
    tone = ["-f", "lavfi", "-t", "1.6", "-i", "sine=frequency=1000"]
    maps = ["-map", "0", "-map", "1", "-c:v", "copy", "-c:a:0", "copy"]
    ffmpeg("-i", plain, *tone, *maps, source)
    result = joined(source, tmp_path / "joined.mp4")
    assert len(_audio(source)) == 2
    assert _audio(source)[0] != _audio(source)[1]
    assert _audio(result) == _audio(source)


@pytest.mark.parametrize(
    ("path", "audio", "target"),
    [
        ("a/b.mp4", ("aac",), "a/b.mp4"),
        ("a/b.MOV", ("pcm_s16le",), "a/b.MOV"),
        ("b.mkv", (), "b.mkv"),
        ("b.ts", ("aac",), "b.ts.mp4"),
        ("b.avi", ("pcm_s16le",), "b.avi.mov"),
        ("b.avi", (), "b.avi.mp4"),
    ],
)
def test_the_target_keeps_its_container_if_that_holds_exact_times(
    path: str, audio: tuple[str, ...], target: str, plain: Path
) -> None:
    info = replace(index.scan(str(plain), EncodeSettings()).info, audio=audio)
    assert mux.target_path(path, info) == target


@pytest.mark.parametrize("kind", ["plain", "matroska"])
def test_two_runs_give_the_same_bytes(
    kind: str, of_kind: OfKind, joined: Joined, tmp_path: Path
) -> None:
    source = of_kind(kind)
    first, second = (joined(source, tmp_path / (name + source.suffix)) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_a_missing_picture_and_one_too_many_are_refused(
    plain: Path, joined: Joined, tmp_path: Path
) -> None:
    pts = index.scan(str(plain), EncodeSettings()).pts
    with pytest.raises(CheckFailed, match="hold 48 pictures, the source has 49"):
        joined(plain, tmp_path / "joined.mp4", pts=[*pts, pts[-1] + 512])
    with pytest.raises(CheckFailed, match="more pictures than the source's 47"):
        joined(plain, tmp_path / "joined.mp4", pts=pts[:-1])


def test_segments_of_different_encoders_are_refused(
    plain: Path, of_kind: OfKind, encoded: Encoded, tmp_path: Path
) -> None:
    scanned = index.scan(str(plain), EncodeSettings())
    segments = [encoded(path, 1000)[0] for path in (plain, of_kind("ten_bit"))]
    pts = [*scanned.pts, *(scanned.pts[-1] + ticks + 512 for ticks in scanned.pts)]
    with pytest.raises(CheckFailed, match="different parameters"):
        mux.write(
            tmp_path / "joined.mp4", segments, pts, scanned.info, str(plain), OutputSettings()
        )


class TestCheck:
    """The check finds what is wrong in a file, whoever wrote it."""

    @pytest.fixture(autouse=True, params=["whole", "in halves"])
    def halves(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        if request.param == "in halves":
            monkeypatch.setattr(verify, "_LONG", 40)

    @pytest.fixture
    def good(self, plain: Path, joined: Joined, tmp_path: Path) -> Path:
        return joined(plain, tmp_path / "good.mp4")

    def verify(self, result: Path, plain: Path) -> None:
        scanned = index.scan(str(plain), EncodeSettings())
        gops = [gop for chunk in scanned.chunks(9) for gop in chunk.gops]
        segments = [Segment(gop.frames, gop.start, "memory://encoded", 0) for gop in gops]
        verify.verify(result, segments, scanned.pts, scanned.info, str(plain), OutputSettings())

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
        arguments = (segments, scanned.pts, scanned.info, str(plain), OutputSettings())
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


def _audio(path: Path) -> list[list[bytes]]:
    """Every audio packet of every track, without the ADTS header of a transport stream."""
    with av.open(path) as container:
        streams = list(container.streams.audio)
        if not streams:
            return []
        packets = [packet for packet in container.demux(streams) if packet.size]
        adts = container.format.name == "mpegts" and streams[0].codec_context.name == "aac"
    skipped = 7 if adts else 0
    return [
        [bytes(packet)[skipped:] for packet in packets if packet.stream is stream]
        for stream in streams
    ]


def _audio_times(path: Path) -> list[float]:
    with av.open(path) as container:
        packets = container.demux(audio=0) if container.streams.audio else []
        return [float(packet.pts * packet.time_base) for packet in packets if packet.size]


def _pictures(path: Path) -> list[np.ndarray]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]
