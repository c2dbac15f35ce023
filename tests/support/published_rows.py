"""Manifests of many published videos with regions, written without a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from made_up import VIDEO

from redact_dask import manifest, storage
from redact_dask.storage import layout

RUN = "20260203T200000-0123abcd"
_TOGETHER = 10_000


def name(number: int) -> str:
    return f"{number:016x}"


def regions(video: str, frames: Sequence[int], track: int = 0, stream: int = 0) -> list[Any]:
    """Return the rows of a track's regions."""
    box = {"x0": 1.0, "y0": 1.0, "x1": 9.0, "y1": 9.0, "why": "detected", "stream": stream}
    return [{"video": video, "frame": frame, "track": track} | box for frame in frames]


def write(destination: Path, rows: dict[str, list[Any]], run: str = RUN) -> str:
    """Write some rows as a run does, and empty copies; gives the URL of the destination."""
    for row in rows["videos"]:
        if row["path"]:
            place(destination, row["path"])
    writer = manifest.Writer(layout.manifest(str(destination)), run)
    writer.add(rows)
    writer.close()
    return storage.canonical(str(destination))


def place(destination: Path, path: str) -> None:
    copy = destination / path
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()


def write_many(destination: Path, videos: int, frames: int = 1800) -> str:
    """Write the manifest of many videos: two of five have 60 regions of two tracks."""
    writer = manifest.Writer(layout.manifest(str(destination)), RUN)
    frame = np.tile(np.arange(30), 2)
    frame[30:] += 900
    for begin in range(0, videos, _TOGETHER):
        some = range(begin, min(begin + _TOGETHER, videos))
        rows = [
            VIDEO
            | {"video": name(number), "output": f"s3://redacted/{number}.mp4", "frames": frames}
            | {"duration_s": frames / 30, "path": f"{number}.mp4"}
            for number in some
        ]
        shown = [name(number) for number in some if number % 5 < 2]
        many = len(shown)
        table = pa.table(
            {
                "video": pa.array(np.repeat(shown, 60)),
                "frame": np.tile(frame + 100, many),
                "track": np.tile(np.repeat([0, 1], 30), many).astype(np.int32),
                **{side: np.ones(60 * many, np.float32) for side in ("x0", "y0", "x1", "y1")},
                "why": pa.array(["detected"] * (60 * many)),
                "label": pa.array(["face"] * (60 * many)),
                "detectors": pa.array(["faces"] * (60 * many)),
                "stream": np.zeros(60 * many, np.int32),
            }
        )
        writer.add({"regions": table, "videos": rows})
        writer.flush()
        for number in some:
            place(destination, f"{number}.mp4")
    writer.close()
    return storage.canonical(str(destination))
