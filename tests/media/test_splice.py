"""Smart copy: what shows nothing to hide stays bit by bit, beside what is encoded."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from redact_dask import config, stages
from redact_dask.errors import CheckFailed, DamagedVideo
from redact_dask.model import Probed, Region, Rendered, Tracked, Video, Why
from redact_dask.stages import Job

Ffmpeg = Callable[..., None]
Pictures = list[NDArray[np.uint8]]

GOP = 12
SCENE = "testsrc2=size=160x96:rate=30:duration=2,noise=c0s=6:c0f=t"
CLOSED = f"keyint={GOP}:min-keyint={GOP}:scenecut=0"
UNEVEN = "setpts='PTS+if(mod(N,7),0,0.012/TB)+if(gt(N,30),2/TB,0)'"
SECRET = "086f3693b7b34f2c965321492feee5b8+GPS48.8583"

# Name of the file, and how ffmpeg makes it of the scene.
SOURCES = {
    "baseline": ("s.mp4", f"-profile:v baseline -x264-params {CLOSED}"),
    "b_frames": ("s.mp4", f"-profile:v main -x264-params {CLOSED}:bframes=2:b-pyramid=none:ref=2"),
    "pyramid": ("s.mp4", f"-x264-params {CLOSED}:bframes=3:b-pyramid=normal:ref=5"),
    "one_reference": ("s.mp4", f"-x264-params {CLOSED}:bframes=3:ref=1"),
    "scene_cuts": ("s.mp4", "-x264-params keyint=14:min-keyint=3:scenecut=90"),
    "slices": ("s.mp4", f"-x264-params {CLOSED}:slices=4"),
    "intra_only": ("s.mp4", "-g 1"),
    "variable_rate": (
        "s.mp4",
        f'-vf "{UNEVEN}" -fps_mode vfr -enc_time_base 1:90000 -x264-params {CLOSED}',
    ),
    "transport": ("s.ts", f"-x264-params {CLOSED}:aud=1"),
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
    "hevc": ("s.mp4", "-c:v libx265 -x265-params log-level=none:keyint=12", "not H.264"),
    "mpeg4": ("s.mp4", "-c:v mpeg4 -g 12", "not H.264"),
    "motion_jpeg": ("s.avi", "-c:v mjpeg -pix_fmt yuvj420p", "not H.264"),
    "interlaced": ("s.mp4", f"-flags +ildct+ilme -x264-params {CLOSED}:tff=1", "interlaced"),
    "ten_bit": ("s.mp4", f"-pix_fmt yuv420p10le -x264-params {CLOSED}", "profile"),
    "more_colours": ("s.mp4", f"-pix_fmt yuv422p -x264-params {CLOSED}", "profile"),
}


@dataclass(frozen=True)
class Spliced:
    """A video before and after, and what was done."""

    source: Path
    result: Path
    probed: Probed
    rendered: list[Rendered]
    hidden: frozenset[int]

    @property
    def copied(self) -> list[int]:
        """Numbers of the frames that were copied."""
        parts = [part for made in self.rendered for part in made.parts]
        numbers, first = [], 0
        for part in parts:
            if part.segment is None:
                numbers += range(first, first + part.frames)
            first += part.frames
        return numbers


def make(folder: Path, ffmpeg: Ffmpeg, name: str, options: str) -> Path:
    path = folder / name
    coder = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "veryfast"]
    inputs = ["-f", "lavfi", "-i", SCENE, "-f", "lavfi", "-i", "sine", "-t", "1.6"]
    ffmpeg(*inputs, *coder, "-c:a", "aac", *shlex.split(options), path)
    return path


def splice(source: Path, folder: Path, hidden: Collection[int], seconds: float = 0.5) -> Spliced:
    """Run the stages of a video with a region on some of its frames."""
    video = Video(str(source), source.name, source.stat().st_size, "1")
    settings = config.validate({"chunk": {"seconds": seconds}, "redact": {"style": "solid"}})
    job = Job(video, str(folder / "out"), str(folder / "work"), settings)
    probed = stages.probe(job)
    regions = tuple(Region(n, 0, 32.0, 32.0, 96.0, 64.0, Why.DETECTED) for n in sorted(hidden))
    tracked = Tracked(regions, probed.work)
    rendered = [stages.render(job, probed.facts, chunk, tracked) for chunk in probed.chunks]
    joined = stages.join(job, probed, rendered)
    return Spliced(source, Path(joined.output), probed, rendered, frozenset(hidden))


def pictures(path: Path, **options: str) -> Pictures:
    with av.open(path, options=options) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def assert_right(spliced: Spliced) -> None:
    """Copied frames are the source's, hidden ones are hidden, the others look like the source's."""
    before, after = pictures(spliced.source), pictures(spliced.result)
    assert len(after) == len(before) == spliced.probed.facts.frames
    assert not spliced.hidden & set(spliced.copied)
    for number, (was, now) in enumerate(zip(before, after, strict=True)):
        if number in spliced.copied:
            assert np.array_equal(was, now), number
        elif number in spliced.hidden:
            assert np.ptp(now[34:62, 34:94]) < 12, number
            assert np.ptp(was[34:62, 34:94]) > 60, number
        away = np.s_[:28]
        error = np.mean((was[away].astype(float) - now[away]) ** 2)
        assert 10 * np.log10(255**2 / max(error, 1e-9)) > 30, number


@pytest.mark.parametrize("kind", SOURCES)
def test_spans_are_copied_beside_encoded_ones(kind: str, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    spliced = splice(make(tmp_path, ffmpeg, *SOURCES[kind]), tmp_path, {13, 14, 40})
    assert spliced.probed.facts.why_encoded == ""
    assert 0 < len(spliced.copied) < spliced.probed.facts.frames
    assert_right(spliced)
    assert_every_reader_agrees(spliced)
    assert b"GPS48" not in spliced.result.read_bytes()


def assert_every_reader_agrees(spliced: Spliced) -> None:
    """OpenCV, an independent decoder, and seeking find the frames of the source at their times."""
    count = spliced.probed.facts.frames
    capture = cv2.VideoCapture(str(spliced.result))
    assert sum(1 for _ in iter(lambda: capture.read()[0], False)) == count
    if len(decoded_by("libopenh264", spliced.source)) == count:
        expected = [pts * spliced.probed.facts.time_base for pts in spliced.probed.pts]
        assert decoded_by("libopenh264", spliced.result) == expected
    with av.open(spliced.result) as container:
        stream = container.streams.video[0]
        keys = [p.pts for p in container.demux(stream) if p.size and p.is_keyframe]
        for key in keys:
            container.seek(key, stream=stream)
            assert next(container.decode(stream)).pts == key


def decoded_by(decoder: str, path: Path) -> list[Fraction]:
    """Return the times, seconds, of all frames that one of the ffmpeg program's decoders gives."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "fatal", "-copyts", "-c:v", decoder]
    command += ["-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "demux", "-f", "framecrc", "-"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")
    base = [Fraction(line.split(": ")[1]) for line in lines if line.startswith("#tb 0")]
    rows = [line.split(",") for line in lines if line and not line.startswith("#")]
    return [int(row[2]) * base[0] for row in rows]


@pytest.mark.parametrize("kind", WHOLE)
def test_what_cannot_be_spliced_is_encoded_whole_and_says_why(
    kind: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    name, options, reason = WHOLE[kind]
    spliced = splice(make(tmp_path, ffmpeg, name, options), tmp_path, {13})
    assert reason in spliced.probed.facts.why_encoded
    assert spliced.copied == []
    assert len(pictures(spliced.result)) == spliced.probed.facts.frames


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
    assert 0 < len(spliced.copied) < spliced.probed.facts.frames
    shown = pictures(spliced.result)
    assert len(pictures(spliced.result, ignore_editlist="1")) == len(shown)
    assert_right(spliced)


def test_a_source_that_changed_is_not_copied_from(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = make(tmp_path, ffmpeg, *SOURCES["baseline"])
    video = Video(str(source), source.name, 1, "1")
    job = Job(video, str(tmp_path / "out"), str(tmp_path / "work"), config.Config())
    probed = stages.probe(job)
    rendered = [
        stages.render(job, probed.facts, chunk, Tracked((), probed.work)) for chunk in probed.chunks
    ]
    content = bytearray(source.read_bytes())
    with av.open(source) as container:
        place = [p.pos for p in container.demux(video=0) if p.size and p.is_keyframe][2]
    content[place + 60 : place + 600] = bytes(540)
    source.write_bytes(content)
    with pytest.raises((CheckFailed, DamagedVideo)):
        stages.join(job, probed, rendered)
    assert not (tmp_path / "out").exists()


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
    with_region = {number // gop for number in hidden}
    assert spliced.copied == [n for n in range(48) if n // gop not in with_region]
    assert_right(spliced)
