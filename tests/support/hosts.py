"""Hosts on this machine: network namespaces, each with a cable to a switch that leads nowhere else.

They share the disk, and what is done to one is what can be done to a machine: its cable is pulled,
or it is gone.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")

_CLONE_NEWNET = 0x40000000
"""Of Linux's <sched.h>."""


class Network:
    """A switch, and the hosts that are made at it.

    Raises
    ------
    OSError
        There is no ``ip`` program.
    subprocess.CalledProcessError
        This machine does not let us make namespaces.
    """

    def __init__(self) -> None:
        self._prefix = f"redact-{os.getpid()}-"
        self._switch = f"{self._prefix}switch"
        self._hosts: list[Host] = []
        _ip("netns", "add", self._switch)
        try:
            _ip("-n", self._switch, "link", "add", "bridge", "up", "type", "bridge")
        except subprocess.CalledProcessError:
            self.close()
            raise

    def host(self, name: str) -> Host:
        """Return a new host, of an address that none had; its name has up to 15 characters."""
        address = f"10.77.0.{len(self._hosts) + 1}"
        self._hosts.append(Host(name, self._prefix + name, address, self._switch))
        return self._hosts[-1]

    def close(self) -> None:
        """End all that runs, and leave nothing."""
        for host in self._hosts:
            host.close()
        _ip("netns", "del", self._switch)


class Host:
    """A network namespace; made by `Network`.

    Parameters
    ----------
    name
        Of its cable at the switch.
    namespace
        Name of the namespace, which is made.
    address
        IPv4 address.
    switch
        Namespace of the switch.
    """

    def __init__(self, name: str, namespace: str, address: str, switch: str) -> None:
        self.address = address
        self.environment: dict[str, str] = {}
        """What its processes have besides our own; they have it from when they start."""
        self._name, self._namespace, self._switch = name, namespace, switch
        self._started: list[subprocess.Popen[bytes]] = []
        _ip("netns", "add", namespace)
        ends = ("type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", switch, "link", "add", name, *ends)
        self._plug("master", "bridge", "up")
        _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            _ip("-n", namespace, "link", "set", device, "up")

    @property
    def command(self) -> list[str]:
        """What a command begins with that is to run there."""
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        return ["ip", "netns", "exec", self._namespace, "env", *environment]

    def start(self, command: list[str], log: Path) -> None:
        """Start a process that lives as long as the host."""
        with log.open("ab") as file:
            started = subprocess.Popen([*self.command, *command], stdout=file, stderr=file)
        self._started.append(started)

    def call(
        self,
        function: Callable[Arguments, Returned],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Returned:
        """Call a function there, in a process that stays."""
        return self._process.submit(function, *arguments, **options).result()

    def cut(self) -> None:
        """Pull its cable: nobody is told."""
        self._plug("down")

    def connect(self) -> None:
        """Plug the cable in again."""
        self._plug("up")

    def lose(self) -> None:
        """Let it be gone, as by a power failure: its processes send no farewell."""
        self.cut()
        self.close()

    def close(self) -> None:
        """Kill all its processes, and remove it with its cable."""
        if not Path("/run/netns", self._namespace).exists():
            return
        for process in _ip("netns", "pids", self._namespace).split():
            os.kill(int(process), signal.SIGKILL)
        for started in self._started:
            started.wait(60)
        if "_process" in vars(self):
            self._process.shutdown()
        # The kernel takes its time to remove a namespace, and the cable with it.
        _ip("-n", self._switch, "link", "del", self._name)
        _ip("netns", "del", self._namespace)

    def _plug(self, *setting: str) -> None:
        _ip("-n", self._switch, "link", "set", self._name, *setting)

    @cached_property
    def _process(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1,
            multiprocessing.get_context("spawn"),
            initializer=_move,
            initargs=(self._namespace, self.environment),
        )


def _ip(*arguments: str) -> str:
    command = ["ip", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _move(namespace: str, environment: Mapping[str, str]) -> None:
    """Move this process, which has one thread yet, to another namespace."""
    os.environ.update(environment)
    with Path("/run/netns", namespace).open() as file:
        # os.setns() came with Python 3.12.
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
