"""Smart copy of HEVC: what shows nothing to hide stays bit by bit, beside what is encoded."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import av
import cv2
import pytest
from decoded import audio, pictures, times
from five_stages import run
from fixture_types import Ffmpeg, MakeClip
from footage import UNEVEN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from splicing import Spliced, assert_right, bare_frames, decoded_by, make, remuxed, splice
from x265 import record, sets

from redact_dask import config
from redact_dask.config import EncodeSettings
from redact_dask.media import index, nal
from redact_dask.media.hevc import bitstream, parameter_sets, smart_copy
from redact_dask.media.hevc.smart_copy import SmartCopy, Survey, cleaned
from redact_dask.pipeline.job import Job
from redact_dask.sources import listing

GOP = 12
CLOSED = f"-x265-params log-level=none:keyint={GOP}:min-keyint={GOP}:scenecut=0:open-gop=0"
DE265 = shutil.which("libde265-dec265") or shutil.which("dec265")

# Name of the file, and how ffmpeg makes it of the scene.
SOURCES = {
    "b_frames": ("s.mp4", CLOSED),
    "hvc1": ("s.mp4", f"-tag:v hvc1 {CLOSED}:bframes=1:b-pyramid=0"),
    "no_b_frames": ("s.mov", f"{CLOSED}:bframes=0:ref=1"),
    "references": ("s.mkv", f"{CLOSED}:bframes=4:ref=5"),
    "transport": ("s.ts", f"{CLOSED}:aud=1"),
    "ten_bit": ("s.mp4", f"-pix_fmt yuv420p10le {CLOSED}"),
    "slices": ("s.mp4", f"{CLOSED}:slices=3:ctu=16"),
    "cropped": ("s.mp4", f"-s 162x94 {CLOSED}"),
    "large_blocks": ("s.mp4", f"-s 162x94 {CLOSED}:min-cu-size=16"),
    "sub_layers": ("s.mp4", f"{CLOSED}:temporal-layers=1"),
    "scaling_lists": ("s.mp4", f"{CLOSED}:scaling-list=default"),
    "rate_limits": ("s.ts", f"-b:v 500k {CLOSED}:hrd=1:vbv-maxrate=500:vbv-bufsize=500"),
    "sets_in_band": ("s.mp4", f"{CLOSED}:repeat-headers=1"),
    "fragmented": ("s.mp4", f"-movflags frag_keyframe+empty_moov {CLOSED}"),
    "colours": ("s.mp4", f"-vf setsar=4/3 -color_range pc -colorspace bt709 {CLOSED}"),
    "variable_rate": (
        "s.mp4",
        f'-vf "setpts={UNEVEN}" -fps_mode vfr -enc_time_base 1:90000 {CLOSED}',
    ),
}

# What cannot be spliced, and a part of the reason that is given.
WHOLE = {
    "open_gop": ("s.mp4", f"{CLOSED}:open-gop=1:bframes=3", "not an IDR picture"),
    "leading": ("s.mp4", f"{CLOSED}:radl=2:bframes=3", "before the IDR picture that it needs"),
    "more_colours": ("s.mp4", f"-pix_fmt yuv422p {CLOSED}", "profile"),
    "cropped_left": (
        "s.mp4",
        f"{CLOSED} -bsf:v hevc_metadata=crop_left=16",
        "cropped in a way",
    ),
}


def spliced_of(kind: str, ffmpeg: Ffmpeg, folder: Path) -> Spliced:
    name, options = SOURCES[kind]
    return splice(make(folder, ffmpeg, name, options, "libx265"), folder, {13, 14, 40})


@pytest.mark.parametrize("kind", SOURCES)
def test_spans_are_copied_beside_encoded_ones(kind: str, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    assert_spliced(spliced_of(kind, ffmpeg, tmp_path))


def assert_spliced(spliced: Spliced) -> None:
    assert spliced.probed.info.why_encoded == spliced.why_encoded == ""
    assert 0 < len(spliced.copied) < spliced.probed.info.frames
    assert_right(spliced)
    assert_every_reader_agrees(spliced)
    content = spliced.result.read_bytes()
    assert b"GPS48" not in content
    if spliced.result.suffix != ".mkv":
        assert (content.count(b"hvc1"), content.count(b"hev1")) == (1, 0)
        assert content.count(b"hvcC") == 1
    assert audio(spliced.result) == audio(spliced.source)


def assert_every_reader_agrees(spliced: Spliced) -> None:
    """OpenCV, the ffmpeg program, and seeking find the frames of the source at their times."""
    count = spliced.probed.info.frames
    expected = [pts * spliced.probed.info.time_base for pts in spliced.probed.pts]
    assert decoded_by("hevc", spliced.result) == expected
    capture = cv2.VideoCapture(str(spliced.result))
    assert sum(1 for _ in iter(lambda: capture.read()[0], False)) == count
    assert bare_frames(spliced.result, spliced.result.parent, "hevc") == count
    with av.open(spliced.result) as container:
        stream = container.streams.video[0]
        keys = [p.pts for p in container.demux(stream) if p.size and p.is_keyframe]
        seen = {key * stream.time_base for key in keys}
        firsts = accumulate((segment.frames for segment in spliced.segments[:-1]), initial=0)
        assert {expected[first] for first in firsts} <= seen
        for key in keys:
            container.seek(key, stream=stream)
            assert next(container.decode(stream)).pts == key


@pytest.mark.skipif(DE265 is None, reason="apt-get install libde265-examples")
@pytest.mark.parametrize("kind", [kind for kind in SOURCES if kind != "slices"])
def test_a_decoder_of_other_makers_shows_the_same(
    kind: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    """Without several slices in a picture: libde265 shows those of x265 otherwise than FFmpeg."""
    result = spliced_of(kind, ffmpeg, tmp_path).result
    bare, raw = tmp_path / "bare.hevc", tmp_path / "raw.yuv"
    ffmpeg("-i", result, "-map", "0:v", "-c", "copy", bare)
    subprocess.run([str(DE265), "-q", "-o", raw, bare], check=True, capture_output=True)
    assert raw.read_bytes() == b"".join(picture.tobytes() for picture in pictures(result))


def test_a_source_with_the_small_buffer_of_a_camera(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    """Pictures that are predicted from one other; x265 asks for one more than a decoder holds."""
    options = "-kvazaar-params preset=ultrafast,period=12,gop=0,ref=1,tiles=2x1,owf=0"
    spliced = splice(make(tmp_path, ffmpeg, "s.mp4", options, "libkvazaar"), tmp_path, {13, 40})
    assert SmartCopy.of(spliced.probed.info).source.buffering == 2
    assert_spliced(spliced)


def test_copied_packets_are_those_of_the_source(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    spliced = spliced_of("b_frames", ffmpeg, tmp_path)
    found = []
    for path in (spliced.source, spliced.result):
        with av.open(path) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            found.append([bytes(p) for p in sorted(packets, key=lambda packet: packet.pts)])
    before, after = found
    assert [n for n in range(48) if before[n] == after[n]] == spliced.copied


@pytest.mark.parametrize("kind", WHOLE)
def test_what_cannot_be_spliced_is_encoded_whole_and_says_why(
    kind: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    name, options, reason = WHOLE[kind]
    spliced = splice(make(tmp_path, ffmpeg, name, options, "libx265"), tmp_path, {13})
    assert reason in spliced.probed.info.why_encoded
    assert spliced.copied == []
    assert len(pictures(spliced.result)) == spliced.probed.info.frames
    assert times(spliced.result) == times(spliced.source)


def test_another_codec_is_encoded_whole(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    name, options = SOURCES["b_frames"]
    source = make(tmp_path, ffmpeg, name, options, "libx265")
    info = index.scan(str(source), EncodeSettings(codec="h264")).info
    assert info.why_encoded == "it is hevc, and becomes h264"


def test_all_may_be_copied_or_all_be_encoded(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES["b_frames"], "libx265")
    for hidden, copied in ((set[int](), 48), (set(range(0, 48, 5)), 0)):
        spliced = splice(source, tmp_path, hidden)
        assert len(spliced.copied) == copied
        assert_right(spliced)


def test_hidden_pre_roll_is_never_copied(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    whole, cut = make(tmp_path, ffmpeg, *SOURCES["b_frames"], "libx265"), tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.65", "-i", whole, "-c", "copy", cut)
    spliced = splice(cut, tmp_path, ())
    assert 0 < len(spliced.copied) < spliced.probed.info.frames
    assert_right(spliced)
    assert len(pictures(spliced.result, ignore_editlist="1")) == spliced.probed.info.frames


@pytest.mark.slow
def test_what_a_detector_finds_is_hidden_and_all_else_is_exact(
    make_clip: MakeClip, tmp_path: Path
) -> None:
    """The magenta square leaves the picture after half of the frames."""
    gops = ["-c:v", "libx265", "-x265-params", "log-level=none:open-gop=0:keyint=15:min-keyint=15"]
    clip = make_clip(tmp_path / "in" / "a.mp4", *gops, frames=240)
    (video,) = listing.list_videos(str(clip), str(tmp_path / "out"))
    sections = {"detect": {"detectors": ["magenta"]}, "encode": {"preset": "ultrafast"}}
    done = run(Job.of(video, str(tmp_path / "out"), config.validate(sections)))
    result = Path(done.joined.output)
    segments = [segment for made in done.rendered for segment in made.segments]
    assert {segment.url is None for segment in segments} == {True, False}
    assert times(result) == times(clip)
    before, after = pictures(clip), pictures(result)
    first = 0
    for segment in segments:
        for number in range(first, first + segment.frames):
            assert (before[number] == after[number]).all() == (segment.url is None), number
        first += segment.frames
    assert first == 240


def test_the_encoder_goes_with_every_source_whatever_its_preset(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    presets = get_args(EncodeSettings.model_fields["preset"].annotation)
    for kind in ("b_frames", "no_b_frames", "references", "large_blocks", "ten_bit"):
        source = make(tmp_path, ffmpeg, *SOURCES[kind], "libx265")
        for preset in presets:
            info = index.scan(str(source), EncodeSettings(preset=preset)).info
            assert info.why_encoded == "", (kind, preset)


@pytest.mark.slow
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    suffix=st.sampled_from(["mp4", "ts", "mkv"]),
    gop=st.integers(2, 24),
    b_frames=st.integers(0, 5),
    pyramid=st.booleans(),
    references=st.integers(1, 6),
    ten_bit=st.booleans(),
    block=st.sampled_from([8, 16]),
    preset=st.sampled_from(["ultrafast", "veryfast", "medium"]),
    seconds=st.floats(0.01, 1.6),
    hidden=st.sets(st.integers(0, 47), max_size=6),
)
def test_any_source_of_x265_is_exact(
    suffix: str,
    gop: int,
    b_frames: int,
    pyramid: bool,
    references: int,
    ten_bit: bool,
    block: int,
    preset: str,
    seconds: float,
    hidden: set[int],
    ffmpeg: Ffmpeg,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    x265 = f"log-level=none:open-gop=0:keyint={gop}:min-keyint={gop}:scenecut=0:ref={references}"
    x265 += f":bframes={b_frames}:b-pyramid={int(pyramid)}:min-cu-size={block}"
    pixels = "yuv420p10le" if ten_bit else "yuv420p"
    options = f"-pix_fmt {pixels} -x265-params {x265}"
    source = make(folder, ffmpeg, f"s.{suffix}", options, "libx265")
    spliced = splice(source, folder, hidden, seconds, {"preset": preset})
    with_region = {number // gop for number in spliced.hidden}
    assert spliced.copied == [n for n in range(48) if n // gop not in with_region]
    assert_right(spliced)


def two_pictures_a_sample(ffmpeg: Ffmpeg, folder: Path, layer: int) -> Path:
    """Return a video in whose samples the slices of a second picture follow those of the first."""
    options = f"-an {CLOSED}:bframes=0"
    shown = make(folder, ffmpeg, "shown.mp4", options, "libx265")
    negative = make(folder, ffmpeg, "second.mp4", f"-vf negate {options}", "libx265")
    with av.open(negative) as container:
        second = [bytes(packet) for packet in container.demux(video=0) if packet.size]

    def with_second(number: int, packet: bytes) -> bytes:
        units = [u for u in nal.units(second[number], 4) if bitstream.kind(u) in bitstream.SLICES]
        return packet + nal.joined(bytes([u[0], u[1] | layer << 3]) + u[2:] for u in units)

    return remuxed(shown, folder / "two.mp4", with_second)


def test_a_picture_of_a_layer_that_no_decoder_shows_does_not_get_out(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    source = two_pictures_a_sample(ffmpeg, tmp_path, layer=1)
    assert len(pictures(source)) == 48
    spliced = splice(source, tmp_path, set())
    assert spliced.probed.info.why_encoded == "a picture has several layers"
    assert spliced.copied == []
    with av.open(spliced.result) as container:
        for packet in container.demux(video=0):
            for unit in nal.units(bytes(packet), 4) if packet.size else ():
                assert bitstream.layer(unit) == 0


def test_two_pictures_in_a_sample_are_not_copied(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = two_pictures_a_sample(ffmpeg, tmp_path, layer=0)
    info = index.scan(str(source), EncodeSettings()).info
    assert info.why_encoded == "a packet holds several pictures"
    spliced = splice(source, tmp_path, set())
    assert spliced.copied == []
    assert bare_frames(spliced.result, tmp_path, "hevc") == 48


def test_messages_of_dolby_vision_are_neither_copied_nor_announced(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    plain = make(tmp_path, ffmpeg, "plain.mp4", CLOSED, "libx265")
    message = bytes([62 << 1, 1]) + b"brightness of GPS48.8583" + b"\x80"
    told = remuxed(plain, tmp_path / "told.mp4", lambda _, packet: packet + nal.joined([message]))
    # Profile 8.4: its base layer is HLG (the specification of ISOBMFF boxes, 3.2).
    body = bytes([1, 0, 8 << 1, 4 << 3 | 0b101, 4 << 4]) + bytes(19)
    source = with_box(told, tmp_path / "s.mp4", (8 + len(body)).to_bytes(4) + b"dvvC" + body)
    for hidden in (set[int](), {13}):
        spliced = splice(source, tmp_path, hidden)
        assert spliced.probed.info.why_encoded == "its messages of Dolby Vision cannot be kept"
        content = spliced.result.read_bytes()
        assert b"GPS48.8583" not in content
        assert b"dvvC" not in content
    unannounced = splice(told, tmp_path / "unannounced", {13})
    assert unannounced.copied
    assert b"GPS48.8583" not in unannounced.result.read_bytes()


def with_box(path: Path, target: Path, box: bytes) -> Path:
    """Add a box to the description of a video's samples, which lie before it in the file."""
    data = bytearray(path.read_bytes())
    end = 0
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hev1"):
        at = data.index(kind, end) - 4
        size, end = int.from_bytes(data[at : at + 4]), at + 4
        data[at : at + 4] = (size + len(box)).to_bytes(4)
    data[at + size : at + size] = box
    target.write_bytes(data)
    return target


class TestSurvey:
    """Packets that rule out copying, wherever they are."""

    @pytest.fixture
    def source(self, ffmpeg: Ffmpeg, tmp_path: Path) -> Path:
        return make(tmp_path, ffmpeg, *SOURCES["b_frames"], "libx265")

    def survey(self, source: Path, change: Callable[[int, bytes], bytes]) -> str:
        with av.open(source) as container:
            survey = Survey(container.streams.video[0])
            packets = [packet for packet in container.demux(video=0) if packet.size]
            for number, packet in enumerate(packets):
                other = av.Packet(change(number, bytes(packet)))
                other.pts, other.is_keyframe = packet.pts, packet.is_keyframe
                survey.add(other)
            return survey.why_not

    def test_what_is_right(self, source: Path) -> None:
        assert self.survey(source, lambda _, packet: packet) == ""

    def test_an_idr_picture_that_discards_others(self, source: Path) -> None:
        def discarding(number: int, packet: bytes) -> bytes:
            units = nal.units(packet, 4)
            if number != 24:
                return packet
            return nal.joined(
                bytes([*unit[:2], unit[2] | 0x40, *unit[3:]])
                if bitstream.kind(unit) in bitstream.IDR
                else unit
                for unit in units
            )

        assert "discards frames before it" in self.survey(source, discarding)

    def test_parameter_sets_that_change(self, source: Path) -> None:
        other = nal.joined([sets("ref=1")[1] + b"\1"])
        found = self.survey(source, lambda number, packet: other * (number == 24) + packet)
        assert found == "its parameter sets change"

    def test_a_packet_without_a_picture(self, source: Path) -> None:
        delimiter = nal.joined([bytes([35 << 1, 1, 0x50])])
        found = self.survey(source, lambda number, packet: delimiter if number == 5 else packet)
        assert found == "a packet holds no picture"


class TestSets:
    """Parameter sets of two makers in one record."""

    def test_all_have_ids_of_their_own(self) -> None:
        splice = SmartCopy(record(sets()))
        merged = bitstream.parameter_sets(splice.merged(record(sets("bframes=0"))))
        kinds = [bitstream.kind(unit) for unit in merged]
        assert kinds == sorted([*bitstream.SETS] * 2)
        assert [parameter_sets.video_id(unit) for unit in merged[:2]] == [0, 1]
        found = [parameter_sets.sequence(unit) for unit in merged[2:4]]
        assert [(sequence.id, sequence.video) for sequence in found] == [(0, 0), (1, 1)]
        assert [parameter_sets.picture_ids(unit) for unit in merged[4:]] == [(0, 0), (15, 1)]

    def test_no_id_is_free(self) -> None:
        video, sequence, picture = sets()
        full = [parameter_sets.renumbered(picture, number, 0) for number in range(64)]
        assert SmartCopy(record([video, sequence, *full])).ids is None

    def test_sets_that_do_not_belong_together(self) -> None:
        video, sequence, picture = sets()
        stray = parameter_sets.renumbered(picture, 3, 2)
        for found, reason in (
            ([video, sequence, picture], "it has no packet"),
            ([video, sequence, stray], "do not belong together"),
            ([sequence, picture], "not exactly one"),
            ([video, sequence, *sets("sao=0")[1:]], "not exactly one"),
        ):
            assert reason in why_not(record(found))
        assert "not a row of whole" in why_not(b"")

    def test_an_encoder_that_does_not_fit_is_refused(self) -> None:
        splice = SmartCopy(record(sets("bframes=3:ref=2")))
        assert splice.source.buffering == 5
        for wrong in (sets("ref=6"), sets(size=(160, 112)), sets(pix_fmt="yuv420p10le")):
            with pytest.raises(ValueError, match="do not go with the source's"):
                splice.merged(record(wrong))

    def test_a_larger_buffer_fits_where_no_frame_waits_to_be_shown(self) -> None:
        splice = SmartCopy(record(sets("bframes=0:ref=1")))
        merged = bitstream.parameter_sets(splice.merged(record(sets("bframes=0:ref=4"))))
        assert [parameter_sets.sequence(unit).buffering for unit in merged[2:4]] == [3, 5]


def why_not(extradata: bytes) -> str:
    context = SimpleNamespace(name="hevc", extradata=extradata)
    return Survey(cast("Any", SimpleNamespace(codec_context=context))).why_not


def test_what_must_not_be_copied_is_refused() -> None:
    extradata = record(sets())
    with pytest.raises(ValueError, match="holds 0 pictures"):
        cleaned(av.Packet(nal.joined([bytes([35 << 1, 1, 0x50])])), extradata, user_data=False)
    hidden = av.Packet(b"")
    hidden.is_corrupt = True
    with pytest.raises(ValueError, match="hidden or corrupt"):
        cleaned(hidden, extradata, user_data=False)
    assert smart_copy.whole(extradata) == extradata
