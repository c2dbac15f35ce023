"""A video is rendered again with other settings: nothing is looked at twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from five_stages import Done, run
from numpy.typing import NDArray
from scripted import Magenta

from redact_dask import Box, config, storage
from redact_dask.pipeline.job import Job
from redact_dask.sources import listing

SETTINGS: dict[str, Any] = {
    "detect": {"detectors": ["magenta"], "every": 1},
    "encode": {"preset": "ultrafast"},
    "redact": {"style": "solid"},
}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of pictures that each call of the detector has looked at."""
    detect, found = Magenta.detect, []

    def counted(self: Magenta, images: NDArray[np.uint8]) -> list[list[Box]]:
        found.append(len(images))
        return detect(self, images)

    monkeypatch.setattr(Magenta, "detect", counted)
    return found


def redact(path: Path, destination: Path, threads: int = 1, **sections: Any) -> Done:
    """Take a video through the five stages, and remove its work as a run does."""
    (video,) = listing.list_videos(str(path), str(destination))
    configured = config.validate(SETTINGS | sections)
    job = Job.of(video, storage.canonical(str(destination)), configured)
    done = run(replace(job, least_chunks=threads))
    storage.remove(job.work)
    return done


@pytest.mark.parametrize("before", [1, 3])
@pytest.mark.parametrize(
    "other",
    [
        {"redact": {"style": "pixelate"}},
        {"track": {"margin": 0.3}},
        {"track": {"start": 0.5}},
        {"encode": {"preset": "ultrafast", "crf": 30}},
    ],
)
def test_no_frame_is_looked_at_again(
    before: int, other: dict[str, Any], clip: Path, tmp_path: Path, looks: list[int]
) -> None:
    first = redact(clip, tmp_path, threads=before)
    assert sum(looks) == len(first.probed.pts)
    looks.clear()
    again = redact(clip, tmp_path, threads=4 - before, **other)
    assert looks == []
    assert [chunk.pts for chunk in again.probed.chunks] == [c.pts for c in first.probed.chunks]
    assert storage.digest(again.joined.output).sha256 == again.joined.sha256


def test_other_detectors_are_free_to_cut_the_video(clip: Path, tmp_path: Path) -> None:
    redact(clip, tmp_path, threads=1)
    again = redact(clip, tmp_path, threads=3, detect={"detectors": ["magenta"], "every": 2})
    assert len(again.probed.chunks) == 3
