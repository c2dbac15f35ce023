"""The ready configurations name classes that exist, and arguments that those classes take.

What a typing error or another version of a package would break is found here, within a second;
`tests/runs/clusters` runs those that can be started on one machine.
"""

from __future__ import annotations

import inspect
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from distributed import Nanny, Scheduler, Worker
from distributed.deploy import Adaptive, SpecCluster
from project import ROOT

from redact_dask import config
from redact_dask.cluster import connect
from redact_dask.config import ClusterSettings

CLASSES = {
    file.stem: settings
    for file in sorted(ROOT.glob("configs/*.yaml"))
    if (settings := config.load(file).cluster).class_path
}


def made_by(settings: ClusterSettings) -> Any:
    """Return the class of a configuration, or skip the test where its package is missing."""
    assert settings.class_path
    package = settings.class_path.partition(".")[0].replace("_", "-")
    try:
        version(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    return connect.class_of(settings.class_path)


def parameters(*classes: Any) -> set[str]:
    """Return the names that classes and what they inherit from, or functions, take."""
    inherited = {above for each in classes for above in getattr(each, "__mro__", (each,))}
    return {
        parameter.name
        for each in inherited
        for parameter in inspect.signature(
            each.__init__ if inspect.isclass(each) else each
        ).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def test_each_kind_of_cluster_has_a_configuration() -> None:
    assert {*CLASSES} == {"ssh", "kubernetes", "fargate", "ec2", "slurm", "gateway"}


@pytest.mark.parametrize("name", CLASSES)
def test_the_arguments_are_those_of_the_class(name: str) -> None:
    settings = CLASSES[name]
    made = made_by(settings)
    known = parameters(made, getattr(made, "job_cls", made))
    assert {*settings.kwargs} <= known
    for options, takers in (
        ("scheduler_options", (Scheduler,)),
        ("worker_options", (Worker, Nanny)),
    ):
        assert {*settings.kwargs.get(options, ())} <= parameters(*takers) | {"n_workers"}
    if settings.adapt:
        adapt = settings.adapt.model_dump(exclude_none=True)
        inspect.signature(made.adapt).bind(None, **adapt)
        if issubclass(made, SpecCluster):
            assert {*adapt} <= parameters(Adaptive)


@pytest.mark.parametrize("name", ["ssh", "slurm"])
def test_what_listens_on_this_machine_shows_its_dashboard_to_nobody_else(name: str) -> None:
    dashboard = CLASSES[name].kwargs["scheduler_options"]["dashboard_address"]
    assert dashboard.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", ["fargate", "ec2"])
def test_what_aws_starts_is_not_open_to_the_world(name: str) -> None:
    """The classes make a group that lets everybody in, unless they are given one."""
    kwargs = CLASSES[name].kwargs
    assert kwargs["security_groups"]
    assert kwargs.get("fargate_use_private_ip") or kwargs.get("use_private_ip")


def test_a_slurm_job_is_as_many_workers_of_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = CLASSES["slurm"]
    made = made_by(settings)
    monkeypatch.chdir(tmp_path)
    here = settings.kwargs["scheduler_options"] | {"host": "127.0.0.1"}
    with made(**settings.kwargs | {"scheduler_options": here}) as started:
        script = started.job_script()
    assert "#SBATCH --cpus-per-task=8" in script
    assert "#SBATCH -p batch" in script
    assert "--nthreads 1 " in script
    assert "--nworkers 8 " in script
    assert "--tls-ca-file" in script


def schema_of_the_operator() -> dict[str, Any]:
    """Return the schema that the Dask Operator has for a cluster; no other names are known."""
    chart = files("dask_kubernetes") / "operator/deployment/helm/dask-kubernetes-operator"
    path = chart / "crds" / "daskcluster.yaml"
    definition = yaml.safe_load(path.read_text())
    (newest,) = (each for each in definition["spec"]["versions"] if each["storage"])
    schema: dict[str, Any] = newest["schema"]["openAPIV3Schema"]

    def close(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("properties"), dict) and not part.get(
                "x-kubernetes-preserve-unknown-fields"
            ):
                part.setdefault("additionalProperties", False)
            for value in part.values():
                close(value)
        elif isinstance(part, list):
            for value in part:
                close(value)

    for name in ("apiVersion", "kind", "metadata"):
        schema["properties"].setdefault(name, {})
    close(schema)
    return schema


def test_a_pod_runs_one_worker_of_one_thread() -> None:
    settings = CLASSES["kubernetes"]
    made_by(settings)
    from dask_kubernetes.operator.kubecluster.kubecluster import make_cluster_spec  # noqa: PLC0415

    taken = ("image", "n_workers", "resources", "env", "worker_command", "idle_timeout")
    given = {name: settings.kwargs[name] for name in taken}
    made = make_cluster_spec(name="redact", **given)
    jsonschema.validate(made, schema_of_the_operator())
    spec = made["spec"]
    (container,) = spec["worker"]["spec"]["containers"]
    assert container["args"][:4] == ["dask", "worker", "--nthreads", "1"]
    assert container["image"] == given["image"]
    (scheduler,) = spec["scheduler"]["spec"]["containers"]
    assert scheduler["args"][0] == "dask-scheduler"  # What the image brings: see test_image.


def test_ssh_takes_dasks_tls_as_the_comment_says() -> None:
    text = (ROOT / "configs" / "ssh.yaml").read_text()
    commented = [line.removeprefix("  # ") for line in text.splitlines() if line.startswith("  # ")]
    shown = yaml.safe_load("\n".join(commented[1:]))
    given = config.load(ROOT / "configs" / "ssh.yaml").cluster.model_dump(by_alias=True)
    assert config.validate({"cluster": given | shown}).cluster.dask == shown["dask"]
