"""A source and its copies, with a square that each copy hides on some frames only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixture_types import MakeClip
from made_up import VIDEO
from published_rows import write

from redact_dask import storage
from redact_dask.review import pairs
from redact_dask.review.doubts import Doubt, Kind
from redact_dask.review.ranking import Doubtful
from redact_dask.review.session import Session
from redact_dask.sources import listing

PATH = "car 1/night <b>.mp4"


def square(frame: int) -> dict[str, float]:
    """Return the edges of the magenta square."""
    return {"x0": 12.0 + 2 * frame, "y0": 60.0, "x1": 52.0 + 2 * frame, "y1": 100.0}


def region(video: str, frame: int, track: int, **sides: float) -> dict[str, Any]:
    told = {"why": "detected", "label": "face", "detectors": "faces", "stream": 0}
    return {"video": video, "frame": frame, "track": track} | told | sides


@pytest.fixture(scope="session")
def filmed(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source of two videos with 90 frames each."""
    folder = tmp_path_factory.mktemp("reviewed") / "source"
    for path in (PATH, "car 2/day.mp4"):
        make_clip(folder / path)
    return folder


@pytest.fixture
def redacted(filmed: Path, tmp_path: Path) -> Path:
    """Their copies. The first one hides the square on frames 30 to 59, and a corner before it."""
    folder = tmp_path / "redacted"
    rows, regions = [], []
    for video in listing.list_videos(str(filmed), str(folder)):
        copy = folder / video.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((filmed / video.path).read_bytes())
        own = {"video": video.id, "path": video.path, "version": video.version}
        own |= {"source": video.source, "output": storage.canonical(str(copy)), "frames": 90}
        own |= {"duration_s": 3.0, "bytes_out": copy.stat().st_size, "tracks": [("plate", 1)]}
        rows.append(VIDEO | own)
        if video.path == PATH:
            corner = {"x0": 200.0, "y0": 10.0, "x1": 230.0, "y1": 40.0}
            regions += [region(video.id, frame, 0, **square(frame)) for frame in range(30, 60)]
            regions += [region(video.id, frame, 1, **corner) for frame in range(5, 40)]
    write(folder, {"videos": rows, "regions": regions})
    return folder


@pytest.fixture
def session(filmed: Path, redacted: Path) -> Iterator[Session]:
    """What Ann sees: the first video has two doubts."""
    destination = storage.canonical(str(redacted))
    rows = pairs.listed(str(filmed), destination)
    square = (52.0, 60.0, 92.0, 100.0)
    doubts = (
        Doubt(Kind.OPEN, 0, None, square, 20, 29, 0.7, "plate", 0.5, "seen, and not hidden"),
        Doubt(Kind.ENDS, 0, 0, None, 60, 60, 2.0, "face", 0.1, "its track ends"),
    )
    found = pairs.ordered(rows, [Doubtful(rows[0].video, PATH, doubts)])
    session = Session(found, destination, "ann")
    yield session
    session.close()
