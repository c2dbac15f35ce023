"""What a worker finds out about itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixture_types import StartStandin

from redact_dask.cluster import worker_check
from redact_dask.config import Config
from redact_dask.errors import RedactError


def test_storage_that_is_not_shared_is_told(tmp_path: Path) -> None:
    elsewhere = {str(tmp_path): str(tmp_path / "the-drivers-mark")}
    with pytest.raises(RedactError, match="all must reach the same storage"):
        worker_check._write(elsewhere)
    url, _ = worker_check.mark(str(tmp_path))
    worker_check._write({str(tmp_path): url})
    assert [str(path) for path in tmp_path.iterdir()] == [url.removeprefix("file://")]


def test_a_paid_detector_is_made_but_not_asked(
    standin: StartStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = Config.model_validate({"detect": {"detectors": ["rekognition"]}}).detect
    service = standin()
    assert worker_check._trouble(worker_check._detect, detect) == ""
    assert service.stats()["calls"] == 0
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert "needs AWS credentials" in worker_check._trouble(worker_check._detect, detect)
