"""The method that this project started from: made anew, with its faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import original
import pytest
from fixture_types import MakeClip, StartStandin


@pytest.mark.slow
def test_frames_that_remain_are_lost(
    standin: StartStandin, make_clip: MakeClip, tmp_path: Path
) -> None:
    server = standin("--latency", 0, "--faces", "magenta")
    clip = make_clip(tmp_path / "clip.mp4", frames=50)
    output = tmp_path / "redacted.mp4"
    command = [sys.executable, original.__file__, clip, output, "--processes", "4"]

    # A program of its own: it forks, which the threads of other tests would not bear.
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert "50 frames in, 48 frames out, 2 lost" in printed
    stats = server.stats()
    assert (stats["calls"], stats["pictures_answered_again"]) == (48, 0)
    assert stats["in_flight_max"] <= 4
    with av.open(output) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert len(frames) == 48
    for number, frame in enumerate(frames):  # the square would be at x = 12 + 2 * number
        square = frame[70:90, 22 + 2 * number : 42 + 2 * number].astype(int)
        contrast = np.minimum(square[..., 0], square[..., 2]) - square[..., 1]
        assert contrast.max() < 200, number
