"""Real processes, a stage that can be held in them, and what must be true when all is over."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import psutil
from distributed import Client
from holding import Holds
from waiting import until

from redact_dask import config, manifest, storage
from redact_dask.cluster import connect
from redact_dask.config import ClusterSettings
from redact_dask.storage import layout

SETTINGS: dict[str, Any] = {
    "detect": {"detectors": ["magenta"], "every": 1},
    "encode": {"preset": "ultrafast"},
    "chunk": {"seconds": 0.9},
    "redact": {"style": "solid"},
}

OWN = ("_manifest/", "_work/", "_kept/")
"""How the paths of files begin that are no videos."""

Frames = Mapping[str, str]
"""A hash of all decoded frames of each video, by its path."""
Call = Callable[..., Any]


def decoded(url: str) -> str:
    """Return a hash of all decoded frames with their times."""
    digest = hashlib.sha256()
    with storage.open_read(url) as file, av.open(file) as container:
        for frame in container.decode(video=0):
            digest.update(f"{frame.pts} {frame.time_base}".encode())
            digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


def upload(folder: Path, url: str) -> None:
    """Copy all videos of a folder to a store."""
    for path in folder.rglob("*.m*"):
        storage.publish(path, storage.join(url, str(path.relative_to(folder))))


def state(url: str) -> dict[str, tuple[str, float | None]]:
    """Return version and time of each file below a folder, by its URL."""
    found = storage.find(url).items()
    return {name: (storage.version(info), storage.modified(info)) for name, info in found}


def outcome(destination: str) -> dict[str, Any]:
    """Return what there is to be seen of a run, or several, to a destination.

    Parameters
    ----------
    destination
        URL of its root.
    """
    root = storage.canonical(destination) + "/"
    rows = manifest.read(layout.manifest(destination), "videos").to_pylist()
    published = [row for row in rows if row["status"] == "published"]
    outputs = sorted(row["output"].removeprefix(root) for row in published)
    files = sorted(url.removeprefix(root) for url in storage.find(destination))
    top = {name.partition("/")[0] for name in files}
    if (path := storage.local_path(destination)) is not None:
        top |= {found.name for found in Path(path).iterdir()}  # Empty folders too.
    return {
        "published": outputs,
        "fingerprints": {row["fingerprint"] for row in published},
        "files": [name for name in files if not name.startswith(OWN)],
        "top": top,
        "frames": {name: decoded(root + name) for name in files if name in outputs},
    }


def assert_published(
    destination: str,
    expected: Frames,
    settings: Mapping[str, Any] = SETTINGS,
    *,
    work: bool = False,
    call: Call = lambda function, *arguments: function(*arguments),
) -> None:
    """Check that each video is published once, as if nothing had happened, and nothing is left.

    Parameters
    ----------
    destination
        URL of its root.
    expected
        The frames of each video that must be there.
    settings
        Of the run.
    work
        Whether something must have been left in the work area, of a video that is not published.
    call
        Calls a function where the destination can be reached.
    """
    beside = {"_manifest", "_kept", "_work"} if work else {"_manifest", "_kept"}
    wanted = {
        "published": sorted(expected),
        "fingerprints": {config.validate(settings).fingerprint},
        "files": sorted(expected),
        "top": {name.partition("/")[0] for name in expected} | beside,
        "frames": {**expected},
    }
    found = call(outcome, destination)
    assert found == wanted, f"{found}\nis not\n{wanted}"


class Processes:
    """A scheduler and a ``dask worker`` with two processes, each with its nanny.

    Parameters
    ----------
    folder
        Empty: for logs, and what the workers put on their disk.
    environment
        Of the workers, besides this process's own.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self._environment = {"TMPDIR": str(folder), "DASK_TEMPORARY_DIRECTORY": str(folder)}
        self._environment |= environment
        self._running: list[subprocess.Popen[bytes]] = []
        self._file = folder / "scheduler.json"
        options = ["--port=0", "--dashboard-address=127.0.0.1:0", f"--scheduler-file={self._file}"]
        self.scheduler = self._start("scheduler", *options)
        self.worker = self._start_worker()
        with Client(scheduler_file=str(self._file), timeout=120) as client:
            client.wait_for_workers(2, timeout=120)
            self.reach = {"address": client.scheduler.address}
            """The settings by which it is reached."""

    @property
    def scratch(self) -> list[Path]:
        """What there is in the folders of the stages."""
        return [*Path(self._environment["TMPDIR"]).glob("redact_dask-*/*")]

    def replace_worker(self) -> subprocess.Popen[bytes]:
        """Tell the ``dask worker`` to end, start another one, and return the one that ends."""
        ended = self.worker
        ended.send_signal(signal.SIGTERM)
        self.worker = self._start_worker()
        return ended

    def hold(self, place: str, folder: Path) -> Hold:
        """Hold the first task that comes to a place, one of `holding.PLACES`."""
        hold = Hold(folder)
        register_hold(self.reach, place, folder)
        return hold

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process and all that it has started."""
        family = [*psutil.Process(process.pid).children(recursive=True)]
        process.kill()
        for member in family:
            member.kill()
        process.wait(60)

    def close(self) -> None:
        """End all that runs."""
        for process in reversed(self._running):
            if process.poll() is None:
                self.kill(process)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        options = ["--nworkers=2", "--nthreads=1", "--no-dashboard"]
        return self._start("worker", f"--scheduler-file={self._file}", *options)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments, "--host=127.0.0.1"]
        with (self._folder / "log").open("ab") as log:
            started = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | self._environment
            )
        self._running.append(started)
        return started


def wait_for_workers(reach: Mapping[str, Any], number: int) -> None:
    """Wait until a cluster that is reached by some settings has a number of workers."""
    with connect.connect(ClusterSettings.model_validate(reach)) as client:
        client.wait_for_workers(number, timeout=120)


def register_hold(
    reach: Mapping[str, Any], place: str, folder: Path, host: str | None = None
) -> None:
    """Let a cluster's workers look at a `Hold`.

    Parameters
    ----------
    reach
        The settings by which it is reached.
    place
        One of `holding.PLACES`.
    folder
        Of the hold.
    host
        Address of the only host where a task is to be held; none: any will do.
    """
    with connect.connect(ClusterSettings.model_validate(reach)) as client:
        client.register_plugin(Holds(place, str(folder), host))


class Hold:
    """A task that waits at a place in one of the worker processes.

    Parameters
    ----------
    folder
        By which it is told.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "hold").touch()

    def process(self) -> int:
        """Wait until a task is held, and return the number of its process."""
        held = self._folder / "held"
        until(lambda: held.exists() and held.read_text(), "the stage to begin")
        return int(held.read_text())

    def release(self) -> None:
        """Let it go on, and all that come after."""
        (self._folder / "hold").unlink()

    def wait_for_its_end(self) -> None:
        """Wait until the stage that was held has ended, for good or ill."""
        until((self._folder / "ended").exists, "the held stage to end")


class Run:
    """``redact-dask run`` in a process of its own.

    Parameters
    ----------
    source, destination
        Arguments.
    reach
        The settings by which the cluster is reached.
    settings
        All others.
    command
        What the command begins with.
    """

    def __init__(
        self,
        source: object,
        destination: object,
        reach: Mapping[str, Any],
        settings: Mapping[str, Any] = SETTINGS,
        command: Sequence[str] = (),
    ) -> None:
        program = [*command, sys.executable, "-m", "redact_dask"]
        arguments = ["run", str(source), str(destination), "--json"]
        for section, given in {**settings, "cluster": reach}.items():
            arguments += ["--set", f"{section}={json.dumps(given)}"]
        self.process = subprocess.Popen(
            [*program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self, within: float = 200) -> tuple[int, str]:
        """Wait for the end; return exit code and all that was told."""
        output, errors = self.process.communicate(timeout=within)
        assert "Traceback" not in errors, errors
        return self.process.returncode, output + errors

    def summary(self) -> dict[str, Any]:
        """Wait for the end of a run that goes to its end, and return what it was."""
        code, told = self.finish()
        assert code in (0, 3), told
        found: dict[str, Any] = next(
            json.loads(line) for line in told.splitlines() if line.startswith("{")
        )
        return found


StartRun = Callable[..., Run]
StartCluster = Callable[..., Processes]
