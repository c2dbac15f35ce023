"""A worker's stage that waits at a known place, so that something can be done to it there."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path
from typing import Any, Literal

from distributed import Worker, WorkerPlugin

from redact_dask import stages


class Holds(WorkerPlugin):
    """Lets the first task of a stage wait, before its work or after it.

    Parameters
    ----------
    stage
        Name of the stage.
    when
        Before it has done anything, or when all is done but told.
    folder
        Where ``held`` tells the process that waits, and where it waits while ``hold`` is there.
    """

    name = "holds"

    def __init__(self, stage: str, when: Literal["before", "after"], folder: str) -> None:
        self._stage = stage
        self._when = when
        self._folder = Path(folder)

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts."""
        self._real = getattr(stages, self._stage)

        @functools.wraps(self._real)
        def held(*arguments: Any) -> Any:
            if self._when == "before":
                self._wait()
            result = self._real(*arguments)
            if self._when == "after":
                self._wait()
            return result

        setattr(stages, self._stage, held)

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run when it is taken away."""
        setattr(stages, self._stage, self._real)

    def _wait(self) -> None:
        try:
            (self._folder / "held").touch(exist_ok=False)
        except FileExistsError:
            return
        (self._folder / "held").write_text(str(os.getpid()))
        while (self._folder / "hold").exists():
            time.sleep(0.05)
