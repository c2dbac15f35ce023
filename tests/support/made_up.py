"""Rows of a manifest that no run has written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]

START = datetime(2026, 2, 3, 20, tzinfo=UTC)

VIDEO: Row = {
    "source": "s3://fleet/day/car 1/a.mp4",
    "version": "5-1.0",
    "written": START - timedelta(hours=1),
    "output": "s3://redacted/car 1/a.mp4",
    "status": "published",
    "frames": 1200,
    "frames_analysed": 1200,
    "frames_looked_at": 400,
    "frames_black": 0,
    "frames_copied": 300,
    "faces": 3,
    "calls": 0,
    "throttled": 0,
    "retried": 0,
    "dollars": 0.0,
    "duration_s": 40.0,
    "seconds": 10.0,
    "bytes_in": 2_000_000,
    "bytes_out": 1_000_000,
    "sha256": "ab" * 32,
    "detectors": ["centerface-09189dea-f32"],
    "fingerprint": "fedcba9876543210",
    "versions": [("av", "18.0")],
    "finished": START + timedelta(seconds=10),
}
FAILED: Row = {
    "status": "quarantined",
    "output": None,
    "bytes_out": None,
    "stage": "detect",
    "reason": "frame with pts 512 is missing",
    "error": "DamagedVideo",
}
TASK: Row = {
    "stage": "detect",
    "index": 0,
    "first_frame": 0,
    "last_frame": 1199,
    "frames": 1200,
    "started": START,
    "ended": START + timedelta(seconds=4),
    "seconds": [("decode", 1.0), ("detect", 2.5)],
    "worker": "worker-1",
    "host": "host-1",
}


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)
