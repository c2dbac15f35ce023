"""A worker's stage that waits at a known place, so that something can be done to it there."""

from __future__ import annotations

import functools
import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from distributed import Worker, WorkerPlugin
from distributed.comm import get_address_host

from redact_dask import storage
from redact_dask.media import index
from redact_dask.pipeline import checkpoints, stages
from redact_dask.tracking import tracker


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere inside a stage: before or after it calls a function."""

    stage: str
    module: ModuleType
    function: str
    after: bool = False


PLACES = {
    "probe": Place("probe", index, "scan", after=True),
    "detect": Place("detect", checkpoints, "save_detected"),
    "track": Place("track", tracker, "track"),
    "render": Place("render", storage, "write", after=True),
    "join": Place("join", storage, "publish"),
    "publish": Place("join", shutil, "copyfile", after=True),
    "published": Place("join", storage, "publish", after=True),
}
"""All is seen, and not committed; one segment is written, others are not; the video is joined, and
nothing of it published; it is copied, and not renamed; it is published, and nobody knows."""


class Holds(WorkerPlugin):
    """Lets the first task that comes to a place wait there.

    Parameters
    ----------
    place
        One of `PLACES`.
    folder
        Where ``held`` tells the process that waits, and where it waits while ``hold`` is there;
        when its stage has ended after all, ``ended`` is there.
    host
        Address of the only host where a task is to wait; none: any will do.
    """

    name = "holds"

    def __init__(self, place: str, folder: str, host: str | None = None) -> None:
        self._place = place
        self._folder = Path(folder)
        self._host = host

    def setup(self, worker: Worker) -> None:
        """Run on each worker when it starts."""
        place = PLACES[self._place]
        self._real: tuple[tuple[ModuleType, str, Any], ...] = ()
        if self._host not in (None, get_address_host(worker.address)):
            return
        running = threading.local()
        self._real = (
            (stages, place.stage, getattr(stages, place.stage)),
            (place.module, place.function, getattr(place.module, place.function)),
        )
        (_, _, stage), (_, _, function) = self._real

        @functools.wraps(stage)
        def noted(*arguments: Any) -> Any:
            running.here, running.held = True, False
            try:
                return stage(*arguments)
            finally:
                running.here = False
                if running.held:
                    (self._folder / "ended").touch()

        @functools.wraps(function)
        def holding(*arguments: Any, **options: Any) -> Any:
            if not getattr(running, "here", False):
                return function(*arguments, **options)
            if not place.after:
                running.held |= self._wait()
            result = function(*arguments, **options)
            if place.after:
                running.held |= self._wait()
            return result

        setattr(stages, place.stage, noted)
        setattr(place.module, place.function, holding)

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run when it is taken away."""
        for module, name, real in self._real:
            setattr(module, name, real)

    def _wait(self) -> bool:
        """Wait, if nobody has yet; tell whether."""
        try:
            (self._folder / "held").touch(exist_ok=False)
        except FileExistsError:
            return False
        (self._folder / "held").write_text(str(os.getpid()))
        while (self._folder / "hold").exists():
            time.sleep(0.05)
        return True
