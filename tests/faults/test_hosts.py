"""A host is lost, or cut off and connected again: what it does too late does no harm.

Scheduler, two workers, store and driver each have a host, and nothing but a network between them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from harness import (
    Frames,
    Hold,
    StartRun,
    assert_published,
    register_hold,
    state,
    until,
    upload,
    wait_for_workers,
)
from hosts import Host, Network
from seaweedfs import BUCKET, Server, make_bucket

pytestmark = pytest.mark.chaos

SOURCE, DESTINATION = f"s3://{BUCKET}/fleet", f"s3://{BUCKET}/redacted"
NOTICES_SOON = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s"}
"""A connection over which nothing comes is given up after so long; Dask takes no less."""
NOTICES_LATE = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "10 minutes"}


class Site:
    """The hosts and their processes, which speak TLS."""

    def __init__(self, network: Network, tls: dict[str, str], folder: Path) -> None:
        self._folder = folder
        self._tls = tls
        store, scheduler = network.host("store"), network.host("scheduler")
        self.north, self.south = network.host("north"), network.host("south")
        self.driver = network.host("driver")
        server = Server(folder, store.address)
        store.start(server.command, folder / "store.log")
        for host in (self.north, self.south, self.driver):
            host.environment |= server.environment
        address = f"tls://{scheduler.address}:8786"
        self.reach = {"address": address, "security": tls}
        scheduler.environment |= NOTICES_SOON
        ready = folder / "scheduler.json"
        options = ["--port=8786", "--dashboard-address=127.0.0.1:0", f"--scheduler-file={ready}"]
        self._dask(scheduler, "scheduler", *options)
        # The host that things happen to still believes in its connections when it comes back.
        self.north.environment |= NOTICES_LATE
        self.south.environment |= NOTICES_SOON
        for host in (self.north, self.south):
            options = [address, "--nworkers=1", "--nthreads=1", "--no-dashboard"]
            self._dask(host, "worker", *options)
        self.driver.call(make_bucket)
        until(ready.exists, "the scheduler")
        self.driver.call(wait_for_workers, self.reach, 2)

    def hold(self, place: str, folder: Path) -> Hold:
        """Hold the first task of the northern host that comes to a place."""
        hold = Hold(folder)
        self.driver.call(register_hold, self.reach, place, folder, self.north.address)
        return hold

    def _dask(self, host: Host, role: str, *options: str) -> None:
        folder = self._folder / host.address
        folder.mkdir()
        host.environment |= {"TMPDIR": str(folder), "DASK_TEMPORARY_DIRECTORY": str(folder)}
        files = [f"--tls-ca-file={self._tls['ca_file']}"]
        files += [f"--tls-cert={self._tls['cert']}", f"--tls-key={self._tls['key']}"]
        command = [sys.executable, "-m", "dask", role, *options, *files, "--protocol=tls"]
        host.start([*command, f"--host={host.address}"], self._folder / f"{role}.log")


@pytest.fixture
def site(network: Network, tls: dict[str, str], fleet: Path, tmp_path: Path) -> Site:
    """A site whose store has the fleet."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = Site(network, tls, folder)
    made.driver.call(upload, fleet, SOURCE)
    return made


def test_a_host_is_lost(
    site: Site, start_run: StartRun, undisturbed: Frames, tmp_path: Path
) -> None:
    hold = site.hold("render", tmp_path)
    run = start_run(DESTINATION, site.reach, SOURCE, command=site.driver.command)
    hold.process()
    site.north.lose()
    assert run.summary()["published"] == len(undisturbed)
    site.driver.call(assert_published, DESTINATION, undisturbed)


@pytest.mark.parametrize("place", ["render", "join"])
def test_a_host_is_cut_off_and_comes_back_too_late(
    place: str, site: Site, start_run: StartRun, undisturbed: Frames, tmp_path: Path
) -> None:
    hold = site.hold(place, tmp_path)
    run = start_run(DESTINATION, site.reach, SOURCE, command=site.driver.command)
    hold.process()
    site.north.cut()
    assert run.summary()["published"] == len(undisturbed)
    before = site.driver.call(state, DESTINATION)
    site.north.connect()
    hold.release()
    hold.wait_for_its_end()
    assert site.driver.call(state, DESTINATION) != before
    again = start_run(DESTINATION, site.reach, SOURCE, command=site.driver.command).summary()
    assert (again["published"], again["skipped"]) == (0, len(undisturbed))
    site.driver.call(assert_published, DESTINATION, undisturbed)
