"""Streams of videos that are not there."""

from __future__ import annotations

from fractions import Fraction

from redact_dask.records import Fields, StreamInfo

HD = StreamInfo(
    codec="h264",
    width=1920,
    height=1080,
    pixel_format="yuv420p",
    quarter_turns=0,
    display_matrix=(),
    fields=Fields.PROGRESSIVE,
    sample_aspect_ratio=Fraction(1),
    color_range=1,
    color_primaries=1,
    color_transfer=1,
    color_space=1,
    time_base=Fraction(1, 30),
    rate=Fraction(30),
    frames=1,
    seconds=1.0,
    audio=(),
    audio_streams=(),
    audio_start=Fraction(0),
    parameter_sets=b"",
    reorder_depth=0,
    why_encoded="",
)
