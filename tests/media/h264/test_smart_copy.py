"""Smart copy: what shows nothing to hide stays bit by bit, beside what is encoded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import av
import cv2
import numpy as np
import pytest
from decoded import audio, pictures, places
from fixture_types import Ffmpeg
from footage import UNEVEN
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from plans import plan
from splicing import Spliced, assert_right, bare_frames, decoded_by, make, remuxed, splice
from x264 import sets

from redact_dask import config, manifest
from redact_dask.config import EncodeSettings, OutputSettings
from redact_dask.errors import CheckFailed, DamagedVideo
from redact_dask.manifest import Writer
from redact_dask.manifest.rows import Outcome, rows
from redact_dask.media import index, nal, verify
from redact_dask.media.h264 import bitstream, parameter_sets, smart_copy
from redact_dask.media.h264.smart_copy import SmartCopy, Survey, cleaned
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Footage, Region, RegionOrigin, Video
from redact_dask.sources import listing

GOP = 12
CLOSED = f"keyint={GOP}:min-keyint={GOP}:scenecut=0"
SECRET = "086f3693b7b34f2c965321492feee5b8+GPS48.8583"

# Name of the file, and how ffmpeg makes it of the scene.
SOURCES = {
    "baseline": ("s.mp4", f"-profile:v baseline -x264-params {CLOSED}"),
    "b_frames": ("s.mp4", f"-profile:v main -x264-params {CLOSED}:bframes=2:b-pyramid=none:ref=2"),
    "pyramid": ("s.mp4", f"-x264-params {CLOSED}:bframes=3:b-pyramid=normal:ref=5"),
    "one_reference": ("s.mp4", f"-x264-params {CLOSED}:bframes=3:ref=1"),
    "scene_cuts": (
        "s.mp4",
        """-vf "negate=enable='between(n,17,24)'" -x264-params keyint=14:min-keyint=3""",
    ),
    "slices": ("s.mp4", f"-x264-params {CLOSED}:slices=4"),
    "intra_only": ("s.mp4", "-g 1"),
    "variable_rate": (
        "s.mp4",
        f'-vf "setpts={UNEVEN}" -fps_mode vfr -enc_time_base 1:90000 -x264-params {CLOSED}',
    ),
    "transport": ("s.ts", f"-x264-params {CLOSED}:aud=1"),
    "rate_limits": (
        "s.ts",
        f"-b:v 500k -x264-params {CLOSED}:nal-hrd=cbr:vbv-maxrate=500:vbv-bufsize=500",
    ),
    "cropped": ("s.mp4", f"-s 162x94 -x264-params {CLOSED}"),
    "matroska": ("s.mkv", f"-x264-params {CLOSED}:bframes=3"),
    "fragmented": ("s.mp4", f"-movflags frag_keyframe+empty_moov -x264-params {CLOSED}"),
    "mov": ("s.mov", f"-x264-params {CLOSED}"),
    "colours": ("s.mp4", f"-vf setsar=4/3 -color_range pc -colorspace bt709 -x264-params {CLOSED}"),
    "user_data": ("s.mp4", f"-x264-params {CLOSED} -bsf:v h264_metadata=sei_user_data={SECRET}"),
    "sets_in_band": ("s.mp4", f"-x264-params {CLOSED} -bsf:v dump_extra=freq=keyframe"),
}

# What cannot be spliced, and a part of the reason that is given.
WHOLE = {
    "open_gop": ("s.mp4", f"-x264-params {CLOSED}:open-gop=1:bframes=3", "not an IDR picture"),
    "mpeg4": ("s.mp4", "-c:v mpeg4 -g 12", "not H.264"),
    "motion_jpeg": ("s.avi", "-c:v mjpeg -pix_fmt yuvj420p", "not H.264"),
    "interlaced": ("s.mp4", f"-flags +ildct+ilme -x264-params {CLOSED}:tff=1", "interlaced"),
    "ten_bit": ("s.mp4", f"-pix_fmt yuv420p10le -x264-params {CLOSED}", "profile"),
    "more_colours": ("s.mp4", f"-pix_fmt yuv422p -x264-params {CLOSED}", "profile"),
    "cropped_left": (
        "s.mp4",
        f"-x264-params {CLOSED} -bsf:v h264_metadata=crop_left=16",
        "cropped in a way",
    ),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_spans_are_copied_beside_encoded_ones(kind: str, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    assert_spliced(splice(make(tmp_path, ffmpeg, *SOURCES[kind]), tmp_path, {13, 14, 40}))


def assert_spliced(spliced: Spliced) -> None:
    assert spliced.probed.info.why_encoded == ""
    assert 0 < len(spliced.copied) < spliced.probed.info.frames
    assert sum(made.copied for made in spliced.rendered) == len(spliced.copied)
    assert_right(spliced)
    assert_every_reader_agrees(spliced)
    content = spliced.result.read_bytes()
    assert b"GPS48" not in content
    assert b"x264" not in content
    if spliced.result.suffix != ".mkv":
        assert content.count(b"stsd") == (2 if spliced.probed.info.audio else 1)
        assert content.count(b"avcC") == 1
        at = content.index(b"stsd")
        assert int.from_bytes(content[at + 8 : at + 12]) == 1
    assert audio(spliced.result) == audio(spliced.source)


def test_scene_cuts_make_uneven_spans(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    scanned = index.scan(str(make(tmp_path, ffmpeg, *SOURCES["scene_cuts"])), EncodeSettings())
    starts = {scanned.pts.index(keyframe.pts) for keyframe in scanned.keyframes}
    assert {0, 17, 25} < starts


def test_a_rotated_video_stays_rotated(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    upright = make(tmp_path, ffmpeg, *SOURCES["b_frames"])
    ffmpeg("-display_rotation", "90", "-i", upright, "-c", "copy", turned)
    spliced = splice(turned, tmp_path, {13, 14, 40})
    assert_spliced(spliced)
    after = index.scan(str(spliced.result), EncodeSettings()).info
    assert spliced.probed.info.quarter_turns != 0
    assert after.display_matrix == spliced.probed.info.display_matrix


@pytest.mark.parametrize(("length_size", "told"), [(3, True), (2, True), (4, False)])
def test_records_of_other_makers(
    length_size: int, told: bool, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    """Lengths of fewer bytes, and no word on reordering, are common with hardware encoders."""
    plain = make(tmp_path, ffmpeg, *SOURCES["b_frames"])
    with av.open(plain) as container:
        extradata = container.streams.video[0].codec_context.extradata or b""
    unit, *pictures_of = bitstream.parameter_sets(extradata)
    if not told:
        sequence = parameter_sets.sequence(unit)
        bits = sequence.parts[0] + f"{sequence.references + 1:03b}" + sequence.parts[1] + "01"
        bits += "0" * (-len(bits) % 8)
        unit = nal.escaped(b"\x67" + int(bits, 2).to_bytes(len(bits) // 8))
        assert parameter_sets.sequence(unit).reorder is None
    record = bytearray(bitstream.avcc([unit, *pictures_of]))
    record[4] = 0xFC | (length_size - 1)

    def repacked(_: int, packet: bytes) -> bytes:
        units = nal.units(packet, 4)
        return b"".join(len(unit).to_bytes(length_size) + unit for unit in units)

    source = remuxed(plain, tmp_path / "other.mp4", repacked, bytes(record))
    assert_spliced(splice(source, tmp_path, {13, 14, 40}))


def assert_every_reader_agrees(spliced: Spliced) -> None:
    """OpenCV, an independent decoder, and seeking find the frames of the source at their times."""
    count = spliced.probed.info.frames
    expected = [pts * spliced.probed.info.time_base for pts in spliced.probed.pts]
    assert decoded_by("h264", spliced.result) == expected
    with av.open(spliced.result) as container:
        shown = container.decode(video=0)
        assert [frame.pts * frame.time_base for frame in shown] == expected
    capture = cv2.VideoCapture(str(spliced.result))
    assert sum(1 for _ in iter(lambda: capture.read()[0], False)) == count
    if len(decoded_by("libopenh264", spliced.source)) == count:
        assert decoded_by("libopenh264", spliced.result) == expected
    with av.open(spliced.result) as container:
        stream = container.streams.video[0]
        keys = [p.pts for p in container.demux(stream) if p.size and p.is_keyframe]
        times = {key * stream.time_base for key in keys}
        firsts = accumulate((segment.frames for segment in spliced.segments[:-1]), initial=0)
        assert {expected[first] for first in firsts} <= times
        for key in keys:
            container.seek(key, stream=stream)
            assert next(container.decode(stream)).pts == key


@pytest.mark.parametrize("kind", WHOLE)
def test_what_cannot_be_spliced_is_encoded_whole_and_says_why(
    kind: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    name, options, reason = WHOLE[kind]
    spliced = splice(make(tmp_path, ffmpeg, name, options), tmp_path, {13})
    assert reason in spliced.probed.info.why_encoded
    assert spliced.copied == []
    assert len(pictures(spliced.result)) == spliced.probed.info.frames


def test_an_interlaced_video_stays_interlaced(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    for order, code in (("tff", 2), ("bff", 3)):
        options = f"-flags +ildct+ilme -x264-params {CLOSED}:{order}=1"
        source = make(tmp_path, ffmpeg, f"{order}.mp4", options)
        result = splice(source, tmp_path, {1}).result
        with av.open(result) as container:
            assert next(container.decode(video=0)).interlaced_frame
            assert container.streams.video[0].codec_context.field_order == code


def test_all_may_be_copied_or_all_be_encoded(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES["pyramid"])
    for hidden, copied in ((set(), 48), (set(range(0, 48, 5)), 0)):
        spliced = splice(source, tmp_path, hidden)
        assert len(spliced.copied) == copied
        assert_right(spliced)


def test_hidden_pre_roll_is_never_copied(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    whole = make(tmp_path, ffmpeg, *SOURCES["b_frames"])
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.65", "-i", whole, "-c", "copy", cut)
    assert len(pictures(cut, ignore_editlist="1")) > len(pictures(cut))
    spliced = splice(cut, tmp_path, ())
    assert 0 < len(spliced.copied) < spliced.probed.info.frames
    assert_right(spliced)
    assert_nothing_hidden_is_left(spliced)
    assert_nothing_hidden_is_left(splice(cut, tmp_path, {20}))


def assert_nothing_hidden_is_left(spliced: Spliced) -> None:
    """Pictures that an edit list cuts away are not in the result, shown or not."""
    with av.open(spliced.source) as container:
        cut_away = [bytes(p) for p in container.demux(video=0) if p.size and p.is_discard]
    content = spliced.result.read_bytes()
    assert cut_away
    assert not [packet for packet in cut_away if packet[-40:] in content]
    everything = pictures(spliced.result, ignore_editlist="1")
    assert len(everything) == spliced.probed.info.frames


def test_what_is_cut_off_at_the_end_is_never_copied(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES["pyramid"])
    content = bytearray(source.read_bytes())
    clock = content.index(b"mvhd") + 16  # behind its version and two dates
    length = content.index(b"elst") + 12  # behind its version and its number of edits
    content[length : length + 4] = content[clock : clock + 4]  # one second
    source.write_bytes(content)
    spliced = splice(source, tmp_path, {2})
    assert spliced.probed.info.frames == 30
    assert spliced.copied == list(range(12, 24))
    assert_right(spliced)
    assert_nothing_hidden_is_left(spliced)


def test_two_runs_give_the_same_bytes(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES["pyramid"])
    first, second = (splice(source, tmp_path / name, {13}).result.read_bytes() for name in "ab")
    assert first == second


class TestCheck:
    """The check finds what was to be copied and was not."""

    @pytest.fixture
    def spliced(self, ffmpeg: Ffmpeg, tmp_path: Path) -> Spliced:
        """Of four gops, the second is encoded; the last two are one segment."""
        spliced = splice(make(tmp_path, ffmpeg, *SOURCES["baseline"]), tmp_path, {13})
        assert [segment.url is None for segment in spliced.segments] == [True, False, True]
        return spliced

    def verify(self, spliced: Spliced, result: Path) -> None:
        probed = spliced.probed
        footage = Footage(tuple(spliced.segments), probed.pts, probed.info)
        verify.verify(result, [footage], str(spliced.source), OutputSettings())

    @pytest.mark.parametrize(
        ("others", "frame"),
        [
            ({n: (n + 24) % 48 for n in (*range(12), *range(24, 36))}, 0),
            ({11: 35}, 11),
            ({24 + n: 36 + n for n in range(12)}, 24),
        ],
    )
    def test_finds_pictures_of_another_span(
        self, others: dict[int, int], frame: int, spliced: Spliced
    ) -> None:
        with av.open(spliced.result) as container:
            packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
        good, bad = (spliced.result.with_name(name) for name in ("good.mp4", "bad.mp4"))
        self.verify(spliced, remuxed(spliced.result, good, lambda n, _: packets[n]))
        remuxed(spliced.result, bad, lambda n, _: packets[others.get(n, n)])
        with pytest.raises(CheckFailed, match=f"frame {frame} was copied, but is not the source's"):
            self.verify(spliced, bad)

    def test_finds_an_altered_packet(self, spliced: Spliced) -> None:
        content = bytearray(spliced.result.read_bytes())
        place, size = places(spliced.result)[26]
        content[place + size // 2] ^= 16
        bad = spliced.result.with_name("bad.mp4")
        bad.write_bytes(content)
        with pytest.raises(CheckFailed, match=r"frame 26 was|does not decode cleanly"):
            self.verify(spliced, bad)

    @pytest.mark.parametrize(("start", "size"), [(0, 0), (36, 0), (24, 1)])
    def test_join_refuses_a_part_that_starts_elsewhere(
        self, start: int, size: int, spliced: Spliced
    ) -> None:
        first, last = spliced.rendered
        keyframes = {
            spliced.probed.pts.index(gop.start.pts): gop.start
            for chunk in spliced.probed.chunks
            for gop in chunk.gops
        }
        keyframe = replace(keyframes[start], size=keyframes[start].size + size)
        moved = replace(last, segments=(replace(last.segments[0], start=keyframe),))
        (video,) = listing.list_videos(str(spliced.source), str(spliced.source.parent / "out"))
        job = Job(video, str(spliced.source.parent / "out"), "", config.Config())
        spliced.result.unlink()
        with pytest.raises(CheckFailed, match=r"holds 0 other ones|has no time"):
            stages.join(job, spliced.probed, [plan(job, spliced.probed)], [first, moved])
        assert not spliced.result.exists()


@pytest.mark.parametrize("hidden", [set(), {13}])
def test_the_manifest_tells_what_was_copied(
    hidden: set[int], ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES["b_frames"])
    told = []
    for copying in ("auto", "never"):
        spliced = splice(source, tmp_path / copying, hidden, encode={"copy": copying})
        video = Video(str(source), source.name, 1, copying)
        probed, rendered = spliced.probed, tuple(spliced.rendered)
        outcome = Outcome(video, 0, 1, probed, (), (), rendered, None, None)
        writer = Writer(str(tmp_path / copying / "_manifest"), "run-1")
        writer.add(rows(outcome, "0123"))
        writer.flush()
        (row,) = manifest.read(str(tmp_path / copying / "_manifest"), "videos").to_pylist()
        told.append((row["frames"], row["frames_copied"], row["why_encoded"]))
        assert_right(spliced)
    assert told == [(48, 36 if hidden else 48, None), (48, 0, "the configuration says never")]


def test_parameter_sets_that_change_are_not_spliced(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    one = make(tmp_path, ffmpeg, "one.ts", f"-an -x264-params {CLOSED}")
    two = make(tmp_path, ffmpeg, "two.ts", f"-an -x264-params {CLOSED}:cabac=0")
    both = tmp_path / "both.ts"
    ffmpeg("-i", f"concat:{one}|{two}", "-c", "copy", both)
    spliced = splice(both, tmp_path, {13})
    assert spliced.probed.info.why_encoded == "its parameter sets change"
    assert spliced.copied == []
    assert spliced.probed.info.frames == 96
    assert_right(spliced)


def test_only_whole_pictures_that_are_shown_become_samples(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES["pyramid"])
    with av.open(source) as container:
        extradata = container.streams.video[0].codec_context.extradata or b""
        packets = [packet for packet in container.demux(video=0) if packet.size]
    first, *others = packets
    assert b"x264" in bytes(first)
    assert bytes(first).endswith(cleaned(first, extradata, user_data=False))
    assert b"x264" not in cleaned(first, extradata, user_data=False)
    for packet in others:
        assert cleaned(packet, extradata, user_data=False) == bytes(packet)
    others[0].is_corrupt = True
    with pytest.raises(ValueError, match="must not be copied"):
        cleaned(others[0], extradata, user_data=False)
    with pytest.raises(ValueError, match=r"holds 0 pictures"):
        cleaned(av.Packet(nal.joined([b"\x09\xf0"])), extradata, user_data=False)
    with pytest.raises(ValueError, match="whole"):
        cleaned(av.Packet(bytes(first)[:-1]), extradata, user_data=False)
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.65", "-i", source, "-c", "copy", cut)
    with av.open(cut) as container:
        first = next(container.demux(video=0))
        assert first.is_discard
        with pytest.raises(ValueError, match="must not be copied"):
            cleaned(first, extradata, user_data=False)


def test_decoding_is_as_early_as_it_must_be_and_the_length_is_kept(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    for kind in ("baseline", "b_frames", "pyramid"):
        spliced = splice(make(tmp_path, ffmpeg, *SOURCES[kind]), tmp_path, {13})
        with av.open(spliced.result) as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.size]
            length = float(stream.duration * stream.time_base)
        assert min(packet.pts - packet.dts for packet in packets) == 0
        assert length == pytest.approx(spliced.probed.info.seconds, abs=1e-3)


def test_the_encoder_goes_with_every_source_whatever_its_preset(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    presets = get_args(EncodeSettings.model_fields["preset"].annotation)
    assert len(presets) > 5
    for kind in ("baseline", "b_frames", "pyramid", "one_reference", "intra_only", "cropped"):
        source = make(tmp_path, ffmpeg, *SOURCES[kind])
        for preset in presets:
            info = index.scan(str(source), EncodeSettings(preset=preset)).info
            assert info.why_encoded == "", (kind, preset)


class TestSurvey:
    """Packets that rule out copying, wherever they are."""

    @pytest.fixture
    def source(self, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
        return make(tmp_path, ffmpeg, *SOURCES["b_frames"])

    def survey(self, source: Path, change: Callable[[list[Any]], None]) -> str:
        with av.open(source) as container:
            survey = Survey(container.streams.video[0])
            packets = [packet for packet in container.demux(video=0) if packet.size]
            change(packets)
            for packet in packets:
                survey.add(packet)
            return survey.why_not

    def test_nothing_is_wrong_with_the_source(self, source: Path) -> None:
        assert self.survey(source, list[Any].copy) == ""

    def test_times(self, source: Path) -> None:
        def early_keyframe(packets: list[Any]) -> None:
            packets[12].pts = max(packet.pts for packet in packets[:12])

        def late_frame(packets: list[Any]) -> None:
            packets[11].pts = packets[12].pts

        def same_time(packets: list[Any]) -> None:
            packets[20].pts = packets[19].pts

        late = "a frame is shown after the next IDR picture"
        assert self.survey(source, early_keyframe) == late
        assert self.survey(source, late_frame) == late
        assert self.survey(source, same_time) == "two frames have the same timestamp"

    def test_a_packet_without_time_or_picture(self, source: Path) -> None:
        def lose_time(packets: list[Any]) -> None:
            packets[30].pts = None

        def corrupt(packets: list[Any]) -> None:
            packets[30].is_corrupt = True

        def unmark(packets: list[Any]) -> None:
            packets[30].is_keyframe = True

        def lose(content: bytes) -> Callable[[list[Any]], None]:
            def change(packets: list[Any]) -> None:
                other = av.Packet(content)
                other.pts = packets[30].pts
                packets[30] = other

            return change

        assert self.survey(source, lose_time) == "a packet has no timestamp"
        assert self.survey(source, corrupt) == "a packet is marked as corrupt"
        assert self.survey(source, unmark) == "a keyframe is not an IDR picture"
        assert self.survey(source, lose(b"\0\0\0\2\x09\xf0")) == "a packet holds no picture"
        assert "not a row of whole" in self.survey(source, lose(b"\0\0\0\3\x09\xf0"))
        start = self.survey(source, lambda packets: packets.__delitem__(0))
        assert start == "a keyframe is not an IDR picture"


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["ultrafast", "medium", "slower"])
@pytest.mark.parametrize("kind", ["baseline", "b_frames", "pyramid", "one_reference", "intra_only"])
def test_every_preset_goes_with_every_source(
    kind: str, preset: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES[kind])
    assert_spliced(splice(source, tmp_path, {13, 14, 40}, encode={"preset": preset}))


def destroy(source: Path) -> None:
    """Overwrite a part of a keyframe."""
    content = bytearray(source.read_bytes())
    with av.open(source) as container:
        place = [p.pos for p in container.demux(video=0) if p.size and p.is_keyframe][2]
    content[place + 60 : place + 600] = bytes(540)
    source.write_bytes(content)


def replace_by_itself(source: Path) -> None:
    """Change nothing but the time at which the source was written."""
    stat = source.stat()
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))


@pytest.mark.parametrize("change", [destroy, replace_by_itself])
def test_a_source_that_changed_is_not_copied_from(
    change: Callable[[Path], None], ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES["baseline"])
    (video,) = listing.list_videos(str(source), str(tmp_path / "out"))
    job = Job(video, str(tmp_path / "out"), str(tmp_path / "work"), config.Config())
    probed = stages.probe(job)
    rendered = [
        stages.render(job, probed.info, chunk, plan(job, probed)) for chunk in probed.chunks
    ]
    change(source)
    with pytest.raises((CheckFailed, DamagedVideo)):
        stages.join(job, probed, [plan(job, probed)], rendered)
    assert not (tmp_path / "out").exists()


def test_copies_that_fail_the_check_are_encoded_after_all(
    ffmpeg: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = verify.verify

    def refuse_copies(path: Path, videos: Sequence[Footage], *rest: Any) -> None:
        if any(segment.url is None for segment in videos[0].segments):
            raise CheckFailed("it is said to be wrong")
        right(path, videos, *rest)

    monkeypatch.setattr(verify, "verify", refuse_copies)
    source = make(tmp_path, ffmpeg, *SOURCES["b_frames"])
    (video,) = listing.list_videos(str(source), str(tmp_path / "out"))
    job = Job(video, str(tmp_path / "out"), str(tmp_path / "work"), config.Config())
    probed = stages.probe(job)
    hidden = Region(3, 0, 32.0, 32.0, 96.0, 64.0, RegionOrigin.DETECTED, "face", "told")
    tracked = plan(job, probed, [hidden])
    rendered = [stages.render(job, probed.info, chunk, tracked) for chunk in probed.chunks]
    assert 0 < sum(made.copied for made in rendered) < 60
    joined = stages.join(job, probed, [tracked], rendered)
    assert (
        joined.why_encoded == "copied GOPs do not fit beside encoded ones: it is said to be wrong"
    )
    before, after = pictures(source), pictures(Path(joined.output))
    assert len(before) == len(after)
    for number, (was, now) in enumerate(zip(before, after, strict=True)):
        assert number == 3 or np.abs(was.astype(int) - now).mean() < 5


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    gop=st.integers(1, 24),
    b_frames=st.integers(0, 3),
    references=st.integers(1, 5),
    seconds=st.sampled_from([0.05, 0.4, 9.0]),
    hidden=st.sets(st.integers(0, 47), max_size=6),
)
def test_any_placement_of_regions_is_exact(
    gop: int,
    b_frames: int,
    references: int,
    seconds: float,
    hidden: set[int],
    ffmpeg: Ffmpeg,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    x264 = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:ref={references}"
    spliced = splice(make(folder, ffmpeg, "s.mp4", f"-x264-params {x264}"), folder, hidden, seconds)
    assert_exact(spliced, gop)


def assert_exact(spliced: Spliced, gop: int) -> None:
    with_region = {number // gop for number in spliced.hidden}
    assert spliced.copied == [n for n in range(48) if n // gop not in with_region]
    assert sum(made.copied for made in spliced.rendered) == len(spliced.copied)
    assert_right(spliced)


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(  # more frames may be held than x264 needs by itself
    suffix="mp4",
    gop=7,
    b_frames=2,
    pyramid="normal",
    references=5,
    slices=1,
    preset="veryfast",
    seconds=1.0,
    hidden={0, 5, 8, 14, 22},
)
@given(
    suffix=st.sampled_from(["mp4", "ts", "mkv"]),
    gop=st.integers(1, 24),
    b_frames=st.integers(0, 5),
    pyramid=st.sampled_from(["none", "strict", "normal"]),
    references=st.integers(1, 6),
    slices=st.integers(1, 3),
    preset=st.sampled_from(["ultrafast", "veryfast", "medium"]),
    seconds=st.floats(0.01, 1.6),
    hidden=st.sets(st.integers(0, 47), max_size=6),
)
def test_any_source_of_x264_is_exact(
    suffix: str,
    gop: int,
    b_frames: int,
    pyramid: str,
    references: int,
    slices: int,
    preset: str,
    seconds: float,
    hidden: set[int],
    ffmpeg: Ffmpeg,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    x264 = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:b-pyramid={pyramid}"
    x264 += f":ref={references}:slices={slices}"
    source = make(folder, ffmpeg, f"s.{suffix}", f"-x264-params {x264}")
    assert_exact(splice(source, folder, hidden, seconds, {"preset": preset}), gop)


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
    return nal.escaped(b"\x68" + int(bits, 2).to_bytes(len(bits) // 8))


def why_not(extradata: bytes, packets: int = 0) -> str:
    """Survey a stream with these parameter sets, whose first picture is shown, then the last."""
    context = SimpleNamespace(name="h264", extradata=extradata)
    survey = Survey(cast("Any", SimpleNamespace(codec_context=context)))
    for number in range(packets):
        # First macroblock 0, type 7 or 5, parameter set 0, number 0, IDR 0, order 0.
        header = b"\x65\x88\x84\0\x40" if number == 0 else b"\x41\x9a\0\0\x40"
        packet = av.Packet(nal.joined([header]))
        packet.pts = packets - number if number else 0
        packet.is_keyframe = number == 0
        survey.add(cast("Any", packet))
    return survey.why_not


def two_pictures_a_sample(ffmpeg: Ffmpeg, folder: Path, slices: int) -> Path:
    """Return a video in whose samples the slices of a second picture follow those of the first."""
    options = f"-an -x264-params {CLOSED}:slices={slices}:bframes=0"
    shown = make(folder, ffmpeg, "shown.mp4", options)
    with av.open(make(folder, ffmpeg, "second.mp4", f"-vf negate {options}")) as container:
        second = [bytes(packet) for packet in container.demux(video=0) if packet.size]

    def with_second(number: int, packet: bytes) -> bytes:
        units = nal.units(second[number], 4)
        return packet + nal.joined(u for u in units if bitstream.kind(u) in (1, 5))

    return remuxed(shown, folder / "two.mp4", with_second)


def test_a_picture_that_no_decoder_shows_does_not_get_out(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = two_pictures_a_sample(ffmpeg, tmp_path, slices=1)
    assert len(pictures(source)) == 48
    assert bare_frames(source, tmp_path) > 60
    spliced = splice(source, tmp_path, set())
    assert spliced.probed.info.why_encoded == "a packet holds several pictures"
    assert spliced.copied == []
    assert bare_frames(spliced.result, tmp_path) == spliced.probed.info.frames == 48


def test_two_pictures_of_several_slices_are_damage(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = two_pictures_a_sample(ffmpeg, tmp_path, slices=4)
    with pytest.raises(DamagedVideo):
        splice(source, tmp_path, set())


def test_a_copy_that_holds_what_no_decoder_shows_is_encoded_after_all(
    ffmpeg: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = two_pictures_a_sample(ffmpeg, tmp_path, slices=1)
    blind = SimpleNamespace(count=lambda _: 1)
    monkeypatch.setattr(smart_copy, "_counter", lambda _: blind)
    spliced = splice(source, tmp_path, set())
    assert len(spliced.copied) == 48
    assert bare_frames(spliced.result, tmp_path) == 48
