"""A disk that fails is never booked on the video: nothing is made black, nothing is final."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from five_stages import run
from fixture_types import Ffmpeg, MakeClip

from redact_dask import config, storage
from redact_dask.driver.history import DISCARDING_ERRORS
from redact_dask.errors import UnreadableVideo
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.sources import listing

_POLICIES = ["quarantine", "salvage"]


class Failing:
    """A file on a disk that cannot read the places behind one any more."""

    def __init__(self, file: IO[bytes], good: float) -> None:
        self._file = file
        self.name = file.name
        self._good = good * file.seek(0, 2)
        self._file.seek(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        if self._file.tell() + size > self._good:
            raise OSError(errno.EIO, "Input/output error")
        return self._file.read(size)


@pytest.fixture(scope="module")
def clip(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of three GOPs."""
    return make_clip(tmp_path_factory.mktemp("three") / "clip.mp4", frames=45)


@pytest.fixture(params=["mp4", "mkv", "ts", "avi"])
def job(request: pytest.FixtureRequest, clip: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> Job:
    """Give the job of a whole video of several chunks; its container's index lies in front."""
    path = tmp_path / "in" / f"a.{request.param}"
    path.parent.mkdir()
    codec = ("-c:v", "mpeg4") if request.param == "avi" else ("-c:v", "copy")
    front = ("-movflags", "+faststart") if request.param == "mp4" else ()
    ffmpeg("-i", clip, "-an", *codec, *front, path)
    return job_of(path, tmp_path)


def job_of(path: Path, tmp_path: Path, policy: str = "salvage") -> Job:
    (video,) = listing.list_videos(str(path), str(tmp_path / "out"))
    settings = {"detect": {"detectors": ["magenta"]}, "on_damage": policy}
    chunks = {"chunk": {"seconds": 0.9}, "encode": {"preset": "ultrafast", "copy": "never"}}
    return Job.of(video, str(tmp_path / "out"), config.validate(settings | chunks))


@pytest.mark.parametrize("policy", _POLICIES)
def test_a_read_error_is_not_the_videos_damage(
    policy: str, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(Path(job.video.source.removeprefix("file://")), tmp_path, policy)
    probed = stages.probe(job)
    with monkeypatch.context() as disk:
        fail(disk, 0.6)
        with pytest.raises(UnreadableVideo, match="cannot be read: Input/output error"):
            [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
        with pytest.raises(UnreadableVideo, match="cannot be read: Input/output error"):
            stages.probe(job)
    assert UnreadableVideo.__name__ not in DISCARDING_ERRORS
    done = run(job)
    assert not any(seen.damage for seen in done.detected), "the disk is well again"


def test_a_disk_that_fails_before_the_first_byte_is_told(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, 0)
    with pytest.raises(UnreadableVideo, match="cannot be read: Input/output error"):
        stages.probe(job_of(clip, tmp_path))


def fail(monkeypatch: pytest.MonkeyPatch, good: float) -> None:
    """Let reads behind a share of each file fail."""
    open_read = storage.open_read

    @contextmanager
    def opened(url: str) -> Iterator[Any]:
        with open_read(url) as file:
            yield Failing(file, good)

    monkeypatch.setattr(storage, "open_read", opened)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_full_scratch_disk_is_not_the_videos_damage(
    share: float, suffix: str, clip: Path, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    source = tmp_path / "in" / f"a.{suffix}"
    source.parent.mkdir()
    ffmpeg("-i", clip, "-c", "copy", source)
    job = job_of(source, tmp_path)
    done = run(job)
    size = done.joined.size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * size), before[1]))
    try:
        with pytest.raises(OSError, match="the joined video: File too large"):
            stages.join(job, done.probed, done.tracked, done.rendered)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert stages.join(job, done.probed, done.tracked, done.rendered).size == size


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_full_scratch_disk_under_a_segment_is_told(
    is_taken: bool, clip: Path, tmp_path: Path
) -> None:
    job = job_of(clip, tmp_path)
    done = run(job)
    if not is_taken:
        storage.remove(done.joined.output)
    (first, *_), (chunk, *_) = done.rendered, done.probed.chunks
    size = len(storage.read(str(first.segments[0].url)))
    storage.remove(job.work)
    plan = stages.track(job, done.probed, done.detected)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            stages.render(job, done.probed.info, chunk, plan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    again = stages.render(job, done.probed.info, chunk, plan)
    assert (again.frames, again.taken) == (first.frames, first.frames if is_taken else 0)
    assert is_taken or again.segments == first.segments
