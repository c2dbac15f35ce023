"""Real processes, a stage that can be held in them, and what must be true when all is over."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import psutil
from distributed import Client
from holding import Holds

from redact_dask import manifest, storage

NAMES = ("a.mp4", "b.mp4", "c.mp4")
SETTINGS = {
    "detect": {"detectors": ["magenta"], "every": 1},
    "encode": {"preset": "ultrafast"},
    "chunk": {"seconds": 0.9},
    "redact": {"style": "solid"},
}
OPTIONS = ["--detector", "magenta", "--set", "detect.every=1", "--set", "encode.preset=ultrafast"]
OPTIONS += ["--set", "chunk.seconds=0.9", "--set", "redact.style=solid"]

Frames = dict[str, str]


def until(condition: Callable[[], object], what: str, within: float = 60) -> None:
    """Wait for something that must come."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def decoded(url: str) -> str:
    """Return a hash of all decoded frames with their times."""
    digest = hashlib.sha256()
    with storage.open_read(url) as file, av.open(file) as container:
        for frame in container.decode(video=0):
            digest.update(f"{frame.pts} {frame.time_base}".encode())
            digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


def assert_all_is_well(destination: str, undisturbed: Frames) -> None:
    """Check that each video is published once, as if nothing had happened, and nothing is left."""
    rows = manifest.read(manifest.root(destination), "videos").to_pylist()
    published = [row["output"] for row in rows if row["status"] == "published"]
    there = {
        url.removeprefix(storage.canonical(destination) + "/") for url in storage.find(destination)
    }
    assert {name for name in there if not name.startswith("_manifest/")} == {*undisturbed}
    assert sorted(url.rpartition("/")[2] for url in published) == sorted(undisturbed)
    for name, frames in undisturbed.items():
        assert decoded(storage.join(destination, name)) == frames, name


class Processes:
    """A scheduler and a ``dask worker`` with two processes, each with its nanny."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        (folder / "scheduler").mkdir()
        file = folder / "scheduler" / "scheduler.json"
        options = ["--port=0", "--dashboard-address=127.0.0.1:0", f"--scheduler-file={file}"]
        self.scheduler = self._start("scheduler", *options)
        self._file = file
        self.worker = self.start_worker()
        with Client(scheduler_file=str(file), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            self.address: str = client.scheduler.address

    def start_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start another ``dask worker``."""
        options = ["--nworkers=2", "--nthreads=1", "--no-dashboard"]
        return self._start("worker", f"--scheduler-file={self._file}", *options, **environment)

    def _start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments, "--host=127.0.0.1"]
        log = (self._folder / "log").open("ab")
        started = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | environment, cwd=self._folder
        )
        self._running.append(started)
        return started

    def stop(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
        """End a process and all that it has started."""
        family = [*psutil.Process(process.pid).children(recursive=True)]
        process.send_signal(number)
        if number == signal.SIGKILL:
            for member in family:
                member.kill()
        process.wait(60)

    def close(self) -> None:
        """End all that runs."""
        for process in reversed(self._running):
            if process.poll() is None:
                self.stop(process, signal.SIGKILL)


class Hold:
    """A stage that waits in one of the worker processes."""

    def __init__(self, folder: Path, address: str, stage: str, when: str) -> None:
        self._folder = folder
        (folder / "hold").touch()
        with Client(address) as client:
            client.register_plugin(Holds(stage, when, str(folder)))  # type: ignore[arg-type]

    def process(self) -> int:
        """Wait until the stage is held, and return the number of its process."""
        held = self._folder / "held"
        until(lambda: held.exists() and held.read_text(), "the stage to begin")
        return int(held.read_text())

    def release(self) -> None:
        """Let it go on, and all that come after."""
        (self._folder / "hold").unlink()


class Run:
    """``redact-dask run`` in a process of its own."""

    def __init__(self, source: object, destination: object, address: str, *options: str) -> None:
        command = [sys.executable, "-m", "redact_dask", "run", str(source), str(destination)]
        command += [*OPTIONS, "--set", f"cluster.address={address}", *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self, within: float = 120) -> tuple[int, str]:
        """Wait for the end; return exit code and all that was told."""
        output, errors = self.process.communicate(timeout=within)
        assert "Traceback" not in errors, errors
        return self.process.returncode, output + errors


StartRun = Callable[..., Run]
MakeHold = Callable[[str, str], Hold]
