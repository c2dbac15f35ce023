"""The ready configurations with other names, and a run by each that loses a worker."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from installed import Installed
from project import ROOT
from waiting import until

_CHUNKS = ["--detector", "yunet", "--set", "chunk.seconds=0.3"]
"""Each worker has several tasks to do, of a clip of four seconds."""


def with_names(name: str, folder: Path, names: Mapping[str, object]) -> Path:
    """Write a ready configuration with other names, as one would edit it; return its path.

    Parameters
    ----------
    name
        Of the file in ``configs/``, without its suffix.
    folder
        Receives the new file.
    names
        New text for each text of the file.
    """
    text = (ROOT / "configs" / f"{name}.yaml").read_text()
    for old, new in names.items():
        assert old in text, f"{name}.yaml has no {old}"
        text = text.replace(old, str(new))
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


@dataclass(frozen=True, slots=True)
class Fleet:
    """A clip, the installed package, and the bytes that a run on this machine makes of the clip."""

    clip: Path
    installed: Installed
    expected: str

    def start(
        self,
        destination: Path,
        config: Path,
        *,
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start ``redact-dask run`` of the wheel in a process of its own."""
        return subprocess.Popen(
            [*command, *run_of(self.installed, self.clip, destination, config)],
            cwd=config.parent,
            env=self.installed.environment | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def publishes_the_same_bytes_whoever_dies(
        self, folder: Path, config: Path, **options: Any
    ) -> None:
        """Kill a driver, run again, kill a worker that has tasks, and compare what is published.

        Parameters
        ----------
        folder
            Empty: for the destinations.
        config
            Path of the configuration.
        options
            Of `start`.
        """
        killed = self.start(folder / "killed", config, **options)
        until(self.workers, "a worker")
        killed.kill()
        killed.communicate()
        destination = folder / "redacted"
        run = self.start(destination, config, **options)
        try:
            self.kill_a_worker(run, destination)
            told, errors = run.communicate(timeout=200)
        finally:
            run.kill()
            run.communicate()
        assert run.returncode == 0, told + errors
        assert json.loads(told.splitlines()[-1])["published"] == 1
        assert digest(destination / self.clip.name) == self.expected

    def wait_for_the_end(self) -> None:
        """Wait until nothing is left of the runs, nor of the one whose driver was killed."""
        until(lambda: not self.processes(), "the end of all that runs have started")

    def kill_a_worker(self, run: subprocess.Popen[str], destination: Path) -> None:
        """Wait until something has been detected, and kill a worker: others' tasks go on."""

        def begun() -> bool:
            assert run.poll() is None, "".join(run.communicate())
            return any(path.is_file() for path in (destination / "_work").rglob("*"))

        until(begun, "the first detections")
        os.kill(self.workers()[0].pid, signal.SIGKILL)

    def workers(self) -> list[psutil.Process]:
        """Return the processes that nannies have started from the wheel's environment."""
        return [
            process
            for process in self.processes()
            if any("spawn_main" in word for word in process.info["cmdline"])
        ]

    def processes(self) -> list[psutil.Process]:
        """Return all processes of the wheel's environment."""
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if (process.info["cmdline"] or [""])[0] == str(self.installed.python)
        ]


def run_of(installed: Installed, source: Path, destination: Path, config: Path) -> list[str]:
    """Return the command line of a run."""
    given = ["run", source, destination, "--config", config, "--json", *_CHUNKS]
    return [str(installed.program), *map(str, given)]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
