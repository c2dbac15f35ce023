"""Counting requests to an object store and CPU time, by the stage, for the benchmarks."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import psutil
from aiobotocore.httpsession import AIOHTTPSession
from distributed import Worker, WorkerPlugin

from redact_dask.pipeline import stages
from redact_dask.records import STAGES


class Counts(WorkerPlugin):
    """Counts the requests of this process to the store, by the stage that is running."""

    name = "counts"

    def __init__(self) -> None:
        self._stage = "driver"
        self.requests: Counter[tuple[str, str, str]] = Counter()
        """Number of requests, by stage, video and kind."""
        self.cpu_s: Counter[tuple[str, str]] = Counter()
        """CPU seconds, those of programs that have ended included, by stage and video."""
        self.answers = 0
        """Number of answers."""
        self.waited_s = 0.0
        """Seconds until they began, summed up."""
        self._video = ""

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Count from now on, also by stage: there is one task at a time."""
        self.start()
        for name in STAGES:
            setattr(stages, name, self._named(name, getattr(stages, name)))

    def start(self) -> None:
        """Count what botocore sends."""
        send = AIOHTTPSession.send

        async def counted(session: AIOHTTPSession, request: Any) -> Any:
            stage = "removal" if self._stage == "driver" and is_of_work(request) else self._stage
            for kind, number in kinds(request).items():
                self.requests[stage, self._video, kind] += number
            start = time.perf_counter()
            try:
                return await send(session, request)
            finally:
                self.answers += 1
                self.waited_s += time.perf_counter() - start

        AIOHTTPSession.send = counted

    def _named(self, name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(stage)
        def called(job: Any, *arguments: Any) -> Any:
            self._stage, self._video = name, job.video.id
            before = cpu_s()
            try:
                return stage(job, *arguments)
            finally:
                self.cpu_s[name, job.video.id] += cpu_s() - before
                self._stage, self._video = "driver", ""

        return called


def cpu_s() -> float:
    """Return the CPU seconds of this process so far, and of its programs that have ended."""
    return float(sum(psutil.Process().cpu_times()[:4]))


def is_of_work(request: Any) -> bool:
    """Tell whether a request lists or deletes keys of the work area."""
    deleted = request.body if request.url.endswith("delete") else b""
    return "_work" in request.url or b"_work/" in deleted


def kinds(request: Any) -> Mapping[str, int]:
    """Return the kinds of a request, each with how many it counts for."""
    address = urlsplit(request.url)
    _bucket, _, key = address.path.strip("/").partition("/")
    if request.method in ("GET", "HEAD"):
        if "list-type" in address.query:
            return {"lists": 1}
        return {"source" if key.startswith("source/") else "gets": 1}
    if request.method == "DELETE":
        return {"deletes": 1, "deleted": 1}
    if address.query.split("=")[0] == "delete":
        return {"deletes": 1, "deleted": len(re.findall(b"<Key>", request.body))}
    return {"puts": 1}
