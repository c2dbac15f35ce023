"""Clips of many kinds, decoded and remade without Dask."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Container, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from fixture_types import Chunked, Encoded, Ffmpeg, Joined, MakeClip, OfKind, Sequential, Shown
from footage import UNEVEN

from redact_dask.config import EncodeSettings, OutputSettings
from redact_dask.media import index, mux
from redact_dask.media.decode import frames
from redact_dask.media.encode import Encoder
from redact_dask.records import Footage, Segment

ENCODE = EncodeSettings(preset="ultrafast")

X265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=12:min-keyint=12"

# Name of the file, and how ffmpeg makes it of the plain one: before and after the input.
KINDS: dict[str, tuple[str, str, str]] = {
    "rotated": ("rotated.mp4", "-display_rotation 90", "-c copy"),
    "pre_roll": ("pre_roll.mp4", "-ss 0.65", "-c copy"),
    "matroska": ("plain.mkv", "", "-c copy"),
    "transport": ("plain.ts", "", "-c copy"),
    "fragmented": ("fragmented.mp4", "", "-c copy -movflags frag_keyframe+empty_moov"),
    "open_gop": (
        "open_gop.mp4",
        "",
        "-x264-params open-gop=1:keyint=12:min-keyint=12:scenecut=0:bframes=3:b-adapt=0 -c:a copy",
    ),
    "variable_rate": (
        "variable_rate.mp4",
        "",
        f'-vf "setpts={UNEVEN}" -fps_mode vfr -enc_time_base 1:90000 -g 12 -c:a copy',
    ),
    "hevc": ("hevc.mp4", "", f"{X265} -c:a copy"),
    "hevc_open_gop": (
        "hevc_open_gop.mkv",
        "",
        f"{X265}:open-gop=1 -c:a copy",
    ),
    "mpeg4": ("mpeg4.mp4", "", "-c:v mpeg4 -bf 2 -g 12 -c:a copy"),
    "mpeg2": ("mpeg2.ts", "", "-c:v mpeg2video -bf 2 -g 12 -c:a mp2"),
    "motion_jpeg": ("motion_jpeg.avi", "", "-c:v mjpeg -q:v 3 -c:a pcm_s16le"),
    "ten_bit": ("ten_bit.mp4", "", "-pix_fmt yuv420p10le -g 12 -c:a copy"),
    "odd_size": ("odd_size.mp4", "", "-vf scale=131:97 -pix_fmt yuv444p -g 12 -c:a copy"),
    "flash": ("flash.flv", "", "-c:v libx264 -bf 2 -g 12 -c:a copy"),
    "program_stream": ("mpeg2.vob", "", "-c:v mpeg2video -bf 2 -g 12 -c:a ac3"),
    "windows_media": ("windows_media.wmv", "", "-c:v wmv2 -g 12 -an"),
    "advanced_systems": ("msmpeg4.asf", "", "-c:v msmpeg4 -g 12 -an"),
    "ogg": ("theora.ogv", "", "-c:v libtheora -g 12 -c:a libvorbis"),
    "silent": ("silent.mov", "", "-an -c copy"),
}


@pytest.fixture(scope="session")
def plain(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 frames of 160x90 with B-frames, four GOPs, and audio."""
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    return make_clip(path, "-s", "160x90", frames=48, keyframes=12)


@pytest.fixture(scope="session")
def of_kind(plain: Path, ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> OfKind:
    """Give a clip of one of `KINDS`, or the plain one."""
    folder = tmp_path_factory.mktemp("kinds")

    def give(kind: str) -> Path:
        if kind == "plain":
            return plain
        name, before, after = KINDS[kind]
        path = folder / name
        if not path.exists():
            ffmpeg(*before.split(), "-i", plain, *shlex.split(after), path)
        return path

    return give


@pytest.fixture(scope="session", params=["plain", *KINDS])
def any_kind(request: pytest.FixtureRequest, of_kind: OfKind) -> Path:
    """Each kind of clip in turn."""
    return of_kind(request.param)


def _seen(frame: VideoFrame) -> tuple[int | None, str]:
    digest = hashlib.sha256()
    for plane in frame.planes:
        bytes_wide = plane.width * (2 if frame.format.components[0].bits > 8 else 1)
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        digest.update(rows[:, :bytes_wide].tobytes())
    return frame.pts, digest.hexdigest()


@pytest.fixture(scope="session")
def sequential() -> Sequential:
    """Decode a whole video from its start, with nothing but PyAV."""

    def decode(path: Path) -> Shown:
        with av.open(path) as container:
            return [_seen(frame) for frame in container.decode(video=0)]

    return decode


@pytest.fixture(scope="session")
def chunked() -> Chunked:
    """Decode a video chunk by chunk, the last chunk first."""

    def decode(url: str | Path, seconds: float) -> Shown:
        scanned = index.scan(str(url), ENCODE)
        decoded = [
            [_seen(frame) for frame in frames(str(url), scanned.info, chunk)]
            for chunk in reversed(scanned.chunks(seconds))
        ]
        return [frame for chunk in reversed(decoded) for frame in chunk]

    return decode


@pytest.fixture(scope="session")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Encoded:
    """Encode a video, chunk by chunk, and give the segments that it is joined from.

    Chunks whose number is in ``copied`` will be copied.
    """

    def encode(url: str | Path, seconds: float, copied: Container[int] = ()) -> list[Segment]:
        folder = tmp_path_factory.mktemp("segments")
        scanned = index.scan(str(url), ENCODE)
        segments = []
        for chunk in scanned.chunks(seconds):
            if chunk.index in copied:
                depth = scanned.info.reorder_depth
                segments.append(Segment(len(chunk.pts), chunk.start, None, depth))
                continue
            path = folder / f"{chunk.index}.mkv"
            with path.open("wb") as file:
                encoder = Encoder(scanned.info, ENCODE, file)
                for frame in frames(str(url), scanned.info, chunk):
                    encoder.add(frame)
                segment = encoder.finish()
            segments.append(Segment(segment.frames, chunk.start, str(path), segment.reorder_depth))
        return segments

    return encode


@pytest.fixture(scope="session")
def joined(encoded: Encoded) -> Joined:
    """Encode a video chunk by chunk and join it; ``pts`` replaces the source's."""

    def join(
        url: str | Path,
        path: Path,
        seconds: float = 0.3,
        pts: Sequence[int] | None = None,
        copied: Container[int] = (),
    ) -> Path:
        scanned = index.scan(str(url), ENCODE)
        segments = encoded(url, seconds, copied)
        footage = Footage(tuple(segments), pts or scanned.pts, scanned.info)
        mux.write(path, [footage], str(url), OutputSettings())
        return path

    return join
