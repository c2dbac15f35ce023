"""Runs one video's stages as Dask tasks. Only this module knows their keys and priorities.

A key is ``(f"{stage}-{run}", video, index)``. All tasks of a stage share the first part, so the
dashboard shows one bar for each stage, and the scheduler sees one group that is large enough for it
to queue tasks there instead of handing them all out at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from itertools import count
from typing import Any, cast

from av.error import FFmpegError
from dask.typing import Key
from distributed import Client, Future, Worker, get_worker

from redact_dask import versions
from redact_dask.cluster import claims
from redact_dask.cluster.memory import Memory
from redact_dask.errors import RedactError, RunEnded
from redact_dask.media.encode import codec_of
from redact_dask.monitoring import logs
from redact_dask.pipeline import cutting, stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Chunk, Detected, Joined, Probed, Rendered, Tracked

Result = Probed | Detected | Tracked | Rendered | Joined

_memory = Memory()


def stage_and_video(key: Key) -> tuple[str, str]:
    """Return the name of a task's stage and the id of its video, from the task's key.

    >>> stage_and_video(("detect-20260203T040506-1a2b3c4d", "0123456789abcdef", 7))
    ('detect', '0123456789abcdef')
    """
    group, video, _ = cast(tuple[str, str, int], key)
    return group.partition("-")[0], video


class VideoGraph:
    """Submits the stages of one video.

    Parameters
    ----------
    client
        Client of the cluster.
    run
        Name of the run: keys of different runs must differ.
    job
        Job of the video.
    rank
        Videos of a lower rank go first, so that videos finish rather than pile up.
    workers
        Addresses of the workers that may run the tasks; empty: all may.
    """

    def __init__(
        self, client: Client, run: str, job: Job, rank: int, workers: Collection[str] = ()
    ) -> None:
        self.workers = workers
        self._client = client
        self._run = run
        self._job = job
        self._rank = rank
        self._probe: Future[Any] | None = None

    def owns(self, key: Key) -> bool:
        """Tell whether a key is that of a task of this graph, and not of an earlier one."""
        return cast(tuple[str, str, int], key)[0].partition("-")[2] == self._run

    def probe(self) -> Future[Any]:
        """Submit the first stage; the tasks of the others depend on its result."""
        self._probe = self._submit(stages.probe, 0)
        return self._probe

    def rest(self, probed: Probed) -> Iterator[Future[Any]]:
        """Submit all other stages, and yield their futures."""
        detected, tracked, rendered = [], [], []
        looks, renders = count(), count()
        for place, stream in enumerate(probed.streams):
            seen = [
                self._submit(stages.detect, next(looks), stream.info, part) for part in stream.parts
            ]
            plan = self._submit(stages.track, place, self._probe, seen)
            rendered += [
                self._submit(stages.render, next(renders), stream.info, chunk, plan)
                for chunk in stream.chunks
            ]
            detected += seen
            tracked.append(plan)
        joined = self._submit(stages.join, 0, self._probe, tracked, rendered)
        yield from (*detected, *tracked, *rendered, joined)

    def _submit(self, stage: Callable[..., Result], index: int, *args: Any) -> Future[Any]:
        key = (f"{stage.__name__}-{self._run}", self._job.video.id, index)
        return self._client.submit(
            _signed,
            versions.own(),
            stage,
            self._job,
            *args,
            key=key,
            priority=-self._rank,
            pure=False,
            workers=[*self.workers] or None,
        )


def _signed(version: str, stage: Callable[..., Result], job: Job, *args: Any) -> Result:
    """Run a stage on a worker, and sign its result with the worker's name."""
    worker = get_worker()
    # The worker may have come after the run checked the versions.
    own = versions.own()
    if own != version:
        raise RunEnded(
            f"worker {worker.address} has redact-dask {own}, not {version}; install it there"
        )
    # The worker's environment may know nothing of the stores.
    job.config.s3.use(job.source_root, job.destination, job.config.work)
    chunk = next((arg.index for arg in args if isinstance(arg, Chunk)), None)
    with (
        logs.task(job.video.path, stage.__name__, chunk),
        _claim_for(worker, stage, job, args),
        _memory_for(worker, job, args),
        _limited(worker, job.config.driver.stage_limit_s),
    ):
        result = _result(stage, job, *args)
    return replace(result, timing=replace(result.timing, worker=str(worker.name)))


def _result(stage: Callable[..., Result], job: Job, *args: Any) -> Result:
    """Run a stage; raise its errors such that the driver gets them as what they are.

    FFmpeg's errors of input and output do not survive pickling if they name a file. Dask replaces
    them, and every error that one of them has caused, by a plain `Exception`.
    """
    try:
        return stage(job, *args)
    except (RedactError, FFmpegError, OSError) as error:
        failure: Exception = error
        if isinstance(failure, RedactError):
            failure.worker = get_worker().address
    # Raised inside the block, it would have the other one as its context again.
    if isinstance(failure, FFmpegError) and isinstance(failure, OSError):
        failure = OSError(failure.errno, failure.strerror)
    failure.__cause__ = failure.__context__ = None
    raise failure


def _claim_for(
    worker: Worker, stage: Callable[..., Result], job: Job, args: tuple[Any, ...]
) -> AbstractContextManager[None]:
    """Claim the chunk of a stage that pays for what it sees."""
    if stage is not stages.detect or not job.config.detect.is_paid:
        return nullcontext()
    return claims.held(worker, cutting.detections_url(job, *args))


def _memory_for(worker: Worker, job: Job, args: tuple[Any, ...]) -> AbstractContextManager[None]:
    """Reserve the memory that a video needs, except for the stage that learns what it is.

    The first argument of all other stages, after their job, tells what the video's stream is.
    """
    if not args:
        return nullcontext()
    infos = [args[0]]
    if isinstance(args[0], Probed):
        infos = [stream.info for stream in args[0].streams]
    info = max(infos, key=lambda stream: stream.width * stream.height)
    codec, limit = codec_of(info, job.config.encode), worker.memory_manager.memory_limit
    return _memory.reserved(info, codec, job.config.detect, limit)


@contextmanager
def _limited(worker: Worker, seconds: float) -> Iterator[None]:
    """End the worker's process if the block takes too long: a thread alone cannot be ended.

    The worker's nanny starts another process, and Dask runs the task again, until the task has
    ended too many workers. A worker without a nanny is left alone, because it may live in its
    user's own process.
    """
    if worker.nanny is None:
        yield
        return
    # 70 is EX_SOFTWARE of sysexits.h. Nothing is cleaned up, as if the process had crashed.
    timer = threading.Timer(seconds, os._exit, (70,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
