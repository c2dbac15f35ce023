"""Rows of a manifest that no run has written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from redact_dask.report.time_bins import Periods

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
    "frames_taken": 100,
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


TIME = datetime(2026, 2, 3, 4, 5, 6, 789000, UTC)
BOX = {"x0": 1.5, "y0": 2.5, "x1": 30.25, "y1": 40.0}
ROWS: dict[str, dict[str, Any]] = {
    "runs": {
        "written": TIME,
        "fingerprint": "fedcba9876543210",
        "settings": '["", {"redact": {"style": "solid"}}]',
        "weights": [("yunet.onnx", "cd" * 32)],
        "versions": [("av", "18.0"), ("python", "3.13")],
    },
    "detections": {
        "video": "0123456789abcdef",
        "frame": 7,
        "pts_s": 7 / 30,
        **BOX,
        "confidence": 0.5,
        "label": "face",
        "detector": "centerface",
        "stream": 1,
    },
    "regions": {
        "video": "0123456789abcdef",
        "frame": 7,
        "track": 2,
        **BOX,
        "why": "padded",
        "label": "plate",
        "detectors": "plates,yolo",
        "stream": 1,
    },
    "damage": {
        "video": "0123456789abcdef",
        "first_frame": 30,
        "last_frame": 59,
        "start_s": 1.0,
        "end_s": 59 / 30,
        "reason": "the packet at pts 512 is corrupt",
        "stream": 1,
    },
    "chunks": {
        "video": "0123456789abcdef",
        "stage": "detect",
        "index": 3,
        "first_frame": 900,
        "last_frame": 1199,
        "frames": 300,
        "started": TIME,
        "ended": TIME,
        "seconds": [("decode", 1.5), ("detect", 2.25)],
        "worker": "worker-1",
        "host": "host-1",
        "calls": 300,
        "throttled": 2,
        "retried": 1,
        "stream": 1,
    },
    "videos": {
        "video": "0123456789abcdef",
        "source": "file:///fleet/ü 1.mp4",
        "path": "ü 1.mp4",
        "version": "5-1.0",
        "written": datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        "output": "file:///redacted/ü 1.mp4",
        "status": "published",
        "stage": None,
        "reason": None,
        "error": None,
        "blame": None,
        "frames": 1200,
        "frames_analysed": 1170,
        "frames_looked_at": 400,
        "frames_black": 30,
        "frames_copied": 900,
        "why_encoded": None,
        "faces": 3,
        "tracks": [("face", 3), ("plate", 1)],
        "calls": 400,
        "throttled": 2,
        "retried": 1,
        "dollars": 0.4,
        "duration_s": 40.0,
        "seconds": 12.5,
        "bytes_in": 5_000_000_000,
        "bytes_out": 6,
        "sha256": "ab" * 32,
        "detectors": ["centerface-09189dea-f32"],
        "fingerprint": "fedcba9876543210",
        "versions": [("av", "18.0"), ("python", "3.13")],
        "finished": TIME,
        "streams": [0, 2],
        "streams_dropped": [
            "video stream 1, mjpeg, 160x96: it is a preview, 1 beside 100 pictures"
        ],
        "source_sha256": "ef" * 32,
        "edits": ["0123456789abcdef"],
        "frames_taken": 210,
        "replaces": "cd" * 32,
    },
}
"""One of each dataset, in which every column is."""


MINUTE = Periods(START.timestamp(), 10.0, 6)
"""Six periods of ten seconds."""
