"""ECS and EC2 as moto has them, whose containers are processes of this machine.

moto takes the calls by which containers are started, and starts none. A proxy before it runs their
commands with programs that stand for those of the image. Each container has a loopback address of
its own: what moto calls 10.1.2.3 is 127.1.2.3.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psutil
import pytest
import yaml
from installed import Installed
from moto.moto_api import state_manager
from recording import Recorded, client, recorded
from store_proxy import Answer, Forward, Request, proxy

_PRIVATE = re.compile(rb"\b(?:10|172|192)(?=\.\d+\.\d+\.\d+\b)")

_DOCKER = r"""#!/bin/sh
# docker run --net=host IMAGE COMMAND...
shift 3
case "$*" in
    *dask_scheduler*) exec "$@" --host="$ADDRESS" --dashboard-address="$ADDRESS:8787" ;;
    *) exec "$@" ;;
esac
"""

_DASK = r"""#!/bin/sh
exec {python} -m dask {role} "$@" --host="$ADDRESS" --dashboard-address="$ADDRESS:8787"
"""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of AWS's API."""

    action: str
    """As a policy names it: ``ecs:RunTask``."""
    given: Mapping[str, Any]
    """Parameters; those of EC2 and IAM have flat names and lists of texts."""


@dataclass
class Containers:
    """What runs, and each call that came.

    Parameters
    ----------
    store
        moto's server.
    folder
        Empty: for programs and logs.
    installed
        What the image has.
    """

    store: Recorded
    folder: Path
    installed: Installed
    url: str = ""
    """Where AWS is reached."""
    calls: list[Call] = field(default_factory=list)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = {"docker": _DOCKER}
        for role in ("scheduler", "worker"):
            programs[f"dask-{role}"] = _DASK.format(python=self.installed.python, role=role)
        for name, text in programs.items():
            program = self.folder / name
            program.write_text(text)
            program.chmod(0o755)

    def __call__(self, request: Request, forward: Forward) -> Answer:
        call = _call(request)
        self.calls.append(call)
        answer = forward(request)
        if answer.status < 300 and call.action.startswith(("ecs:", "ec2:")):
            answer.body = _PRIVATE.sub(b"127", answer.body)
            self._follow(call, answer.body)
        return answer

    @property
    def environment(self) -> dict[str, str]:
        """What a driver needs to reach AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def given(self, action: str) -> list[Mapping[str, Any]]:
        """Return the parameters of each call of an action."""
        return [call.given for call in self.calls if call.action == action]

    def close(self) -> None:
        """Kill all that runs."""
        for name in [*self._running]:
            self._kill(name)

    def _follow(self, call: Call, answer: bytes) -> None:
        """Do what AWS would, of a call that moto has answered."""
        match call.action:
            case "ecs:RunTask":
                (task,) = json.loads(answer)["tasks"]
                (container,) = task["overrides"]["containerOverrides"]
                (attachment,) = task["attachments"]
                details = {each["name"]: each["value"] for each in attachment["details"]}
                address = details["privateIPv4Address"]
                self._start(task["taskArn"], container["command"], address)
            case "ecs:StopTask":
                self._kill(json.loads(answer)["task"]["taskArn"])
            case "ec2:RunInstances":
                (name,) = re.findall(r"<instanceId>(.+?)</instanceId>", answer.decode())
                address = re.findall(r"<privateIpAddress>(.+?)</", answer.decode())[0]
                self._start(name, ["sh", "-c", container_of(user_data(call.given))], address)
            case "ec2:TerminateInstances":
                self._kill(call.given["InstanceId.1"][0])

    def _start(self, name: str, command: list[str], address: str) -> None:
        path = [str(self.folder), str(self.installed.python.parent), os.environ["PATH"]]
        environment = self.installed.environment | {
            "ADDRESS": address,
            "PATH": os.pathsep.join(path),
            "TMPDIR": str(self.folder),
        }
        with (self.folder / "log").open("ab") as log:
            self._running[name] = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def _kill(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is None or process.poll() is not None:
            return
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for member in family:
            member.kill()
        process.wait(60)


def user_data(given: Mapping[str, Any]) -> str:
    """Return the user data of an instance, out of the parameters of its call."""
    (encoded,) = given["UserData"]
    return b64decode(encoded).decode()


def container_of(text: str) -> str:
    """Return the command line by which user data runs a container."""
    (line,) = (each for each in yaml.safe_load(text)["runcmd"] if each.startswith("docker run"))
    assert shlex.split(line)[2] == "--net=host"
    return str(line)


def _call(request: Request) -> Call:
    headers = {name.lower(): value for name, value in request.headers.items()}
    service = headers["authorization"].split("Credential=")[1].split("/")[3]
    if target := headers.get("x-amz-target"):
        return Call(f"{service}:{target.rpartition('.')[2]}", json.loads(request.body or b"{}"))
    given = parse_qs(request.body.decode(), keep_blank_values=True)
    return Call(f"{service}:{given['Action'][0]}", given)


@contextmanager
def containers(folder: Path, installed: Installed) -> Iterator[Containers]:
    """Run moto's server and the proxy before it."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as running:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        store = running.enter_context(recorded())
        found = Containers(store, folder, installed)
        # By itself, moto ends a task after some questions about it.
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**9})
        running.callback(state_manager.unset_transition, "ecs::task")
        # AWS has this setting by itself.
        client(store, "ecs").put_account_setting(name="taskLongArnFormat", value="enabled")
        running.callback(found.close)
        found.url = running.enter_context(proxy(store.store, found))
        yield found
