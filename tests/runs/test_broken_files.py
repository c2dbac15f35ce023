"""Files that are not quite as their format wants them: each comes back exact, or is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from decoded import pictures, places, times
from exact import assert_exact, assert_same_pictures
from five_stages import AUTO, published
from fixture_types import Ffmpeg, Redact
from magenta import excess
from mutate import Node, read_avi, read_mp4, write_avi, write_mp4

from redact_dask import config
from redact_dask.errors import CheckFailed, DamagedVideo, UnsupportedVideo
from redact_dask.media import nal
from redact_dask.media.h264 import bitstream
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.sources import listing


def changed(path: Path, kind: bytes, change: Callable[[bytes], bytes], which: int = 0) -> None:
    """Change the content of a box or chunk of an MP4 or AVI file."""
    read, write = (read_avi, write_avi) if path.suffix == ".avi" else (read_mp4, write_mp4)
    nodes = read(path.read_bytes())
    node = [node for node in Node(b"", b"", nodes).below() if node.kind == kind][which]
    node.content = change(node.content)
    path.write_bytes(write(nodes))


def later(time: bytes) -> bytes:
    """Move the time of a fragment by 12,345 ticks."""
    return time[:4] + (int.from_bytes(time[4:]) + 12345).to_bytes(8)


class TestTagsThatAreNotUnicode:
    """Cameras write tags in the code of their country."""

    @pytest.fixture
    def tagged(self, grey: Path, ffmpeg: Ffmpeg) -> Callable[[str], Path]:
        def make(suffix: str) -> Path:
            path = grey.with_name(f"tagged.{suffix}")
            ffmpeg("-i", grey, "-c", "copy", "-metadata", "title=Stra?e", path)
            path.write_bytes(path.read_bytes().replace(b"Stra?e", b"Stra\xdfe"))
            return path

        return make

    @pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
    def test_come_back_exact(
        self, suffix: str, tagged: Callable[[str], Path], redact: Redact
    ) -> None:
        path = tagged(suffix)
        assert b"\xdfe" in path.read_bytes() or suffix == "ts"
        assert_same_pictures(path, published(redact(path)))

    @pytest.mark.parametrize("suffix", ["mp4", "mkv"])
    def test_are_kept_byte_by_byte_on_request(
        self, suffix: str, tagged: Callable[[str], Path], redact: Redact
    ) -> None:
        result = published(redact(tagged(suffix), output={"keep": ["title"]}))
        assert b"Stra\xdfe" in result.read_bytes()


class TestRatesThatNoCameraHas:
    """The times come back, although a segment counts milliseconds."""

    @pytest.mark.parametrize(
        ("scale", "rate"), [(1, 3000), (3_000_000, 1)], ids=["3000 a second", "one in a month"]
    )
    def test_comes_back_exact(
        self, scale: int, rate: int, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("rate.avi")
        ffmpeg("-i", grey, "-an", "-c:v", "mjpeg", "-frames:v", "20", path)
        ticks = scale.to_bytes(4, "little") + rate.to_bytes(4, "little")
        changed(path, b"strh", lambda content: content[:20] + ticks + content[28:])
        result = published(redact(path))
        assert len(times(path)) == 20
        assert_exact(path, result)


class TestBeginnings:
    """The beginning comes back, although MP4 tells it in ticks of another clock."""

    def test_before_a_long_gap(self, grey: Path, redact: Redact, ffmpeg: Ffmpeg) -> None:
        """A transport stream begins at 1.4 s; frames that last so long on average come with it."""
        path = grey.with_name("parked.ts")
        gap = ["-vf", "setpts='PTS+if(gte(N,30),1000/TB)'", "-fps_mode", "vfr"]
        clock = ["-enc_time_base", "1:90000", "-c:v", "libx264", "-bf", "3", "-g", "15"]
        ffmpeg("-i", grey, *gap, *clock, "-c:a", "copy", path)
        assert times(path)[-1] - times(path)[0] > 1000
        done = redact(path, encode=AUTO)
        assert done.probed.info.reorder_depth == 2
        assert_exact(path, published(done))

    @pytest.mark.parametrize("ticks", ["1000000", "29971"])
    def test_a_beginning_between_two_ticks(
        self, ticks: str, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        """A clock with the ticks of both 29971 and 90000 a second has too many for MP4."""
        path = grey.with_name("between.mp4")
        clock = ["-video_track_timescale", ticks, "-movflags", "frag_keyframe+empty_moov"]
        ffmpeg("-i", grey, "-an", "-c", "copy", *clock, path)
        for fragment in range(path.read_bytes().count(b"tfdt")):
            changed(path, b"tfdt", later, fragment)
        assert (times(path)[0] * 90000).denominator > 1
        assert_exact(path, published(redact(path)))


class TestDamagedPictures:
    """What a decoder fills up with what its memory held before is no picture."""

    @pytest.fixture
    def scratched(self, grey: Path, ffmpeg: Ffmpeg) -> Path:
        """Motion JPEG with zeros in its 20th picture."""
        path = grey.with_name("scratched.avi")
        ffmpeg("-i", grey, "-c:v", "mjpeg", "-q:v", "3", "-c:a", "pcm_s16le", path)
        place, size = places(path)[20]
        content = bytearray(path.read_bytes())
        middle = place + 8 + size // 2
        content[middle : middle + 40] = b"\xa5" * 40
        path.write_bytes(content)
        return path

    def test_of_motion_jpeg_are_named(self, scratched: Path, redact: Redact) -> None:
        with pytest.raises(DamagedVideo, match="the packet at pts 20 does not decode"):
            redact(scratched)

    def test_of_motion_jpeg_are_black_in_what_is_salvaged(
        self, scratched: Path, redact: Redact
    ) -> None:
        result = published(redact(scratched, on_damage="salvage"))
        shown = pictures(result, "gray")
        assert [number for number, picture in enumerate(shown) if picture.max() < 40] == [20]

    @pytest.mark.parametrize("unusual", ["no end", "more at its end"])
    def test_jpeg_pictures_that_are_only_unusual_come_back_exact(
        self, unusual: str, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("unusual.avi")
        ffmpeg("-i", grey, "-an", "-c:v", "mjpeg", "-q:v", "3", path)

        def change(content: bytes) -> bytes:
            end = content.rindex(b"\xff\xd9")
            return content[:end] if unusual == "no end" else content + bytes(40)

        changed(path, b"00dc", change, 20)
        assert_exact(path, published(redact(path)))


class TestIndexThatMisleads:
    """Where a seek fails or leads astray, the file is read from its beginning."""

    def test_no_keyframe_to_seek_to(self, grey: Path, redact: Redact) -> None:
        path = grey.with_name("no_first_keyframe.mp4")
        path.write_bytes(grey.read_bytes())
        changed(path, b"stss", lambda content: content[:8] + b"\xf2\0\0\0" + content[12:])
        assert_exact(path, published(redact(path)))

    def test_a_stream_that_begins_late_is_named(
        self, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        """Flash has no list of its streams."""
        path = grey.with_name("late.flv")
        loop = ["-stream_loop", "7", "-i", grey, "-t", "15", "-c", "copy"]
        ffmpeg(*loop, "-flvflags", "no_metadata", path)
        content = path.read_bytes()
        kept, at = b"FLV\1\1" + content[5:13], 13
        while at < len(content):
            end = at + 15 + int.from_bytes(content[at + 1 : at + 4])
            is_early_sound = content[at] == 8 and at < 0.9 * len(content)
            kept += b"" if is_early_sound else content[at:end]
            at = end
        path.write_bytes(kept)
        with pytest.raises(UnsupportedVideo, match="stream begins in its middle; remux it"):
            redact(path)

    def test_places_of_another_file(self, grey: Path, redact: Redact, ffmpeg: Ffmpeg) -> None:
        path = grey.with_name("misled.avi")
        ffmpeg("-i", grey, "-c:v", "copy", "-c:a", "pcm_s16le", path)
        changed(path, b"idx1", lambda content: content[: len(content) // 3 // 16 * 16])
        assert_same_pictures(path, published(redact(path)))


class TestWhatHasNoWay:
    """It is named, with what to do."""

    def test_colours_that_no_detector_can_be_shown(
        self, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("ictcp.mp4")
        ffmpeg("-i", grey, "-c", "copy", "-bsf:v", "h264_metadata=matrix_coefficients=14", path)
        with pytest.raises(UnsupportedVideo, match=r"coefficients 14 .* convert it to BT\.709"):
            redact(path)

    @pytest.mark.parametrize("suffix", ["asf", "wmv"])
    def test_reordered_pictures_in_asf(
        self, suffix: str, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path, raw = grey.with_name(f"reordered.{suffix}"), grey.with_name("reordered.h264")
        ffmpeg("-i", grey, "-c:v", "copy", path)
        with pytest.raises(UnsupportedVideo, match=r"ASF does not tell .* -c copy FILE\.h264"):
            redact(path)
        ffmpeg("-i", path, "-c", "copy", raw)
        assert_same_pictures(raw, published(redact(raw)))

    def test_half_a_sample_of_sound(self, grey: Path, redact: Redact, ffmpeg: Ffmpeg) -> None:
        path = grey.with_name("half.avi")
        ffmpeg("-i", grey, "-c:v", "mjpeg", "-q:v", "3", "-c:a", "pcm_s16le", path)
        changed(path, b"01wb", lambda content: content[:-1], 3)
        with pytest.raises(CheckFailed, match=r"not those of the source; output\.audio: drop"):
            redact(path)
        assert_same_pictures(path, published(redact(path, output={"audio": "drop"})))

    def test_sound_that_a_muxer_refuses(self, grey: Path, redact: Redact, ffmpeg: Ffmpeg) -> None:
        path = grey.with_name("refused.3gp")
        sound = ["-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1", "-b:a", "12.2k"]
        ffmpeg("-i", grey, "-c:v", "copy", *sound, path)
        with av.open(path) as container:
            place = [packet.pos for packet in container.demux(audio=0) if packet.size][5]
        content = bytearray(path.read_bytes())
        assert content[place] == 0x3C, "a packet of 32 bytes"
        content[place] = 0x04
        path.write_bytes(content)
        with pytest.raises(UnsupportedVideo, match=r"refuses a packet; output\.audio: drop"):
            redact(path)
        assert_same_pictures(path, published(redact(path, output={"audio": "drop"})))

    def test_sound_that_lasts_too_long(self, grey: Path, redact: Redact) -> None:
        path = grey.with_name("hours.mp4")
        path.write_bytes(grey.read_bytes())
        changed(path, b"stts", lambda content: content[:12] + b"\xa7" + content[13:], 1)
        with pytest.raises((CheckFailed, UnsupportedVideo), match=r"; .*output\.audio: drop"):
            redact(path)
        assert_same_pictures(path, published(redact(path, output={"audio": "drop"})))

    def test_damaged_sound_of_which_the_check_complains(
        self, grey: Path, redact: Redact, ffmpeg: Ffmpeg
    ) -> None:
        path = grey.with_name("noise.mkv")
        ffmpeg("-i", grey, "-c", "copy", path)
        with av.open(path) as container:
            packets = [packet for packet in container.demux(audio=0) if packet.size]
            spans = [(packet.pos, packet.size) for packet in packets]
        content = bytearray(path.read_bytes())
        for place, size in spans[:20]:
            content[place + 8 : place + size] = b"\x5a" * (size - 8)
        path.write_bytes(content)
        with pytest.raises(CheckFailed, match=r"cleanly: \[aac\] .*; output\.audio: drop"):
            redact(path)


def test_parameter_sets_of_which_ffmpeg_complains_are_not_in_a_copy_that_is_encoded(
    grey: Path, redact: Redact, ffmpeg: Ffmpeg
) -> None:
    """The set tells that a tick lasts no time, as some cameras have it."""
    path = grey.with_name("no_ticks.mp4")
    box = "drawbox=x=20:y=20:w=32:h=32:color=magenta:t=fill:enable='lt(n,8)'"
    codec = ["-c:v", "libx264", "-bf", "2", "-g", "15", "-sc_threshold", "0", "-threads", "1"]
    ffmpeg("-i", grey, "-an", "-vf", f"format=yuv444p,{box},format=yuv420p", *codec, path)

    def without_ticks(record: bytes) -> bytes:
        sets = bitstream.parameter_sets(record)
        bits = "".join(f"{byte:08b}" for byte in nal.unescaped(sets[0]))
        assert bits.count(f"1{1:032b}{60:032b}") == 1
        bits = bits.replace(f"1{1:032b}{60:032b}", f"1{0:032b}{60:032b}")
        data = int(bits, 2).to_bytes(len(bits) // 8)
        return bitstream.avcc([nal.escaped(data), *sets[1:]])

    changed(path, b"avcC", without_ticks)
    done = redact(path, encode=AUTO, track={"pad_s": 0.1})
    assert any(made.copied for made in done.rendered)
    assert "time_scale" in done.joined.why_encoded
    assert times(published(done)) == times(path)
    assert not any((excess(shown) > 60).any() for shown in pictures(published(done), "rgb24"))


def test_a_picture_that_decodes_otherwise_than_it_was_analysed_is_not_shown(
    grey: Path, tmp_path: Path, ffmpeg: Ffmpeg
) -> None:
    """Some decoders show damage with what their memory holds; here, the file itself changes."""
    path, out = tmp_path / "raw.avi", str(tmp_path / "out")
    ffmpeg("-i", grey, "-an", "-c:v", "rawvideo", path)
    (video,) = listing.list_videos(str(path), out)
    settings = {"detect": {"detectors": ["magenta"]}, "encode": AUTO, "chunk": {"seconds": 0.5}}
    job = Job.of(video, out, config.validate(settings))
    probed = stages.probe(job)
    detected = [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
    tracked = stages.track(job, probed, detected)
    place, _ = places(path)[20]
    content, before = bytearray(path.read_bytes()), path.stat()
    content[place + 8 + 40 * 160 : place + 8 + 60 * 160] = b"\xf0" * 20 * 160
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DamagedVideo, match="pts 20 is damaged: it is another picture each time"):
        [stages.render(job, probed.info, chunk, tracked) for chunk in probed.chunks]
