"""Whose fault a failure is, and that no verdict on a video is final before a second attempt."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from distributed import Client
from fixture_types import MakeClip
from local_cluster import workers
from magenta import MAGENTA

import redact_dask
from redact_dask import manifest
from redact_dask.driver.failures import failure_of
from redact_dask.errors import (
    Blame,
    CheckFailed,
    DamagedVideo,
    TooLarge,
    UnreadableVideo,
    UnsupportedVideo,
)

SETTINGS = MAGENTA | {"chunk": {"seconds": 0.5}, "driver": {"most_failures": 1}}


@pytest.mark.parametrize(
    ("error", "blame"),
    [
        (DamagedVideo("torn"), Blame.VIDEO),
        (UnsupportedVideo("a text"), Blame.VIDEO),
        (CheckFailed("other frames"), Blame.VIDEO),
        (UnreadableVideo("closed"), Blame.STORE),
        (TooLarge("8K"), Blame.SETTINGS),
        (OSError(errno.EIO, "Input/output error"), Blame.STORE),
        (EndpointConnectionError(endpoint_url="http://store"), Blame.STORE),
        (OSError(errno.ENOSPC, "No space left on device"), Blame.HOST),
        (MemoryError(), Blame.HOST),
        (ZeroDivisionError("a mistake of ours"), Blame.HOST),
    ],
)
def test_each_failure_says_whose_it_is(error: Exception, blame: Blame) -> None:
    assert failure_of("detect", error).blame is blame


@pytest.fixture
def two() -> Iterator[Client]:
    with workers(2) as client:
        yield client


@pytest.mark.parametrize("policy", ["quarantine", "salvage"])
def test_a_worker_that_reads_wrongly_costs_the_video_nothing(
    policy: str, make_clip: MakeClip, two: Client, tmp_path: Path
) -> None:
    video = make_clip(tmp_path / "in" / "a.mp4", frames=90, audio=False)
    wrong = next(iter(two.nthreads()))
    two.run(read_zeros, workers=[wrong])
    summary = redact_dask.redact(video, tmp_path / "out", SETTINGS | {"on_damage": policy}, two)
    assert (summary.failures, summary.salvaged, summary.published) == ((), (), 1)
    (row,) = manifest.read(f"{tmp_path}/out/_manifest", "videos").to_pylist()
    assert (row["frames_black"], row["blame"]) == (0, None)


def read_zeros() -> None:
    """Let this process read zeros in the last two thirds of every video."""
    from redact_dask.media import demux  # noqa: PLC0415 (on a worker)

    original = demux.storage.open_read

    class Zeros:
        def __init__(self, file: IO[bytes]) -> None:
            self._file = file
            self._good = file.seek(0, 2) // 3
            file.seek(0)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def read(self, size: int = -1) -> bytes:
            place = self._file.tell()
            content = self._file.read(size)
            return content if place < self._good else bytes(len(content))

    @contextmanager
    def open_read(url: str) -> Iterator[Any]:
        with original(url) as file:
            yield Zeros(file) if url.endswith(".mp4") else file

    demux.storage.open_read = open_read


def test_what_both_attempts_say_is_final_and_ends_no_run(
    make_clip: MakeClip, client: Client, tmp_path: Path
) -> None:
    video = make_clip(tmp_path / "in" / "a.mp4", frames=90, audio=False)
    content = bytearray(video.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    video.write_bytes(content)
    (video.parent / "b.mp4").write_text("no video")
    summary = redact_dask.redact(video.parent, tmp_path / "out", SETTINGS, client)
    assert {failure.blame for failure in summary.failures} == {Blame.VIDEO}
    assert (summary.quarantined, summary.left) == (2, 0)
    again = redact_dask.redact(video.parent, tmp_path / "out", SETTINGS, client)
    assert (again.quarantined, again.failed) == (0, 2)
    rows = manifest.read(f"{tmp_path}/out/_manifest", "videos").to_pylist()
    assert [row["blame"] for row in rows] == ["video", "video"]
