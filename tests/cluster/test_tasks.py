"""How the scheduler, and so the dashboard, sees a run."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from av.error import FFmpegError, InvalidDataError
from av.error import OSError as FFmpegOSError
from dask.utils import key_split
from distributed import Client, Scheduler
from streams import HD

import redact_dask
from redact_dask import config, errors, versions
from redact_dask.cluster import tasks
from redact_dask.cluster.tasks import stage_and_video
from redact_dask.errors import RedactError, RunEnded
from redact_dask.pipeline.job import Job
from redact_dask.records import Chunk, Keyframe, Probed, StreamInfo, TaskTiming, Video

STAGES = {"probe", "detect", "track", "render", "join"}


def test_dashboard_shows_one_bar_a_stage(tmp_path: Path, clip: Path, client: Client) -> None:
    keys: set[Any] = set()
    groups: set[str] = set()

    def tasks(dask_scheduler: Scheduler) -> dict[Any, str]:
        return {task.key: task.group.name for task in dask_scheduler.tasks.values()}

    def look(status: redact_dask.Status) -> None:
        now = client.run_on_scheduler(tasks)
        keys.update(key for key in now if key not in before)
        groups.update(group for key, group in now.items() if key not in before)

    before = client.run_on_scheduler(tasks)
    settings = {"detect": {"detectors": ["magenta"]}, "chunk": {"seconds": 0.5}}
    redact_dask.redact(clip, tmp_path, settings, client, look)

    # Six chunks are each detected and rendered.
    assert len(keys) == 15
    assert {key_split(key) for key in keys} == STAGES
    assert len(groups) == len(STAGES)
    assert {stage_and_video(key)[0] for key in keys} == STAGES
    assert len({stage_and_video(key)[1] for key in keys}) == 1


def test_a_worker_does_not_load_what_only_the_driver_needs() -> None:
    loaded = "import sys, redact_dask.cluster.tasks; sys.exit('pyarrow' in sys.modules)"
    subprocess.run([sys.executable, "-c", loaded], check=True)


def test_a_worker_with_another_version_that_comes_later_ends_the_run(client: Client) -> None:
    task = client.submit(tasks._signed, "9.9.9", print, None, pure=False)
    with pytest.raises(RunEnded, match=r"worker tcp://\S+ has redact-dask \S+, not 9\.9\.9"):
        task.result()


_KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, RedactError)
]


@pytest.mark.parametrize("cause", [FFmpegOSError, InvalidDataError])
@pytest.mark.parametrize("kind", _KINDS)
def test_an_error_keeps_its_class_on_the_way_to_the_driver(
    kind: type[RedactError], cause: type[FFmpegError], client: Client
) -> None:
    def failing(_: Job) -> tasks.Result:
        raise kind("a sentence") from cause(5, "Input/output error", "a.mp4")

    error = failure_of(failing, client)
    assert (type(error), str(error)) == (kind, "a sentence")


def test_ffmpegs_own_error_arrives_as_one_of_input_and_output(client: Client) -> None:
    def failing(_: Job) -> tasks.Result:
        raise FFmpegOSError(28, "No space left on device", "a.mp4")

    error = failure_of(failing, client)
    assert isinstance(error, OSError)
    assert error.errno == 28


def failure_of(stage: Any, client: Client) -> BaseException | None:
    """Run a stage on a worker, and return the error that the driver sees."""
    video = Video("file:///a.mp4", "a.mp4", 1, "1", None)
    job = Job.of(video, "memory://out", config.validate({}))
    future = client.submit(tasks._signed, versions.own(), stage, job, pure=False)
    error: BaseException | None = future.exception()
    return error


def test_memory_is_reserved_for_all_that_is_done_to_a_video(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Joining decodes pictures too, and tracking holds all that was found."""
    reserved: list[StreamInfo] = []
    memory = SimpleNamespace(reserved=lambda info, *_: reserved.append(info) or nullcontext())
    monkeypatch.setattr(tasks, "_memory", memory)
    worker: Any = SimpleNamespace(memory_manager=SimpleNamespace(memory_limit=2**30))
    job = Job.of(Video("file:///a.mp4", "a.mp4", 1, "1"), "file:///out", config.Config())
    chunk = Chunk(0, Keyframe(0, 1, 0), 0, (0,), ())
    timing = TaskTiming(0, 0, (), "")
    probed = Probed(HD, (chunk,), "file:///out/a.mp4", False, None, timing, (chunk,))
    for arguments in ((), (HD, chunk), (probed, [])):
        with tasks._memory_for(worker, job, arguments):
            pass
    assert reserved == [HD, HD]
