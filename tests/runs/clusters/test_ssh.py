"""Hosts that are reached by SSH, as ``configs/ssh.yaml`` describes them.

Each is a network namespace with an address and an SSH server of its own, and so is the driver's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sshd
from hosts import Host, Network
from ready import Fleet, with_names

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not sshd.is_installed(), reason="sshd is not installed: apt-get install openssh-server"
    ),
]


@pytest.fixture
def hosts(network: Network, fleet: Fleet, tmp_path: Path) -> Iterator[list[Host]]:
    """The driver's host, then three that it can reach."""
    made = [network.host(f"ssh{number}") for number in range(4)]
    keys = sshd.Keys(tmp_path)
    for host in made[1:]:
        keys.serve(host, {})
    made[0].environment = {"HOME": str(keys.home)}
    yield made
    for host in made:
        host.close()


@pytest.fixture
def config(hosts: list[Host], fleet: Fleet, tmp_path: Path) -> Path:
    """The ready configuration with the names of these hosts."""
    scheduler, *workers = (host.address for host in hosts[1:])
    names = {
        "[10.0.0.10, 10.0.0.11, 10.0.0.12]": json.dumps([scheduler, *workers]),
        "host: 10.0.0.10": f"host: {scheduler}",
        "username: fleet": "username: root",
        "/opt/redact-dask/bin/python": fleet.installed.python,
        "n_workers: 4": "n_workers: 1",
        "10 minutes": "30 s",
    }
    return with_names("ssh", tmp_path, names)


def test_hosts_that_ssh_reaches(
    hosts: list[Host], config: Path, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.publishes_the_same_bytes_whoever_dies(tmp_path, config, command=hosts[0].command)
    fleet.wait_for_the_end()
