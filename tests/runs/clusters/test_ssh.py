"""Hosts that are reached by SSH, as ``configs/ssh.yaml`` describes them.

Each is a network namespace with an address and an SSH server of its own, and so is the driver's.
They share the disk, where all are one account, or two of them are accounts that share a group only.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sshd
from accounts import Account, accounts, open_for_all
from hosts import Host, Network
from ready import Fleet, digest, with_names

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
    return with_names("ssh", tmp_path, names(hosts, fleet) | {"username: fleet": "username: root"})


def names(hosts: list[Host], fleet: Fleet) -> dict[str, object]:
    """Return the new text for each text of the ready configuration, but for the user's."""
    scheduler, *workers = (host.address for host in hosts[1:])
    return {
        "[10.0.0.10, 10.0.0.11, 10.0.0.12]": json.dumps([scheduler, *workers]),
        "host: 10.0.0.10": f"host: {scheduler}",
        "/opt/redact-dask/bin/python": fleet.installed.python,
        "n_workers: 4": "n_workers: 1",
        "10 minutes": "30 s",
    }


def test_hosts_that_ssh_reaches(
    hosts: list[Host], config: Path, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.publishes_the_same_bytes_whoever_dies(tmp_path, config, command=hosts[0].command)
    fleet.wait_for_the_end()


GROUP = "redact-fleet"
CLIPS = 6
"""So many that each account has some to work on, though its worker may come late."""


@pytest.fixture
def two() -> Iterator[list[Account]]:
    """Two accounts that share nothing but a group."""
    with accounts(GROUP, "redact-one", "redact-two") as made:
        yield made


@pytest.fixture
def apart(
    network: Network, fleet: Fleet, two: list[Account], tmp_path: Path
) -> Iterator[tuple[Host, Fleet, Path]]:
    """The driver's host, clips that all may read, and a configuration for hosts of two accounts.

    One account lets others read what it makes, the other one does not.
    """
    tmp_path.chmod(0o755)
    source = tmp_path / "source"
    source.mkdir()
    for number in range(CLIPS):
        shutil.copy(fleet.clip, source / f"{number}{fleet.clip.suffix}")
    hosts = [network.host(f"ssh{number}") for number in range(4)]
    keys = sshd.Keys(tmp_path)
    for host, umask in zip(hosts[1:], (0o022, 0o022, 0o077), strict=True):
        opened = open_for_all(umask, [tmp_path, fleet.installed.folder])
        keys.serve(host, {}, opened)
    hosts[0].environment = {"HOME": str(keys.home)}
    users = [{"username": name} for name in ("root", *(account.name for account in two))]
    new = names(hosts, fleet) | {"{username: fleet}": json.dumps(users)}
    yield hosts[0], replace(fleet, clip=source), with_names("ssh", tmp_path, new)
    for host in hosts:
        host.close()


def test_accounts_that_share_a_group_work_on_what_each_other_makes(
    apart: tuple[Host, Fleet, Path], two: list[Account], tmp_path: Path
) -> None:
    host, fleet, config = apart
    destination = tmp_path / "redacted"
    destination.mkdir()
    shutil.chown(destination, group=GROUP)
    destination.chmod(0o2770)
    run = fleet.start(destination, config, command=host.command)
    told, errors = run.communicate(timeout=400)
    assert run.returncode == 0, told + errors
    copies = [digest(path) for path in destination.iterdir() if path.is_file()]
    assert copies == [fleet.expected] * CLIPS
    made = [path for path in destination.rglob("*") if path.is_file()]
    assert {path.stat().st_uid for path in made} >= {account.number for account in two}
    assert {path.group() for path in made} == {GROUP}
    assert all(path.stat().st_mode & 0o060 == 0o060 for path in made), "the group reads and writes"
    assert not (destination / "_work").exists()


def test_accounts_that_share_no_group_are_told_before_a_run(
    apart: tuple[Host, Fleet, Path], two: list[Account], tmp_path: Path
) -> None:
    host, fleet, config = apart
    destination = tmp_path / "redacted"
    for folder in (destination, destination / "_work"):
        folder.mkdir()
        folder.chmod(0o777)
    doctor = [fleet.installed.program, "doctor", fleet.clip, destination, "--config", config]
    examined = subprocess.run(
        [*host.command, *map(str, doctor), "--detector", "yunet"],
        cwd=tmp_path,
        env=fleet.installed.environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert examined.returncode == 1, examined.stdout + examined.stderr
    wrong = [line for line in examined.stdout.splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 1, examined.stdout
    assert "accounts" in wrong[0]
    assert any(f"is account {account.number}, and cannot read" in wrong[0] for account in two)
    assert "chmod 2770 it before the first run" in wrong[0]
    assert not [path for path in destination.rglob("*") if path.is_file()], "nothing is left"
