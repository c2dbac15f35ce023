"""A copy keeps the container of its source if that holds it exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from redact_dask.config import EncodeSettings
from redact_dask.media import index
from redact_dask.media.containers import target_path

TICK, MS = Fraction(1, 15360), Fraction(1, 1000)


@pytest.mark.parametrize(
    ("path", "audio", "tick", "target"),
    [
        ("a/b.mp4", ("aac",), TICK, "a/b.mp4"),
        ("a/b.MOV", ("pcm_s16le",), TICK, "a/b.MOV"),
        ("b.mkv", (), MS, "b.mkv"),
        ("b.ts", ("aac",), TICK, "b.ts.mp4"),
        ("b.avi", ("pcm_s16le",), TICK, "b.avi.mov"),
        ("b.avi", (), TICK, "b.avi.mp4"),
        ("b.mkv", ("aac",), TICK, "b.mkv.mp4"),  # Matroska counts milliseconds.
        ("b.mp4", ("aac",), MS, "b.mp4"),
        ("b.mp4", ("amrnb",), TICK, "b.mp4.mov"),
        ("b.mp4", ("aac", "pcm_alaw"), TICK, "b.mp4.mov"),
        ("b.mkv", ("pcm_mulaw",), MS, "b.mkv"),
        ("b.3gp", ("amrwb",), TICK, "b.3gp.mov"),
        ("b.avi", ("adpcm_ms",), Fraction(1, 25), "b.avi.mkv"),
        ("b.mov", ("adpcm_ima_wav",), TICK, "b.mov"),
        ("b.mp4", ("unknown",), TICK, "b.mp4"),
        ("b.mpg", ("unknown",), TICK, "b.mpg.mp4"),
    ],
)
def test_the_target_keeps_its_container_if_that_holds_times_and_audio(
    path: str, audio: tuple[str, ...], tick: Fraction, target: str, plain: Path
) -> None:
    info = index.scan(str(plain), EncodeSettings()).info
    assert target_path(path, replace(info, audio=audio, time_base=tick)) == target
