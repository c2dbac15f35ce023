"""A joined video has every frame at its time, the source's audio, and nothing that tells a name."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from decoded import audio, pictures, times
from fixture_types import Encoded, Ffmpeg, Joined, OfKind
from footage import COLOURS

from redact_dask.config import EncodeSettings, OutputSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import containers, index, mux, verify
from redact_dask.records import Footage


def test_every_frame_and_every_audio_packet_is_there(
    any_kind: Path, joined: Joined, tmp_path: Path
) -> None:
    scanned = index.scan(str(any_kind), EncodeSettings())
    result = joined(any_kind, tmp_path / containers.target_path(any_kind.name, scanned.info))
    footage = Footage((), scanned.pts, scanned.info)
    verify.verify(result, [footage], str(any_kind), OutputSettings())
    assert times(result) == [pts * scanned.info.time_base for pts in scanned.pts]
    assert audio(result) == audio(any_kind)
    assert _audio_times(result) == pytest.approx(_audio_times(any_kind), abs=1e-4)


def test_pictures_stay_in_their_order(plain: Path, joined: Joined, tmp_path: Path) -> None:
    result = joined(plain, tmp_path / "joined.mp4")
    before, after = (np.array(pictures(path, "gray"), int) for path in (plain, result))
    for number, picture in enumerate(after):
        distances = np.abs(before - picture).mean(axis=(1, 2))
        assert np.argmin(distances) == number


def test_facts_are_kept(of_kind: OfKind, ffmpeg: Ffmpeg, joined: Joined, tmp_path: Path) -> None:
    tagged, turned = tmp_path / "tagged.mp4", tmp_path / "turned.mp4"
    ffmpeg("-i", of_kind("plain"), "-vf", f"setsar=4/3,setparams={COLOURS}", tagged)
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
    assert len(audio(source)) == 2
    assert audio(source)[0] != audio(source)[1]
    assert audio(result) == audio(source)


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
    footage = Footage(tuple(segments), pts, scanned.info)
    with pytest.raises(CheckFailed, match="different parameters"):
        mux.write(tmp_path / "joined.mp4", [footage], str(plain), OutputSettings())


def _audio_times(path: Path) -> list[float]:
    with av.open(path) as container:
        packets = container.demux(audio=0) if container.streams.audio else []
        return [float(packet.pts * packet.time_base) for packet in packets if packet.size]
