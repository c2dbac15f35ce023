"""The codec of a copy is the source's own, and nothing comes along but pictures and their looks."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import PictureType, VideoFrame
from fixture_types import Ffmpeg
from splicing import make, remuxed, splice
from streams import HD

from redact_dask.config import EncodeSettings
from redact_dask.media import nal
from redact_dask.media.encode import Encoder, codec_of
from redact_dask.media.hevc import bitstream
from redact_dask.records import Appearance, Fields
from redact_dask.redaction import hide

HDR = "hdr10=1:max-cll=1000,400"
DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
BT2020 = "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc"
UUID = "086f3693b7b34f2c965321492feee5b8"


@pytest.mark.parametrize(
    ("source", "wanted", "codec"),
    [
        ({}, "auto", "h264"),
        ({"pixel_format": "yuv420p10le"}, "auto", "h264"),
        ({"codec": "hevc"}, "auto", "hevc"),
        ({"codec": "hevc"}, "h264", "h264"),
        ({}, "hevc", "hevc"),
        ({"codec": "vp9"}, "auto", "h264"),
        ({"codec": "vp9", "pixel_format": "yuv420p10le"}, "auto", "hevc"),
        ({"codec": "prores", "pixel_format": "yuv422p10le"}, "auto", "h264"),
        ({"codec": "hevc", "fields": Fields.TOP_FIRST}, "hevc", "h264"),
        ({"codec": "hevc", "appearance": Appearance(stereo=(1,))}, "hevc", "h264"),
        ({"codec": "hevc", "height": 62}, "auto", "h264"),
    ],
)
def test_the_codec_is_the_sources_or_the_one_that_more_devices_play(
    source: dict[str, Any], wanted: Any, codec: str
) -> None:
    assert codec_of(replace(HD, **source), EncodeSettings(codec=wanted)) == codec


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le", "yuvj420p", "yuv422p", "yuv444p10le"])
@pytest.mark.parametrize("size", [(64, 64), (66, 98), (176, 144)])
def test_any_size_is_encoded_as_hevc(pixels: str, size: tuple[int, int]) -> None:
    width, height = size
    info = replace(HD, width=width, height=height, pixel_format=pixels, why_encoded="it is vp9")
    file = io.BytesIO()
    encoder = Encoder(info, EncodeSettings(codec="hevc", preset="ultrafast"), file)
    for _ in range(5):
        encoder.add(hide.black(info))
    assert encoder.finish().frames == 5
    file.seek(0)
    with av.open(file) as container:
        shown = [(f.width, f.height, f.format.name) for f in container.decode(video=0)]
        assert shown == [(width, height, pixels)] * 5


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_an_encoded_copy_of_hevc_is_hevc(suffix: str, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    options = f"-x265-params log-level=none:keyint=12:open-gop=1:{HDR}"
    source = make(tmp_path, ffmpeg, f"s.{suffix}", options, "libx265")
    result = splice(source, tmp_path, {13, 14, 40}, encode={"copy": "never"}).result
    content = result.read_bytes()
    assert b"x265" not in content
    assert (b"hvc1" in content, b"hev1" in content) == (suffix != "mkv", False)
    with av.open(result) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.profile) == ("hevc", "Main")
        packets = [packet for packet in container.demux(stream) if packet.size]
    assert len(packets) == 48
    for packet in packets:
        kinds = {bitstream.kind(unit) for unit in nal.units(bytes(packet), 4)}
        assert kinds <= {bitstream.SEI, *bitstream.SLICES}
        assert packet.is_keyframe == bool(kinds & {*bitstream.IDR})


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("copying", ["auto", "never"])
def test_ten_bit_with_a_high_range_stays_as_it_was_graded(
    suffix: str, copying: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    graded = f"keyint=12:open-gop=0:{HDR}:master-display={DISPLAY}"
    options = f"-pix_fmt yuv420p10le {BT2020} -x265-params log-level=none:{graded}"
    source = make(tmp_path, ffmpeg, f"s.{suffix}", options, "libx265")
    result = splice(source, tmp_path, {13, 14, 40}, encode={"copy": copying}).result
    before, after = first_frame(source), first_frame(result)
    assert before.side_data.get("CONTENT_LIGHT_LEVEL")
    for name in ("CONTENT_LIGHT_LEVEL", "MASTERING_DISPLAY_METADATA"):
        assert bytes(after.side_data.get(name)) == bytes(before.side_data.get(name))
    for name in ("format.name", "color_primaries", "color_trc", "colorspace", "color_range"):
        one, other = before, after
        for part in name.split("."):
            one, other = getattr(one, part), getattr(other, part)
        assert one == other
    with av.open(result) as container:
        assert container.streams.video[0].profile == "Main 10"
        # What tells of the display comes with each GOP: a player may begin anywhere.
        for packet in container.demux(video=0):
            if packet.is_keyframe:
                units = nal.units(bytes(packet), 4)
                assert sum(bitstream.kind(unit) == bitstream.SEI for unit in units) == 2


def test_user_data_of_hevc_is_kept_only_on_request(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    options = "-x265-params log-level=none:keyint=12:open-gop=0"
    plain = make(tmp_path, ffmpeg, "plain.mp4", options, "libx265")
    message = bytes.fromhex(UUID) + b"GPS48.8583"
    unit = bytes([bitstream.SEI << 1, 1, 5, len(message)]) + message + b"\x80"
    source = remuxed(
        plain, tmp_path / "s.mp4", lambda _, packet: len(unit).to_bytes(4) + unit + packet
    )
    for copying in ("auto", "never"):
        for keep in ((), ("user_data",)):
            folder = tmp_path / f"{copying}{len(keep)}"
            result = splice(source, folder, {13}, encode={"copy": copying}, keep=keep).result
            assert result.read_bytes().count(b"GPS48.8583") == (48 if keep else 0)


def first_frame(path: Path) -> Any:
    with av.open(path) as container:
        return next(container.decode(video=0))


def test_the_default_preset_weighs_no_b_frames() -> None:
    """Where a picture pans, x264 would take P-frames, after it has looked for what pays."""
    info = replace(HD, width=320, height=192, why_encoded="it is vp9")
    wide = np.random.default_rng(0).integers(0, 255, (192, 440), dtype=np.uint8)
    file = io.BytesIO()
    encoder = Encoder(info, EncodeSettings(), file)
    for left in range(0, 63, 7):
        planes = np.full((288, 320), 128, np.uint8)
        planes[:192] = wide[:, left : left + 320]
        encoder.add(VideoFrame.from_ndarray(planes, format="yuv420p"))
    encoder.finish()
    file.seek(0)
    with av.open(file) as segment:
        kinds = [PictureType(frame.pict_type) for frame in segment.decode(video=0)]
    i, p, b = PictureType.I, PictureType.P, PictureType.B
    assert kinds == [i, b, b, b, p, b, b, b, p]
