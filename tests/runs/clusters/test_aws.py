"""Clusters of Fargate and EC2, as their ready files describe them.

moto takes the calls, and containers are processes of this machine: see `aws_containers`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_containers import Containers, container_of, containers, user_data
from ready import Fleet, with_names
from recording import client

from redact_dask import config, versions

pytest.importorskip("dask_cloudprovider", reason="pip install 'redact-dask[aws]'")
pytest.importorskip("cfnlint", reason="pip install cfn-lint")

import stacks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/redact-dask:{versions.own()}"
FEWER = {"minimum: 1": "minimum: 2", "10 minutes": "30 seconds"}
ZEROS = "0" * 17
NOT_SEEN = {"ecs:TagResource", "iam:PassRole"}
"""What AWS asks of who starts a task, beside the call itself."""


@pytest.fixture
def aws(fleet: Fleet, tmp_path: Path) -> Iterator[Containers]:
    """AWS, whose containers have the wheel."""
    folder = tmp_path / "containers"
    folder.mkdir()
    with containers(folder, fleet.installed) as running:
        yield running


def test_a_cluster_of_fargate(aws: Containers, fleet: Fleet, tmp_path: Path) -> None:
    iam, ecs = client(aws.store, "iam"), client(aws.store, "ecs")
    anything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    policy = iam.create_policy(PolicyName="redact-dask", PolicyDocument=document)["Policy"]["Arn"]
    subnet = client(aws.store, "ec2").describe_subnets()["Subnets"][0]
    template = stacks.template("fargate")
    given = {"Policy": policy, "Image": IMAGE, "Vpc": subnet["VpcId"]}
    group = stacks.deploy(aws.store, "redact-dask-fargate", template, **given)["Group"]
    register_tasks(aws, template["Resources"])
    names = {f"vpc-{ZEROS}": subnet["VpcId"], f"sg-{ZEROS}": group}
    names |= {f"subnet-{ZEROS}": subnet["SubnetId"], "maximum: 100": "maximum: 2"}
    path = with_names("fargate", tmp_path, names | FEWER)
    fleet.publishes_the_same_bytes_whoever_dies(tmp_path, path, environment=aws.environment)
    fleet.wait_for_the_end()

    kwargs = config.load(path).cluster.kwargs
    check_definitions(ecs, kwargs)
    (attached,) = template["Resources"]["TaskRole"]["Properties"]["ManagedPolicyArns"]
    assert attached == {"Ref": "Policy"}

    commands = []
    for task in aws.given("ecs:RunTask"):
        assert task["cluster"] == kwargs["cluster_arn"]
        assert task["networkConfiguration"]["awsvpcConfiguration"] == {
            "subnets": [subnet["SubnetId"]],
            "securityGroups": [group],
            "assignPublicIp": "DISABLED",
        }
        assert {"key": "createdBy", "value": "dask-cloudprovider"} in task["tags"]
        (container,) = task["overrides"]["containerOverrides"]
        assert container["environment"] == []
        (capacity,) = task["capacityProviderStrategy"]
        definition = task["taskDefinition"]
        commands.append((definition, capacity["capacityProvider"], container["command"]))
    scheduler = ["dask-scheduler", "--idle-timeout", "30 seconds"]
    schedulers = [each for each in commands if each[0] == "redact-dask-scheduler"]
    assert schedulers == [("redact-dask-scheduler", "FARGATE", scheduler)] * 2
    workers = [each for each in commands if each not in schedulers]
    assert len(workers) >= 2
    for definition, capacity, command in workers:
        assert (definition, capacity) == ("redact-dask-worker", "FARGATE_SPOT")
        assert command[0] == "dask-worker"
        assert command[1].startswith("tcp://127.")
        options = dict(zip(command[2::2], command[3::2], strict=True))
        assert options["--nthreads"] == "1"
        assert options["--memory-limit"] == f"{kwargs['worker_mem'] // 1024}GB"

    # The driver needs no more rights than it uses, and removes nothing that the stack has made.
    assert {call.action for call in aws.calls} == allowed(iam, "redact-dask-driver") - NOT_SEEN
    assert ecs.list_clusters()["clusterArns"] == [kwargs["cluster_arn"]]


def register_tasks(aws: Containers, resources: dict[str, Any]) -> None:
    """Register the tasks of a template again: moto's stack has no more than their containers."""
    iam = client(aws.store, "iam")
    values = {"Image": IMAGE, "Logs": "redact-dask", "AWS::Region": "us-east-1"}
    for name in ("TaskRole", "ExecutionRole"):
        role = iam.get_role(RoleName=resources[name]["Properties"]["RoleName"])["Role"]
        values[f"{name}.Arn"] = role["Arn"]
    for name in ("Scheduler", "Worker"):
        task = stacks.lower(stacks.resolved(resources[name]["Properties"], values))
        # AWS on Fargate needs the memory of the task alone.
        task["containerDefinitions"][0]["memory"] = int(task["memory"])
        client(aws.store, "ecs").register_task_definition(**task)


def check_definitions(ecs: Any, kwargs: dict[str, Any]) -> None:
    """Compare what a stack has made of tasks with what the ready file tells of them."""
    for role in ("scheduler", "worker"):
        family = kwargs[f"{role}_task_definition_arn"]
        made = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
        (container,) = made["containerDefinitions"]
        assert container["name"] == f"dask-{role}"
        assert container["image"] == IMAGE
        assert container["logConfiguration"]["options"]["awslogs-group"] == "redact-dask"
        assert made["taskRoleArn"] == kwargs["task_role_arn"]
        assert made["executionRoleArn"] == kwargs["execution_role_arn"]
        assert made["cpu"] == str(kwargs["worker_cpu"])
        assert made["memory"] == str(kwargs["worker_mem"])


def allowed(iam: Any, policy: str) -> set[str]:
    """Return the actions that a policy allows."""
    arn = f"arn:aws:iam::123456789012:policy/{policy}"
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    found: set[str] = set()
    for statement in version["Document"]["Statement"]:
        actions = statement["Action"]
        found |= {actions} if isinstance(actions, str) else {*actions}
    return found


def test_a_cluster_of_ec2(aws: Containers, fleet: Fleet, tmp_path: Path) -> None:
    iam, ec2 = client(aws.store, "iam"), client(aws.store, "ec2")
    iam.create_instance_profile(InstanceProfileName="redact-dask")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    subnet = ec2.describe_subnets()["Subnets"][0]
    where = [{"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
    (group,) = ec2.describe_security_groups(Filters=where)["SecurityGroups"]
    names = {f"vpc-{ZEROS}": subnet["VpcId"], f"subnet-{ZEROS}": subnet["SubnetId"]}
    names |= {f"sg-{ZEROS}": group["GroupId"], f"ami-{ZEROS}": image, "maximum: 25": "maximum: 2"}
    path = with_names("ec2", tmp_path, names | FEWER)
    fleet.publishes_the_same_bytes_whoever_dies(tmp_path, path, environment=aws.environment)
    fleet.wait_for_the_end()

    kwargs = config.load(path).cluster.kwargs
    kinds: list[str] = []
    for given in aws.given("ec2:RunInstances"):
        wanted = {
            "ImageId": image,
            "IamInstanceProfile.Name": "redact-dask",
            "InstanceInitiatedShutdownBehavior": "terminate",
            "NetworkInterface.1.AssociatePublicIpAddress": "false",
            "NetworkInterface.1.SubnetId": subnet["SubnetId"],
            "NetworkInterface.1.SecurityGroupId.1": group["GroupId"],
            "BlockDeviceMapping.1.Ebs.VolumeSize": "40",
            "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true",
            "TagSpecification.1.Tag.1.Value": "dask-cloudprovider",
        }
        assert {name: given[name][0] for name in wanted} == wanted
        text = user_data(given)
        assert len(text.encode()) <= 16 * 1024, "EC2 takes no more"
        lines = yaml.safe_load(text)["runcmd"]
        for line in lines:
            subprocess.run(["sh", "-n", "-c", line], check=True)
        command = container_of(text)
        assert f" {IMAGE} env DASK_INTERNAL_INHERIT_CONFIG=" in command
        at = lines.index(command)
        assert lines[at + 1 :] == ["shutdown -h now"]
        assert lines[at - 3 : at] == kwargs["extra_bootstrap"]
        (kind,) = given["InstanceType"]
        of_scheduler = kind == kwargs["scheduler_instance_type"]
        assert ('dask_scheduler --idle-timeout "30 seconds"' in command) == of_scheduler
        assert ("dask_spec tls://127." in command) != of_scheduler
        kinds.append(kind)
    assert kinds.count(kwargs["scheduler_instance_type"]) == 2
    assert kinds.count(kwargs["worker_instance_type"]) >= 2
    called = {f"ec2:{name}" for name in ("RunInstances", "CreateTags", "TerminateInstances")}
    assert {call.action for call in aws.calls} == called
