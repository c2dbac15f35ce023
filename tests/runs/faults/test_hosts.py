"""A host is lost, or cut off and connected again: what it does too late does no harm.

Scheduler, two workers, store and driver each have a host, and nothing but a network between them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import (
    Frames,
    Hold,
    StartRun,
    assert_published,
    register_hold,
    upload,
    wait_for_workers,
)
from hosts import Host, Network
from seaweedfs import BUCKET, Server, make_bucket
from waiting import until

pytestmark = pytest.mark.chaos

SOURCE = f"s3://{BUCKET}/fleet"
NOTICES_SOON = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s"}
"""A connection over which nothing comes is given up after so long; Dask takes no less."""
NOTICES_LATE = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "10 minutes"}


class Site:
    """All hosts but one worker's, and their processes, which speak TLS.

    Parameters
    ----------
    network
        Of the hosts.
    tls
        Settings of ``cluster.security``.
    folder
        For what the processes put on their disks, and logs.
    """

    def __init__(self, network: Network, tls: dict[str, str], folder: Path) -> None:
        self._network, self._tls, self._folder = network, tls, folder
        scheduler, store = network.host("scheduler"), network.host("store")
        scheduler.environment |= NOTICES_SOON
        ready = folder / "scheduler.json"
        self._dask(scheduler, "scheduler", "--port=8786", f"--scheduler-file={ready}")
        self._store = Server(folder, store.address)
        store.start(self._store.command, folder / "store.log")
        self._address = f"tls://{scheduler.address}:8786"
        self.reach = {"address": self._address, "security": tls}
        """The settings by which the scheduler is reached."""
        self.start_worker("south", NOTICES_SOON)
        self.driver = network.host("driver")
        self.driver.environment |= self._store.environment
        self.driver.call(make_bucket)
        until(ready.exists, "the scheduler")

    def start_worker(self, name: str, environment: dict[str, str]) -> Host:
        """Start a worker on a new host."""
        host = self._network.host(name)
        host.environment |= self._store.environment | environment
        options = ["--nworkers=1", "--nthreads=1", "--no-dashboard"]
        self._dask(host, "worker", self._address, *options)
        return host

    def _dask(self, host: Host, role: str, *options: str) -> None:
        disk = self._folder / host.address
        disk.mkdir()
        host.environment |= {"TMPDIR": str(disk), "DASK_TEMPORARY_DIRECTORY": str(disk)}
        files = [f"--tls-ca-file={self._tls['ca_file']}"]
        files += [f"--tls-cert={self._tls['cert']}", f"--tls-key={self._tls['key']}"]
        command = [sys.executable, "-m", "dask", role, *options, *files]
        command += ["--protocol=tls", f"--host={host.address}"]
        host.start(command, self._folder / f"{role}.log")


@pytest.fixture(scope="module")
def site(
    network: Network, tls: dict[str, str], fleet: Path, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """A site whose store has the fleet."""
    made = Site(network, tls, tmp_path_factory.mktemp("site"))
    made.driver.call(upload, fleet, SOURCE)
    return made


@pytest.fixture
def north(site: Site) -> Iterator[Host]:
    """A host with the other worker: it still believes in its connections when it comes back."""
    host = site.start_worker("north", NOTICES_LATE)
    site.driver.call(wait_for_workers, site.reach, 2)
    yield host
    host.close()


def test_a_host_is_lost(
    site: Site, north: Host, start_run: StartRun, undisturbed: Frames, tmp_path: Path
) -> None:
    destination = f"s3://{BUCKET}/lost"
    hold = Hold(tmp_path)
    site.driver.call(register_hold, site.reach, "render", tmp_path, north.address)
    run = start_run(destination, site.reach, SOURCE, command=site.driver.command)
    hold.process()
    north.lose()
    assert run.summary()["published"] == len(undisturbed)
    assert_published(destination, undisturbed, call=site.driver.call)


@pytest.mark.parametrize("place", ["render", "join"])
def test_a_host_is_cut_off_and_comes_back_too_late(
    place: str,
    site: Site,
    north: Host,
    start_run: StartRun,
    undisturbed: Frames,
    tmp_path: Path,
) -> None:
    destination = f"s3://{BUCKET}/{place}"
    command = site.driver.command
    hold = Hold(tmp_path)
    site.driver.call(register_hold, site.reach, place, tmp_path, north.address)
    run = start_run(destination, site.reach, SOURCE, command=command)
    hold.process()
    north.cut()
    assert run.summary()["published"] == len(undisturbed)
    north.connect()
    hold.release()
    hold.wait_for_its_end()  # What it writes too late is there now, if the store has taken it.
    again = start_run(destination, site.reach, SOURCE, command=command).summary()
    assert (again["published"], again["skipped"]) == (0, len(undisturbed))
    assert_published(destination, undisturbed, call=site.driver.call)
