"""What a run tells of itself before its first video is done."""

from __future__ import annotations

import time

import pytest

from redact_dask.monitoring.status import Counts, Status


def test_one_long_video_tells_its_speed_while_it_is_analysed() -> None:
    begun = time.monotonic() - 100
    status = Status(Counts(pending=1, bytes_pending=9, complete=True), started=begun)
    status.bytes_probed, status.frames_probed = 9, 2000
    assert status.frames_per_second == 0
    status.frames_analysed = 1000
    assert status.frames_per_second == pytest.approx(5, rel=0.05)
    assert status.seconds_left == pytest.approx(300, rel=0.05)
    status.frames_analysed = status.frames_rendered = 2000
    assert status.frames_per_second == pytest.approx(20, rel=0.05)
