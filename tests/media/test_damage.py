"""What is damaged or no video at all ends with a clear sentence, never with a short result."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from decoded import places
from fixture_types import Chunked, Ffmpeg, OfKind

from redact_dask.config import EncodeSettings
from redact_dask.errors import DamagedVideo, UnsupportedVideo
from redact_dask.media import index
from redact_dask.media.decode import frames
from redact_dask.media.encode import Encoder


def test_text_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("notes\n" * 100)
    with pytest.raises(UnsupportedVideo, match="cannot be opened as a video"):
        index.scan(str(path), EncodeSettings())


def test_an_empty_file_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(UnsupportedVideo, match="cannot be opened as a video"):
        index.scan(str(path), EncodeSettings())


def test_a_play_list_cannot_pull_in_other_files(plain: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    shutil.copy(plain, tmp_path / "other.mp4")
    with pytest.raises(UnsupportedVideo, match="cannot be opened as a video"):
        index.scan(str(path), EncodeSettings())


def test_audio_alone_is_no_video(plain: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    path = tmp_path / "audio.mp4"
    ffmpeg("-i", plain, "-vn", "-c", "copy", path)
    with pytest.raises(UnsupportedVideo, match="has no video stream"):
        index.scan(str(path), EncodeSettings())


def test_a_cover_picture_is_no_video(plain: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    path, cover = tmp_path / "song.mp4", tmp_path / "cover.png"
    ffmpeg("-i", plain, "-frames:v", "1", cover)
    maps = ["-map", "0:a", "-map", "1:v", "-c", "copy", "-disposition:v:0", "attached_pic"]
    ffmpeg("-i", plain, "-i", cover, *maps, path)
    with pytest.raises(UnsupportedVideo, match="has no video stream"):
        index.scan(str(path), EncodeSettings())


@pytest.mark.parametrize("place", range(3, 48, 9))
def test_a_flipped_bit_never_makes_the_result_short(
    place: int, plain: Path, chunked: Chunked, tmp_path: Path
) -> None:
    content = bytearray(plain.read_bytes())
    at, size = places(plain)[place]
    content[at + size // 2] ^= 0x10
    path = tmp_path / "flipped.mp4"
    path.write_bytes(content)
    try:
        decoded = chunked(path, 0.3)
    except DamagedVideo:
        return
    assert len(decoded) == 48  # what decodes without complaint, however strange, is complete


def test_a_destroyed_packet_is_found(plain: Path, chunked: Chunked, tmp_path: Path) -> None:
    content = bytearray(plain.read_bytes())
    at, size = places(plain)[30]
    content[at + size // 2 : at + size] = bytes(size - size // 2)
    path = tmp_path / "destroyed.mp4"
    path.write_bytes(content)
    with pytest.raises(DamagedVideo, match=r"is damaged|does not decode|is missing"):
        chunked(path, 0.3)


def test_a_file_without_its_index_cannot_be_opened(plain: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(plain.read_bytes()[:-5000])
    with pytest.raises(UnsupportedVideo, match="cannot be opened as a video"):
        index.scan(str(path), EncodeSettings())


@pytest.mark.parametrize(("beyond", "sentence"), [(0, "of 48 frames .* 20 are"), (99, "corrupt")])
def test_a_file_that_holds_less_than_its_index_says_is_cut_short(
    beyond: int, sentence: str, plain: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = tmp_path / "index_first.mp4"
    ffmpeg("-i", plain, "-c", "copy", "-movflags", "+faststart", path)
    place, _ = places(path)[20]
    path.write_bytes(path.read_bytes()[: place + beyond])
    with pytest.raises(DamagedVideo, match=sentence):
        index.scan(str(path), EncodeSettings())


def test_a_hole_in_a_transport_stream_is_found(
    of_kind: OfKind, chunked: Chunked, tmp_path: Path
) -> None:
    content = of_kind("transport").read_bytes()
    middle = len(content) // 2 // 188 * 188
    path = tmp_path / "hole.ts"
    path.write_bytes(content[:middle] + content[middle + 20 * 188 :])
    with pytest.raises(DamagedVideo, match=r"is corrupt|is damaged|is missing"):
        chunked(path, 0.3)


@pytest.mark.parametrize(
    ("offset", "sentence"),
    [("0", "its clock starts again at frame"), ("3", "is missing|the picture changes|not decode")],
)
def test_a_change_of_size_is_found(
    offset: str, sentence: str, plain: Path, ffmpeg: Ffmpeg, chunked: Chunked, tmp_path: Path
) -> None:
    first, second, both = (tmp_path / name for name in ("first.ts", "second.ts", "both.ts"))
    ffmpeg("-i", plain, "-an", "-c", "copy", first)
    # Continued counters make the seam a clean one: the size is all that changes.
    ffmpeg("-i", plain, "-an", "-s", "128x72", "-g", "12", "-output_ts_offset", offset, second)
    both.write_bytes(_renumbered(first.read_bytes() + second.read_bytes()))
    with pytest.raises((DamagedVideo, UnsupportedVideo), match=sentence):
        chunked(both, 1000)


def test_pictures_must_keep_size_and_pixel_format(plain: Path) -> None:
    scanned = index.scan(str(plain), EncodeSettings())
    (chunk,) = scanned.chunks(1000)
    for other in (replace(scanned.info, width=176), replace(scanned.info, pixel_format="gray")):
        with pytest.raises(UnsupportedVideo, match="the picture changes from"):
            next(frames(str(plain), other, chunk))


def test_a_size_that_h264_cannot_have_is_refused(
    plain: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = tmp_path / "odd.avi"
    ffmpeg("-i", plain, "-an", "-s", "131x97", "-c:v", "mjpeg", path)
    with pytest.raises(UnsupportedVideo, match="know no size 131x97 in yuvj420p"):
        Encoder(index.scan(str(path), EncodeSettings()).info, EncodeSettings(), io.BytesIO())


def test_a_pixel_format_that_cannot_be_kept_is_refused(
    plain: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = tmp_path / "colours.mkv"
    ffmpeg("-i", plain, "-an", "-c:v", "ffv1", "-pix_fmt", "bgr0", path)
    with pytest.raises(UnsupportedVideo, match="pixel format bgr0 cannot be encoded"):
        Encoder(index.scan(str(path), EncodeSettings()).info, EncodeSettings(), io.BytesIO())


def _renumbered(content: bytes) -> bytes:
    """Give the packets of a transport stream counters without a jump (ISO/IEC 13818-1, 2.4.3.2)."""
    packets = [bytearray(content[at : at + 188]) for at in range(0, len(content), 188)]
    counters: dict[int, int] = {}
    for packet in packets:
        identifier = int.from_bytes(packet[1:3], "big") & 0x1FFF
        if packet[3] & 0x10:  # it has a payload, so it counts
            counters[identifier] = (counters.get(identifier, -1) + 1) % 16
        packet[3] = packet[3] & 0xF0 | counters.get(identifier, 0)
    return b"".join(packets)
