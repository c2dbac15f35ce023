"""Ugly videos in one folder, in one run: each comes back exact, or ends in a named failure."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from decoded import audio, pictures, places, times
from distributed import Client
from fixture_types import Ffmpeg, MakeClip
from footage import COLOURS, UNEVEN
from magenta import MAGENTA, excess

import redact_dask
from redact_dask import Summary, manifest

Make = Callable[[Path, Ffmpeg, Path], None]
"""Makes a video of the plain one."""

CONFIG = MAGENTA | {"chunk": {"seconds": 0.5}, "redact": {"style": "solid"}}
FRAMES = 45
"""Frames of the plain video: three GOPs."""
X264 = "-c:v libx264 -preset veryfast -g 15"
INTERLACED = f"{X264} -vf tinterlace=4,setsar=4/3 -flags +ildct+ilme -x264-params tff=1"


def by_ffmpeg(after: str, before: str = "") -> Make:
    """Make it with ffmpeg's options before and after the input."""

    def make(plain: Path, ffmpeg: Ffmpeg, path: Path) -> None:
        ffmpeg(*shlex.split(before), "-i", plain, *shlex.split(after), path)

    return make


def of_frames(pixels: str, options: str) -> Make:
    return by_ffmpeg(f"-pix_fmt {pixels} {X264} -sc_threshold 0 {options}")


EXACT: dict[str, tuple[str, Make]] = {
    "plain": ("plain.mp4", by_ffmpeg("-c copy")),
    "variable rate": (
        "variable.mp4",
        by_ffmpeg(f'-vf "setpts={UNEVEN}" -fps_mode vfr -enc_time_base 1:90000 {X264} -c:a copy'),
    ),
    "open GOP": (
        "open_gop.mp4",
        by_ffmpeg(
            f"{X264} -x264-params open-gop=1:min-keyint=15:scenecut=0:bframes=3:b-adapt=0 -c:a copy"
        ),
    ),
    "edit list": ("edit_list.mp4", by_ffmpeg("-c copy", "-ss 0.7")),
    "fragmented": ("fragmented.mp4", by_ffmpeg("-c copy -movflags frag_keyframe+empty_moov")),
    "MOV": ("quicktime.mov", by_ffmpeg("-c copy")),
    "transport stream": ("transport.ts", by_ffmpeg("-c copy")),
    "Matroska": ("matroska.mkv", by_ffmpeg("-c copy")),
    "rotation": ("rotated.mp4", by_ffmpeg("-c copy", "-display_rotation 90")),
    "Motion JPEG and PCM in AVI": (
        "jpeg.avi",
        by_ffmpeg("-c:v mjpeg -q:v 3 -c:a pcm_s16le"),
    ),
    "interlaced, wide pixels": ("interlaced.mp4", by_ffmpeg(f"{INTERLACED} -c:a copy")),
    "wide pixels by the container": ("aspect.mp4", by_ffmpeg("-c copy -aspect 2:1")),
    "colour tags": ("colours.mp4", by_ffmpeg(f"-vf setparams={COLOURS} {X264} -c:a copy")),
    "10 bit": ("ten_bit.mp4", of_frames("yuv420p10le", "-c:a copy")),
    "size no macroblock divides": ("odd_size.mp4", of_frames("yuv420p", "-s 642x362 -c:a copy")),
    "odd size": ("odder_size.mkv", of_frames("yuv444p", "-s 321x181 -c:a copy")),
    "HEVC": (
        "hevc.mp4",
        by_ffmpeg(
            "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=15:crf=16 -c:a copy"
        ),
    ),
    "HEVC 10 bit": (
        "hevc10.mkv",
        by_ffmpeg(
            "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le "
            "-x265-params log-level=none:keyint=15:crf=16 -c:a copy"
        ),
    ),
    "MPEG-4": ("mpeg4.mp4", by_ffmpeg("-c:v mpeg4 -q:v 3 -bf 2 -g 15 -c:a copy")),
    "two audio tracks": (
        "two_tracks.mp4",
        by_ffmpeg("-map 0 -map 0:a -c:v copy -c:a:0 copy -c:a:1 ac3"),
    ),
    "silent": ("silent.mp4", by_ffmpeg("-an -c copy")),
}
"""What must come back exact, how it is named and made."""

RAW: dict[str, tuple[str, Make]] = {
    "raw H.264": ("raw.h264", by_ffmpeg(f"-an {X264} -bf 3 -x264-params b-pyramid=normal")),
    "raw HEVC": (
        "raw.hevc",
        by_ffmpeg(
            "-an -c:v libx265 -preset ultrafast "
            "-x265-params log-level=none:keyint=15:bframes=3:crf=12"
        ),
    ),
}
"""What has no timestamps: it gets them from its frame rate."""


def cut_at(share: float, options: str) -> Make:
    """Make it with ffmpeg, and keep only the first bytes."""

    def make(plain: Path, ffmpeg: Ffmpeg, path: Path) -> None:
        by_ffmpeg(options)(plain, ffmpeg, path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return make


def without_packets(plain: Path, ffmpeg: Ffmpeg, path: Path) -> None:
    """Make a transport stream with a hole in its middle."""
    by_ffmpeg("-c copy")(plain, ffmpeg, path)
    content = path.read_bytes()
    middle = len(content) // 2 // 188 * 188
    path.write_bytes(content[:middle] + content[middle + 12 * 188 :])


def without_its_beginning(plain: Path, ffmpeg: Ffmpeg, path: Path) -> None:
    """Make a transport stream that begins inside a GOP, as a recorder's ring buffer does."""
    by_ffmpeg("-an -c copy")(plain, ffmpeg, path)
    begins, _ = places(path)[4]
    path.write_bytes(path.read_bytes()[begins:])


def with_flipped_bits(plain: Path, ffmpeg: Ffmpeg, path: Path) -> None:
    """Destroy the second half of a picture in the third GOP."""
    by_ffmpeg("-c copy")(plain, ffmpeg, path)
    place, size = places(path)[33]
    content = bytearray(path.read_bytes())
    content[place + size // 2 : place + size] = bytes(size - size // 2)
    path.write_bytes(content)


def with_a_change_of_size(plain: Path, ffmpeg: Ffmpeg, path: Path) -> None:
    """Put two transport streams of different sizes one behind the other."""
    first, second = path.with_suffix(".1"), path.with_suffix(".2")
    ffmpeg("-i", plain, "-an", "-c", "copy", "-f", "mpegts", first)
    small = [
        "-an",
        "-s",
        "160x90",
        "-c:v",
        "libx264",
        "-g",
        "15",
        "-output_ts_offset",
        "3",
        "-f",
        "mpegts",
    ]
    ffmpeg("-i", plain, *small, second)
    path.write_bytes(first.read_bytes() + second.read_bytes())
    first.unlink()
    second.unlink()


def as_text(plain: Path, ffmpeg: Ffmpeg, path: Path) -> None:
    path.write_text("not a video\n")


FAILED: dict[str, tuple[str, Make, str]] = {
    "index missing": ("no_index.mp4", cut_at(0.8, "-c copy"), "cannot be opened as a video"),
    "audio only": ("audio.mp4", by_ffmpeg("-vn -c copy"), "has no video stream"),
    "zero frames": (
        "empty.mkv",
        by_ffmpeg("-an -c:v libx264 -frames:v 0"),
        "cannot be opened|no frame",
    ),
    "text": ("text.mp4", as_text, "cannot be opened as a video"),
    "a change of size": (
        "resized.ts",
        with_a_change_of_size,
        "picture changes from|is corrupt",
    ),
}
"""What nobody can save, with what the failure says."""

DAMAGED: dict[str, tuple[str, Make, str]] = {
    "bit flips": ("flipped.mp4", with_flipped_bits, "is damaged|does not decode"),
    "fragmented and cut": (
        "cut_fragments.mp4",
        cut_at(0.6, "-c copy -movflags frag_keyframe+empty_moov"),
        "cut short|corrupt",
    ),
    "index in front, cut": (
        "cut_behind_index.mp4",
        cut_at(0.6, "-c copy -movflags +faststart"),
        "cut short|corrupt",
    ),
    "transport stream, cut": ("cut.ts", cut_at(0.6, "-c copy"), "corrupt|damaged|not decode"),
    "transport stream with a hole": ("hole.ts", without_packets, "corrupt|damaged|missing"),
    "without its beginning": (
        "beheaded.ts",
        without_its_beginning,
        "begin with a keyframe|corrupt|missing",
    ),
}
"""What is quarantined, or salvaged if that is asked for, with what is said."""


@dataclass(frozen=True)
class Run:
    """A run over all ugly videos."""

    source: Path
    output: Path
    summary: Summary

    def reason(self, name: str) -> str:
        """Return why a video was quarantined."""
        return next(failure.reason for failure in self.summary.failures if failure.path == name)

    def copy(self, name: str) -> Path:
        """Return the only file that a video was published as."""
        found = [path for path in self.output.glob(f"{name}*") if path.is_file()]
        (path,) = found
        return path

    def rows(self, dataset: str, name: str) -> list[dict[str, Any]]:
        """Return the manifest's rows of one video."""
        root = str(self.output / "_manifest")
        videos = manifest.read(root, "videos", ["video", "source"]).to_pylist()
        (video,) = (row["video"] for row in videos if row["source"].endswith(f"/{name}"))
        return [row for row in manifest.read(root, dataset).to_pylist() if row["video"] == video]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip, ffmpeg: Ffmpeg) -> Path:
    folder = tmp_path_factory.mktemp("nasty")
    plain = make_clip(folder / "plain" / "plain.mp4", frames=FRAMES)
    source = folder / "fleet"
    source.mkdir()
    for name, make, *_ in (*EXACT.values(), *RAW.values(), *FAILED.values(), *DAMAGED.values()):
        make(plain, ffmpeg, source / name)
    return source


@pytest.fixture(scope="module")
def run(fleet: Path, tmp_path_factory: pytest.TempPathFactory, client: Client) -> Run:
    """Redact them all with the default policy."""
    output = tmp_path_factory.mktemp("redacted")
    return Run(fleet, output, redact_dask.redact(fleet, output, CONFIG, client))


@pytest.fixture(scope="module")
def salvage(fleet: Path, tmp_path_factory: pytest.TempPathFactory, client: Client) -> Run:
    """Redact what is damaged, and what is hopeless, with the other policy."""
    source, output = tmp_path_factory.mktemp("damaged"), tmp_path_factory.mktemp("salvaged")
    for name, *_ in (*FAILED.values(), *DAMAGED.values()):
        shutil.copy2(fleet / name, source / name)
    config = CONFIG | {"on_damage": "salvage"}
    return Run(source, output, redact_dask.redact(source, output, config, client))


@pytest.mark.parametrize("kind", EXACT)
def test_comes_back_exact(kind: str, run: Run) -> None:
    name, _ = EXACT[kind]
    source, result = run.source / name, run.copy(name)
    assert times(result) == times(source)
    assert audio(result) == audio(source)
    assert looks(result) == looks(source)
    assert not shows_magenta(result)
    (video,) = run.rows("videos", name)
    assert (video["status"], video["frames"]) == ("published", len(times(source)))


@pytest.mark.parametrize("kind", RAW)
def test_a_raw_stream_gets_the_times_of_its_frame_rate(kind: str, run: Run) -> None:
    name, _ = RAW[kind]
    result = run.copy(name)
    assert times(result) == [Fraction(n, 30) for n in range(FRAMES)]
    assert not shows_magenta(result)
    middles = [mean_x(picture) for picture in pictures(run.source / "plain.mp4", "rgb24")]
    hidden = run.rows("regions", name)
    assert [row["frame"] for row in hidden] == list(range(FRAMES)), "in the order they are shown"
    for row, x in zip(hidden, middles, strict=True):
        assert (row["x0"] + row["x1"]) / 2 == pytest.approx(x, abs=3)


@pytest.mark.parametrize("kind", [*FAILED, *DAMAGED])
def test_ends_in_a_named_failure(kind: str, run: Run) -> None:
    name, _, sentence = (FAILED | DAMAGED)[kind]
    assert any(part in run.reason(name) for part in sentence.split("|")), run.reason(name)
    assert not list(run.output.glob(f"{name}*"))
    (video,) = run.rows("videos", name)
    assert (video["status"], video["output"]) == ("quarantined", None)


@pytest.mark.parametrize("kind", FAILED)
def test_not_everything_can_be_salvaged(kind: str, salvage: Run) -> None:
    name, _, sentence = FAILED[kind]
    assert any(part in salvage.reason(name) for part in sentence.split("|"))
    assert not list(salvage.output.glob(f"{name}*"))


@pytest.mark.parametrize("kind", DAMAGED)
def test_is_salvaged_with_black_pictures_for_what_is_damaged(kind: str, salvage: Run) -> None:
    name, _, sentence = DAMAGED[kind]
    source, result = salvage.source / name, salvage.copy(name)
    damage = salvage.rows("damage", name)
    (video,) = salvage.rows("videos", name)
    told = " ".join(row["reason"] for row in damage)
    assert any(part in told for part in sentence.split("|")), told
    assert times(result) == sorted(packet_times(source)), "every frame that is there has its place"
    lost = {f for row in damage for f in range(row["first_frame"], row["last_frame"] + 1)}
    shown = pictures(result, "rgb24")
    inside = {frame for frame in lost if frame < len(shown)}
    assert lost, "the damage is told"
    assert video["frames_black"] == len(inside) < video["frames"] == len(shown)
    for frame, picture in enumerate(shown):
        assert is_black(picture) == (frame in inside)
    assert not shows_magenta(result)
    (salvaged,) = (one for one in salvage.summary.salvaged if one.path == name)
    assert (salvaged.black, salvaged.missing) == (len(inside), len(lost - inside))


def test_what_was_salvaged_before_is_quarantined_when_the_policy_says_so(
    salvage: Run, tmp_path: Path, client: Client
) -> None:
    name, *_ = DAMAGED["bit flips"]
    source, output = tmp_path / "source", tmp_path / "output"
    source.mkdir()
    shutil.copy2(salvage.source / name, source / name)
    work = {"work": str(tmp_path / "work")}
    first = redact_dask.redact(source, output, CONFIG | work | {"on_damage": "salvage"}, client)
    again = redact_dask.redact(source, output, CONFIG | work, client)
    assert (first.published, again.published, again.quarantined) == (1, 0, 1)


def packet_times(path: Path) -> list[Fraction]:
    with av.open(path) as container:
        return [p.pts * p.time_base for p in container.demux(video=0) if p.size]


def looks(path: Path) -> dict[str, Any]:
    """Return what decides how a decoded picture is shown."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        frame = next(container.decode(stream))
        full_range = frame.color_range == 2 or frame.format.name.startswith("yuvj")
        aspect = stream.sample_aspect_ratio or Fraction(1)
        return {
            "size": (frame.width, frame.height, frame.format.name),
            "aspect": aspect,
            "rotation": frame.rotation,
            "interlaced": frame.interlaced_frame,
            "colour": (full_range, frame.color_primaries, frame.color_trc, frame.colorspace),
        }


def shows_magenta(path: Path) -> bool:
    return any((excess(picture) > 60).sum() > 8 for picture in pictures(path, "rgb24"))


def mean_x(picture: np.ndarray) -> float:
    return float(np.nonzero(excess(picture) > 60)[1].mean())


def is_black(picture: np.ndarray) -> bool:
    return bool(picture.max() < 40)
