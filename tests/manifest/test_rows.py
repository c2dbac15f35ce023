"""A video's results become rows: those of a crowd without an object for each."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from fractions import Fraction

import numpy as np
from streams import HD

from redact_dask import manifest
from redact_dask.errors import Blame
from redact_dask.manifest import Writer
from redact_dask.manifest.rows import Outcome, rows
from redact_dask.records import (
    Chunk,
    Detected,
    Detection,
    Detections,
    Failure,
    Joined,
    Keyframe,
    Probed,
    Region,
    RegionOrigin,
    Regions,
    TaskTiming,
    Tracked,
    Video,
)

TIMING = TaskTiming(0.0, 1.0, (), "host")
VIDEO = Video("file:///fleet/a.mp4", "a.mp4", 1, "1")
INFO = replace(HD, frames=4, time_base=Fraction(1, 3))
CHUNK = Chunk(0, Keyframe(0, 1, 0), 0, (0, 1, 2, 4), ())
PROBED = Probed(INFO, (CHUNK,), "file:///out/a.mp4", False, None, TIMING, (CHUNK,))
SEEN = [
    Detection(1, 0.1, 2, 3, 4, 0.3, "plate", "yolo"),
    Detection(3, 0.1, 2, 3, 4, 0.7, "face", "yolo"),
]
HIDDEN = [
    Region(1, 0, 0.1, 2, 3, 4, RegionOrigin.PADDED, "plate", "plates,yolo"),
    Region(3, 0, 0.1, 2, 3, 4, RegionOrigin.DETECTED, "face", "told"),
]


def outcome(seen: Detections, hidden: Regions | None) -> Outcome:
    """Return the outcome of a video; without what is hidden, of one that is quarantined."""
    detected = Detected(0, 4, 2, seen, ("yolo-1",), (), (), TIMING)
    tracked = Tracked((None,), (("face", 1), ("plate", 2)), (), TIMING)
    joined = hidden and Joined("file:///out/a.mp4", 1, "00", "", hidden, TIMING)
    failure = None if joined else Failure("join", "it is wrong", "CheckFailed", Blame.VIDEO)
    return Outcome(VIDEO, 0.0, 1.0, PROBED, (detected,), (tracked,), (), joined, failure)


def test_rows_are_those_of_the_results(root: str) -> None:
    writer = Writer(root, "run-1")
    writer.add(rows(outcome(Detections.of(SEEN), Regions.of(HIDDEN)), "0123"))
    assert writer.waiting == 2 + 2 + 4 + 1
    writer.flush()
    both = {"run": "run-1", "video": VIDEO.id}
    sides = {"x0": float(np.float32(0.1)), "y0": 2.0, "x1": 3.0, "y1": 4.0}
    assert manifest.read(root, "detections").to_pylist() == [
        {**both, "frame": frame, "pts_s": pts_s, **sides, "confidence": float(np.float32(sure))}
        | {"label": label, "detector": "yolo", "stream": 0}
        for frame, pts_s, sure, label in ((1, 1 / 3, 0.3, "plate"), (3, 4 / 3, 0.7, "face"))
    ]
    assert manifest.read(root, "regions").to_pylist() == [
        {**both, "frame": frame, "track": 0, **sides, "why": why}
        | {"label": label, "detectors": names, "stream": 0}
        for frame, why, label, names in (
            (1, "padded", "plate", "plates,yolo"),
            (3, "detected", "face", "told"),
        )
    ]


def test_of_a_quarantined_video_nothing_is_hidden(root: str) -> None:
    writer = Writer(root, "run-1")
    writer.add(rows(outcome(Detections.of(SEEN), None), "0123"))
    writer.flush()
    assert manifest.read(root, "detections").num_rows == 2
    assert manifest.read(root, "regions").num_rows == 0
    (video,) = manifest.read(root, "videos").to_pylist()
    assert (video["faces"], video["tracks"]) == (1, [("face", 1), ("plate", 2)])


def test_a_crowd_takes_little_memory() -> None:
    """An hour with twenty faces a frame has 2.2 million regions."""
    seen, hidden = Detections.of(SEEN * 5000), Regions.of(HIDDEN * 5000)
    found = outcome(seen, hidden)
    rows(found, "0123")
    tracemalloc.start()
    made = rows(found, "0123")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(map(len, made.values())) > 20_000
    assert peak / 20_000 < 150, "bytes for each"
