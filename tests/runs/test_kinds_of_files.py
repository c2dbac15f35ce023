"""Kinds of files that cameras and recorders write: each comes back exact, or is named."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import fields
import numpy as np
import pytest
from boxes import SIDE_BY_SIDE, SPHERE, clean_aperture, with_box
from decoded import audio, pictures, places, times
from exact import assert_exact, assert_same_pictures
from five_stages import AUTO, LOSSLESS, published
from fixture_types import Ffmpeg, Redact
from magenta import excess
from several_cameras import camera

from redact_dask.errors import DamagedVideo, UnsupportedVideo


class TestFieldPictures:
    """Each packet holds one field: two of them are one frame."""

    @pytest.fixture
    def raw(self, tmp_path: Path) -> Path:
        path = tmp_path / "fields.h264"
        path.write_bytes(fields.paff(24))
        return path

    @pytest.mark.parametrize("suffix", ["mp4", "mkv", "mts", "h264"])
    @pytest.mark.parametrize("on_damage", ["quarantine", "salvage"])
    def test_comes_back_exact(
        self, suffix: str, on_damage: str, raw: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = raw.with_name(f"camera.{suffix}")
        ffmpeg("-r", "25", "-i", raw, "-c", "copy", path)
        done = redact(path, on_damage=on_damage)
        result = published(done)
        shown = pictures(path, "rgb24")
        assert len(shown) == len(done.probed.pts) == 24
        assert not any(seen.damage for seen in done.detected)
        if suffix == "h264":
            assert times(result) == [Fraction(number, 25) for number in range(24)]
        else:
            assert times(result) == times(path)
        assert all((excess(picture) > 60).any() for picture in shown)
        assert not any((excess(picture) > 60).any() for picture in pictures(result, "rgb24"))
        with av.open(result) as container:
            assert next(container.decode(video=0)).interlaced_frame


class TestContainerWithoutPresentationTimes:
    """AVI numbers packets in decoding order."""

    @pytest.mark.parametrize("encode", [LOSSLESS, AUTO], ids=["encoded", "copied"])
    @pytest.mark.parametrize("sound", ["pcm_s16le", "none"])
    def test_h264_with_b_frames(
        self, sound: str, encode: dict[str, Any], grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name(f"recorder-{sound}.avi")
        ffmpeg("-i", grey, "-c:v", "copy", *(["-an"] if sound == "none" else ["-c:a", sound]), path)
        done = redact(path, encode=encode)
        assert bool(done.rendered[0].copied) == (encode is AUTO)
        assert times(published(done)) == [Fraction(number, 30) for number in range(60)]
        assert_same_pictures(path, published(done))
        assert audio(published(done)) == audio(path)

    def test_h264_that_is_counted_otherwise_after_a_seek(
        self, redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path
    ) -> None:
        path = tmp_path / "copied.avi"
        ffmpeg("-i", camera(ffmpeg, tmp_path / "camera.mp4"), "-c", "copy", path)
        done = redact(path, encode=AUTO)
        assert len(done.probed.chunks) == 4
        assert len(pictures(published(done))) == 60
        assert not any((excess(shown) > 60).any() for shown in pictures(published(done), "rgb24"))

    @pytest.mark.parametrize("b_frames", ["1", "2"])
    def test_packed_b_frames(
        self, b_frames: str, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name(f"packed-{b_frames}.avi")
        codec = ["-c:v", "libxvid", "-bf", b_frames, "-g", "15", "-q:v", "3", "-flags", "+mv4"]
        ffmpeg("-i", grey, "-an", *codec, path)
        with av.open(path) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
        assert min(packet.size for packet in packets) < 8, "a place of a picture packed before it"
        result = published(redact(path))
        assert times(result) == [packet.dts * packet.time_base for packet in packets]
        assert_same_pictures(path, result)


class TestAudioThatIsNotThere:
    """A track without packets is left out, one that begins late is kept."""

    @pytest.fixture
    def broadcast(self, grey: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
        """15 seconds of a transport stream."""
        path = tmp_path / "broadcast.ts"
        ffmpeg("-stream_loop", "7", "-i", grey, "-t", "15", "-c", "copy", path)
        return path

    def test_announced_audio_never_comes(self, broadcast: Path, redact: Redact) -> None:
        broadcast.write_bytes(without_audio(broadcast.read_bytes()))
        done = redact(broadcast)
        assert (done.probed.info.audio, audio(published(done))) == ((), [])
        assert times(published(done)) == times(broadcast)

    def test_audio_begins_late(self, broadcast: Path, redact: Redact) -> None:
        content = broadcast.read_bytes()
        late = len(content) // 188 * 9 // 10 * 188
        broadcast.write_bytes(without_audio(content[:late]) + content[late:])
        assert_exact(broadcast, published(redact(broadcast)))
        assert len(audio(broadcast)[0]) > 30

    def test_an_mp4_track_has_no_sample(self, grey: Path, redact: Redact) -> None:
        path = grey.with_name("mute.mp4")
        content = bytearray(grey.read_bytes())
        track = content.rindex(b"smhd")
        for box, count in ((b"stts", 8), (b"stsc", 8), (b"stsz", 12), (b"stco", 8)):
            at = content.index(box, track) + count
            content[at : at + 4] = bytes(4)
        path.write_bytes(content)
        done = redact(path)
        assert (done.probed.info.audio, audio(published(done))) == ((), [])
        assert times(published(done)) == times(path)


def without_audio(transport: bytes) -> bytes:
    """Leave out the packets of the second stream, which ffmpeg gives the number 0x101."""
    packets = (transport[at : at + 188] for at in range(0, len(transport), 188))
    return b"".join(p for p in packets if int.from_bytes(p[1:3]) & 0x1FFF != 0x101)


class TestIntraRefresh:
    """Pictures are refreshed part by part: decoding from most keyframes shows nothing at first."""

    @pytest.fixture
    def refreshed(self, ffmpeg: Ffmpeg, grey: Path, tmp_path: Path) -> Path:
        path = tmp_path / "refreshed.mp4"
        ffmpeg("-i", grey, "-c:v", "libx264", "-intra-refresh", "1", "-g", "15", "-bf", "0", path)
        return path

    @pytest.mark.parametrize("on_damage", ["quarantine", "salvage"])
    def test_is_cut_only_where_decoding_starts_cleanly(
        self, on_damage: str, refreshed: Path, redact: Redact
    ) -> None:
        done = redact(refreshed, on_damage=on_damage)
        assert len(done.probed.chunks) == 1
        assert_exact(refreshed, published(done))

    def test_without_its_first_picture_it_is_named(
        self, refreshed: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = refreshed.with_name("tuned_in.ts")
        ffmpeg("-i", refreshed, "-an", "-c", "copy", path)
        starts = [place for place, _ in places(path)]
        path.write_bytes(path.read_bytes()[starts[15] :])
        with pytest.raises(DamagedVideo, match="become whole part by part"):
            redact(path)


class TestHowPicturesAreShown:
    """What only the container tells about its pictures."""

    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
    @pytest.mark.parametrize("encode", [LOSSLESS, AUTO], ids=["encoded", "auto"])
    def test_what_is_cropped_away_does_not_come_back(
        self, suffix: str, encode: dict[str, Any], grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        cropped = with_box(grey, grey.with_name("cropped.mp4"), clean_aperture(120, 80, -6, 2))
        path = grey.with_name(f"cropped.{suffix}")
        if path != cropped:
            ffmpeg("-i", cropped, "-c", "copy", path)
        done = redact(path, encode=encode)
        assert done.probed.info.why_encoded == "its container crops its pictures"
        assert times(published(done)) == times(path)
        before, after = (pictures(file, "gray") for file in (path, published(done)))
        for was, now in zip(before, after, strict=True):
            assert now.shape == (80, 120)
            if encode is LOSSLESS:
                assert np.array_equal(was[10:90, 14:134], now)

    def test_a_crop_of_an_old_codec_is_named(
        self, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("old.3gp")
        codec = ["-c:v", "h263", "-s", "128x96", "-r", "30000/1001"]
        ffmpeg("-i", grey, *codec, "-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1", path)
        assert_exact(path, published(redact(path)))
        cropped = with_box(path, path.with_name("cropped.3gp"), clean_aperture(64, 64, 0, 0))
        with pytest.raises(UnsupportedVideo, match="its container crops pictures of h263"):
            redact(cropped)

    def test_an_odd_crop_is_named(self, grey: Path, redact: Redact) -> None:
        path = with_box(grey, grey.with_name("odd_crop.mp4"), clean_aperture(120, 80, -5, 2))
        with pytest.raises(UnsupportedVideo, match="crops 15 pixels"):
            redact(path)

    @pytest.mark.parametrize("encode", [LOSSLESS, AUTO], ids=["encoded", "copied"])
    def test_the_shape_of_pixels_is_kept(
        self, encode: dict[str, Any], grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("wide.mkv")
        ffmpeg("-i", grey, "-c", "copy", "-aspect", "3:1", path)
        result = published(redact(path, encode=encode))
        assert aspect(path) == aspect(result) == pytest.approx(3 * 96 / 160, rel=0.01)

    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
    @pytest.mark.parametrize("encode", [LOSSLESS, AUTO], ids=["encoded", "copied"])
    def test_a_projection_is_kept(
        self, suffix: str, encode: dict[str, Any], grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        told = with_box(grey, grey.with_name("sphere.mp4"), SPHERE)
        path = grey.with_name(f"sphere.{suffix}")
        if path != told:
            ffmpeg("-i", told, "-c", "copy", "-strict", "unofficial", path)
        result = published(redact(path, encode=encode))
        assert side_data(result, "SPHERICAL") == side_data(path, "SPHERICAL") == [0] * 9

    @pytest.mark.parametrize("suffix", ["mp4", "mkv"])
    @pytest.mark.parametrize("encode", [LOSSLESS, AUTO], ids=["encoded", "auto"])
    def test_a_stereo_mode_is_kept(
        self, suffix: str, encode: dict[str, Any], grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        told = with_box(grey, grey.with_name("stereo.mp4"), SIDE_BY_SIDE)
        path = grey.with_name(f"stereo.{suffix}")
        if path != told:
            ffmpeg("-i", told, "-c", "copy", path)
        result = published(redact(path, encode=encode))
        assert side_data(result, "STEREO3D")[:1] == side_data(path, "STEREO3D")[:1] == [1]

    @pytest.mark.parametrize("suffix", ["mp4", "mkv"])
    @pytest.mark.parametrize("codec", ["h264", "hevc"])
    @pytest.mark.parametrize("encode", [LOSSLESS, AUTO], ids=["encoded", "copied"])
    def test_light_levels_are_kept(
        self,
        suffix: str,
        codec: str,
        encode: dict[str, Any],
        grey: Path,
        redact: Redact,
        ffmpeg: Ffmpeg,
    ) -> None:
        x265 = ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"]
        coded = grey.with_name(f"{codec}.mkv")
        ffmpeg("-i", grey, "-c:v", *(["copy"] if codec == "h264" else x265), coded)
        path = grey.with_name(f"graded-{codec}.{suffix}")
        display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
        told = ["-content_light", "1000,400", "-mastering_display", display]
        ffmpeg(*told, "-i", coded, "-c", "copy", path)
        result = published(redact(path, encode=encode))
        for name in ("CONTENT_LIGHT_LEVEL", "MASTERING_DISPLAY_METADATA"):
            assert side_data(path, name)
            assert side_data(result, name) == side_data(path, name)

    def test_what_cannot_be_kept_is_named(self, grey: Path, redact: Redact) -> None:
        told = with_box(grey, grey.with_name("sphere.mp4"), SPHERE)
        path = with_box(told, told.with_name("both.mp4"), SIDE_BY_SIDE)
        with pytest.raises(UnsupportedVideo, match="its projection around the camera"):
            redact(path)


def aspect(path: Path) -> float:
    with av.open(path) as container:
        return float(container.streams.video[0].sample_aspect_ratio or 1)


def side_data(path: Path, name: str) -> list[Fraction]:
    """Return the numbers of the first frame's side data, fractions where they are."""
    with av.open(path) as container:
        data = next(container.decode(video=0)).side_data.get(name)
    numbers = list(memoryview(data).cast("i")) if data else []
    if name != "MASTERING_DISPLAY_METADATA":
        return [Fraction(number) for number in numbers]
    return [Fraction(*numbers[at : at + 2]) for at in range(0, len(numbers), 2)]


class TestClocks:
    """Times that wrap, begin below zero, are equal, or start again."""

    @pytest.mark.parametrize("encode", [LOSSLESS, AUTO], ids=["encoded", "copied"])
    def test_a_clock_of_33_bits_wraps(
        self, encode: dict[str, Any], grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("wraps.ts")
        ffmpeg("-i", grey, "-c", "copy", "-output_ts_offset", "95442.2", path)
        assert times(path)[0] < 0 < times(path)[-1]
        result = published(redact(path, encode=encode))
        assert_exact(path, result, shifted=True)
        apart = [times(file)[0] - sound_begins(file) for file in (path, result)]
        assert float(apart[1]) == pytest.approx(float(apart[0]), abs=1e-4)

    @pytest.mark.parametrize("sound", [True, False])
    def test_a_clock_of_ten_hours_may_begin_at_zero(
        self, sound: bool, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("ten_hours.ts")
        kept = () if sound else ("-an",)
        ffmpeg("-i", grey, "-c", "copy", *kept, "-output_ts_offset", "36000", path)
        assert times(path)[0] > 36000
        assert_exact(path, published(redact(path)))
        result = published(redact(path, output={"begin": "zero"}))
        assert_exact(path, result, shifted=True)
        assert 0 <= times(result)[0] < (1 if sound else 1e-9)
        if sound:
            apart = [times(file)[0] - sound_begins(file) for file in (path, result)]
            assert float(apart[1]) == pytest.approx(float(apart[0]), abs=1e-4)

    @pytest.mark.parametrize("suffix", ["mp4", "mkv"])
    def test_a_doubled_time_is_shown_one_tick_later(
        self, suffix: str, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        """The 20th frame is given the time of the 19th."""
        path = grey.with_name(f"doubled.{suffix}")
        doubled = "setts=pts='if(eq(N,20),PREV_OUTPTS,PTS)':dts='if(eq(N,20),PREV_OUTDTS,DTS)'"
        plain = grey.with_name("no_b_frames.mp4")
        ffmpeg("-i", grey, "-c:v", "libx264", "-bf", "0", "-g", "15", plain)
        ffmpeg("-i", plain, "-c", "copy", "-bsf:v", doubled, "-f", "matroska", path)
        before = times(path)
        assert before[20] == before[19]
        done = redact(path)
        result = published(done)
        moved = [*before[:20], before[20] + done.probed.info.time_base, *before[21:]]
        assert times(result) == moved
        assert_same_pictures(path, result)
        assert "had the time of another" in done.probed.info.why_encoded

    def test_a_clock_that_starts_again_is_named(
        self, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        part, path = grey.with_name("part.ts"), grey.with_name("two_drives.ts")
        ffmpeg("-i", grey, "-c", "copy", part)
        path.write_bytes(2 * part.read_bytes())
        at = f"frame 60, near byte {part.stat().st_size + places(part)[0][0]}: split"
        for on_damage in ("quarantine", "salvage"):
            with pytest.raises(UnsupportedVideo, match=f"clock starts again at {at}"):
                redact(path, on_damage=on_damage)

    @pytest.fixture
    def fragments(self, grey: Path, ffmpeg: Ffmpeg) -> Path:
        """An MP4 file with a fragment for each packet."""
        path = grey.with_name("fragments.mp4")
        ffmpeg("-i", grey, "-c", "copy", "-movflags", "frag_every_frame+empty_moov", path)
        return path

    def test_audio_packets_with_one_time_are_kept(self, fragments: Path, redact: Redact) -> None:
        set_audio_time(fragments, 30, -1024)
        assert decode_times(fragments)[30] == decode_times(fragments)[29]
        result = published(redact(fragments))
        assert_exact(fragments, result)
        assert decode_times(result)[30] - decode_times(result)[29] == Fraction(1, 48000)

    def test_audio_whose_clock_runs_back_is_named(self, fragments: Path, redact: Redact) -> None:
        set_audio_time(fragments, 30, -20000)
        with pytest.raises(UnsupportedVideo, match=r"audio runs back .* output\.audio: drop"):
            redact(fragments)
        assert times(published(redact(fragments, output={"audio": "drop"}))) == times(fragments)


class TestAudioOfCameras:
    """Packets of audio are kept, in a container that takes them."""

    @pytest.mark.parametrize(
        ("codec", "written", "name", "target"),
        [
            ("pcm_alaw -ar 8000", "mov", "a.mp4", "a.mp4.mov"),
            ("pcm_mulaw -ar 8000", "matroska", "a.mkv", "a.mkv"),
            ("libopencore_amrnb -ar 8000 -b:a 12.2k", "3gp", "a.mp4", "a.mp4.mov"),
            ("libopencore_amrnb -ar 8000 -b:a 12.2k", "3gp", "a.3gp", "a.3gp.mov"),
            ("adpcm_ms", "avi", "a.avi", "a.avi.mkv"),
            ("adpcm_ima_wav", "avi", "a.avi", "a.avi.mkv"),
        ],
    )
    def test_its_packets_are_kept(
        self,
        codec: str,
        written: str,
        name: str,
        target: str,
        grey: Path,
        redact: Redact,
        ffmpeg: Ffmpeg,
    ) -> None:
        path = grey.with_name(name)
        late = (
            []
            if written == "avi"
            else ["-itsoffset", "0.25", "-i", grey, "-map", "0:v", "-map", "1:a"]
        )
        options = ["-c:v", "copy", "-ac", "1", "-c:a", *codec.split(), "-f", written]
        rate = ["-r", "25"] if written == "avi" else []  # Matroska's clock counts milliseconds.
        late = ["-itsoffset", "0" if written == "avi" else "0.25", "-i", grey]
        ffmpeg(*rate, "-i", grey, *late, "-map", "0:v", "-map", "1:a", *options, path)
        result = published(redact(path))
        assert result.name == target
        ((before,), (after,)) = (audio(file) for file in (path, result))
        assert b"".join(after) == b"".join(before) != b""
        assert_same_pictures(path, result)
        if written != "avi":
            assert times(result) == times(path)
        assert float(sound_begins(result)) == pytest.approx(float(sound_begins(path)), abs=1e-3)

    def test_a_name_that_its_content_belies(self, grey: Path, redact: Redact) -> None:
        path = grey.with_name("mp4_inside.mkv")
        path.write_bytes(grey.read_bytes())
        result = published(redact(path))
        assert result.name == "mp4_inside.mkv.mp4"
        assert_exact(path, result)


class TestWhatCannotBeDone:
    """The true reason is named, and what to do."""

    def test_only_keyframes_have_a_time(self, grey: Path, redact: Redact, ffmpeg: Ffmpeg) -> None:
        path = grey.with_name("sparse.ts")
        ffmpeg("-i", grey, "-c", "copy", path)
        content = bytearray(path.read_bytes())
        # ISO/IEC 13818-1, 2.4.3.7: take the times out of the headers of all pictures but each 15th.
        for number, match in enumerate(re.finditer(rb"\x00\x00\x01\xe0", bytes(content))):
            if number % 15:
                at = match.start()
                content[at + 7] &= 0x3F
                content[at + 9 : at + 9 + content[at + 8]] = b"\xff" * content[at + 8]
        path.write_bytes(content)
        with pytest.raises(UnsupportedVideo, match=r"only some of its pictures .* FILE\.h264"):
            redact(path)
        raw = path.with_suffix(".h264")
        ffmpeg("-i", path, "-an", "-c", "copy", raw)
        assert_same_pictures(path, published(redact(raw)))

    def test_an_encrypted_video(self, grey: Path, redact: Redact, ffmpeg: Ffmpeg) -> None:
        path = grey.with_name("encrypted.mp4")
        scheme = ["-encryption_scheme", "cenc-aes-ctr"]
        keys = ["-encryption_key", "76" * 16, "-encryption_kid", "a7" * 16]
        ffmpeg("-i", grey, "-c", "copy", *scheme, *keys, path)
        with pytest.raises(UnsupportedVideo, match="it is encrypted; decrypt it first"):
            redact(path)

    def test_a_name_that_is_too_long_for_its_copy(
        self, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("n" * 249 + ".ts")
        ffmpeg("-i", grey, "-c", "copy", path)
        with pytest.raises(UnsupportedVideo, match=r"nnn\.ts\.mp4, which is longer than the 255"):
            redact(path)


def set_audio_time(path: Path, number: int, ticks: int) -> None:
    """Move one audio packet of a fragmented MP4 in time."""
    content = bytearray(path.read_bytes())
    tracks = [
        match.start() for match in re.finditer(rb"tfhd.{4}\x00\x00\x00\x02", content, re.DOTALL)
    ]
    at = content.index(b"tfdt", tracks[number]) + 8
    now = int.from_bytes(content[at : at + 8]) + ticks
    content[at : at + 8] = now.to_bytes(8)
    path.write_bytes(content)


def decode_times(path: Path) -> list[Fraction]:
    """Return the dts of every audio packet, seconds."""
    with av.open(path) as container:
        return [p.dts * p.time_base for p in container.demux(audio=0) if p.size]


def sound_begins(path: Path) -> Fraction:
    with av.open(path) as container:
        packet = next(packet for packet in container.demux(audio=0) if packet.size)
        return packet.pts * packet.time_base
