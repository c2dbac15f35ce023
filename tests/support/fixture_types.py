"""Types of the fixtures that are functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from five_stages import Done
from standin import Standin

from redact_dask.records import Segment

Ffmpeg = Callable[..., None]
MakeClip = Callable[..., Path]
Redact = Callable[..., Done]
StartStandin = Callable[..., Standin]

WriteRows = Callable[..., str]
"""Of a manifest."""

OfKind = Callable[[str], Path]
Shown = list[tuple[int | None, str]]
"""The pts of each frame and a digest of its pixels."""
Sequential = Callable[[Path], Shown]
Chunked = Callable[..., Shown]
Encoded = Callable[..., list[Segment]]
Joined = Callable[..., Path]
