"""The stack of ``configs/cloudformation``: its linter knows it, and moto makes what it can of it.

moto leaves out most properties of a bucket, the policy of a queue, and the timeout of a job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from fixture_types import MakeClip
from program import ALONE
from project import ROOT
from recording import Recorded, client, recorded
from waiting import until

from redact_dask import config, versions
from redact_dask.sources.watcher import Watcher
from redact_dask.storage import access

pytest.importorskip("cfnlint", reason="pip install cfn-lint")

import stacks

IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/redact-dask:{versions.own()}"


def read(name: str) -> Any:
    return json.loads((ROOT / "configs" / name).read_text())


def resources() -> dict[str, Any]:
    found: dict[str, Any] = stacks.template("stack")["Resources"]
    return found


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("cfn-lint")
    command = [program, "--include-checks", "I", "--", path]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["stack", "fargate"])
def test_the_linter_finds_nothing(name: str) -> None:
    done = lint(stacks.FOLDER / f"{name}.yaml")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_finds_a_name_that_aws_does_not_know(tmp_path: Path) -> None:
    text = (stacks.FOLDER / "stack.yaml").read_text()
    assert "NoncurrentDays" in text
    (tmp_path / "stack.yaml").write_text(text.replace("NoncurrentDays", "Days"))
    done = lint(tmp_path / "stack.yaml")
    assert done.returncode != 0
    assert "'Days' was unexpected" in done.stdout


def test_a_job_is_that_of_the_ready_file() -> None:
    made, ready = stacks.lower(resources()["Job"]["Properties"]), read("batch-job-definition.json")
    named = {"image", "jobRoleArn", "executionRoleArn"}
    assert {*made["containerProperties"]} == {*ready["containerProperties"]}
    for name in named:
        del made["containerProperties"][name], ready["containerProperties"][name]
    assert {*made.pop("parameters")} == {*ready.pop("parameters")}
    assert made == ready


def test_buckets_keep_what_they_hold_to_themselves() -> None:
    (rule,) = json.loads(privacy_rule())["Rules"]
    for name in ("Source", "Destination"):
        bucket = resources()[name]
        made = bucket["Properties"]
        assert all(made["PublicAccessBlockConfiguration"].values())
        assert len(made["PublicAccessBlockConfiguration"]) == 4
        assert made["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
        (life,) = made["LifecycleConfiguration"]["Rules"]
        assert life == {
            "Id": rule["ID"],
            "Status": rule["Status"],
            "NoncurrentVersionExpiration": rule["NoncurrentVersionExpiration"],
            "AbortIncompleteMultipartUpload": rule["AbortIncompleteMultipartUpload"],
            **rule["Expiration"],
        }


def privacy_rule() -> str:
    """Return the lifecycle rule of the page about privacy."""
    page = (ROOT / "docs" / "pages" / "privacy.md").read_text()
    return page.partition("```json\n")[2].partition("```")[0]


@dataclass
class Made:
    """The stack in moto's hands; its buckets are `raw` and `redacted`."""

    store: Recorded
    outputs: dict[str, str]

    def client(self, service: str = "s3") -> Any:
        return client(self.store, service)


@pytest.fixture(scope="module")
def stack() -> Iterator[Made]:
    template = stacks.template("stack")
    # AWS makes a role of its own for Batch where none is named; moto has none.
    machines = template["Resources"]["Machines"]["Properties"]
    machines["ServiceRole"] = {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
    for key in ("SourceKey", "DestinationKey"):  # So it does with the policy of a key.
        template["Resources"][key]["Properties"]["KeyPolicy"] = {}
    with recorded() as store:
        subnet = client(store, "ec2").describe_subnets()["Subnets"][0]
        outputs = stacks.deploy(
            store,
            "redact-dask",
            template,
            SourceBucket="raw",
            DestinationBucket="redacted",
            Image=IMAGE,
            Vpc=subnet["VpcId"],
            Subnets=subnet["SubnetId"],
        )
        made = Made(store, outputs)
        notify(made, template["Resources"]["Source"]["Properties"]["NotificationConfiguration"])
        yield made


def notify(stack: Made, configuration: dict[str, Any]) -> None:
    """Let a bucket tell a queue what lands, as the template says."""
    (told,) = configuration["QueueConfigurations"]
    assert told["Queue"] == {"Fn::GetAtt": ["Landed", "Arn"]}
    (rule,) = told["Filter"]["S3Key"]["Rules"]
    assert rule == {"Name": "prefix", "Value": {"Fn::Sub": "${SourcePrefix}/"}}
    url = stack.outputs["Queue"]
    asked = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    queue = {
        "QueueArn": asked["Attributes"]["QueueArn"],
        "Events": [told["Event"]],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "day/"}]}},
    }
    stack.client().put_bucket_notification_configuration(
        Bucket="raw", NotificationConfiguration={"QueueConfigurations": [queue]}
    )


def key_of(stack: Made, bucket: str) -> str:
    """Return the ARN of the key that encrypts a bucket."""
    told = stack.client().get_bucket_encryption(Bucket=bucket)
    (rule,) = told["ServerSideEncryptionConfiguration"]["Rules"]
    arn: str = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    return arn


def test_the_policy_is_the_ready_one_with_names(stack: Made) -> None:
    text = (ROOT / "configs" / "iam-policy.json").read_text()
    for name, value in {
        "SOURCE_BUCKET": "raw",
        "SOURCE_PREFIX": "day",
        "SOURCE_KEY": key_of(stack, "raw"),
        "DESTINATION_BUCKET": "redacted",
        "DESTINATION_PREFIX": "day",
        "DESTINATION_KEY": key_of(stack, "redacted"),
    }.items():
        text = text.replace(name, value)
    assert key_of(stack, "raw") != key_of(stack, "redacted")
    iam = stack.client("iam")
    arn = stack.outputs["Policy"]
    made = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert made == json.loads(text)
    assert resources()["JobRole"]["Properties"]["ManagedPolicyArns"] == [{"Ref": "Redact"}]
    assert arn in (stacks.FOLDER / "fargate.yaml").read_text()


def test_the_ready_job_finds_its_queue_and_its_definition(stack: Made) -> None:
    batch = stack.client("batch")
    job, ready = read("batch-job.json"), read("batch-job-definition.json")
    (queue,) = batch.describe_job_queues(jobQueues=[job["jobQueue"]])["jobQueues"]
    (order,) = queue["computeEnvironmentOrder"]
    (machines,) = batch.describe_compute_environments()["computeEnvironments"]
    assert order["computeEnvironment"] == machines["computeEnvironmentArn"]
    assert machines["computeResources"]["type"] == "FARGATE"
    (vcpus,) = (
        int(need["value"])
        for need in ready["containerProperties"]["resourceRequirements"]
        if need["type"] == "VCPU"
    )
    assert machines["computeResources"]["maxvCpus"] == vcpus * job["arrayProperties"]["size"]
    told = batch.describe_job_definitions(jobDefinitionName=job["jobDefinition"])
    (definition,) = told["jobDefinitions"]
    container = definition["containerProperties"]
    assert definition["parameters"] == ready["parameters"] == job["parameters"]
    assert container["image"] == ready["containerProperties"]["image"] == IMAGE
    assert container["jobRoleArn"] == ready["containerProperties"]["jobRoleArn"]
    assert container["command"] == ready["containerProperties"]["command"]


def test_the_watch_hears_what_lands(stack: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_routes", access._Routes())
    monkeypatch.setattr("redact_dask.sources.watcher._LONG_POLL_S", 1)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", stack.store.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # It keeps the credentials that it has found first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    reached = {
        "endpoint_url": stack.store.store,
        "access_key_id": "test",
        "secret_access_key": "test",
    }
    queue = stack.outputs["Queue"]
    settings = config.validate({"s3": {"source": reached}, "watch": {"queue": queue}})
    settings.s3.use("s3://raw", None, None)
    watcher = Watcher("s3://raw/day", "memory://elsewhere", settings)
    seen: list[str] = []
    watching = threading.Thread(target=lambda: seen.extend(video.path for video in watcher))
    watching.start()

    def put(key: str) -> None:
        stack.client().put_object(Bucket="raw", Key=key, Body=b"video")

    try:
        before = left_in(stack, queue)  # S3's test of the queue, if it is not read yet
        put("elsewhere/no.mp4")
        assert left_in(stack, queue) <= before, "other prefixes are not told"
        put("day/before.mp4")
        until(lambda: seen, "the first video", 20)
        # The next listing comes in an hour.
        put("day/la nd+ed.mp4")
        until(lambda: len(seen) == 2, "the second video", 20)
        until(lambda: left_in(stack, queue) == 0, "an empty queue", 20)
    finally:
        watcher.stop()
        watching.join(30)
    assert seen == ["before.mp4", "la nd+ed.mp4"]
    targets = {request.headers["x-amz-target"] for request in stack.store.requests}
    (statement,) = resources()["Watch"]["Properties"]["PolicyDocument"]["Statement"]
    assert targets == {each.replace("sqs:", "AmazonSQS.") for each in statement["Action"]}


def left_in(stack: Made, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = stack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return sum(map(int, told["Attributes"].values()))


@pytest.mark.slow
def test_the_policy_allows_what_a_run_does_and_nothing_elsewhere(
    stack: Made, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto looks at actions and resources; it knows no conditions, and asks for no keys."""
    clip = make_clip(tmp_path / "a.mp4", frames=15, audio=False)
    stack.client().put_object(Bucket="raw", Key="day/clips/a.mp4", Body=clip.read_bytes())
    iam = stack.client("iam")
    made = iam.get_policy_version(PolicyArn=stack.outputs["Policy"], VersionId="v1")
    document = made["PolicyVersion"]["Document"]
    # AWS asks for each key of a request that deletes several; moto asks for the bucket.
    several = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::redacted"}
    document = json.dumps(document | {"Statement": [*document["Statement"], several]})
    iam.create_user(UserName="run")
    iam.put_user_policy(UserName="run", PolicyName="redact", PolicyDocument=document)
    key = iam.create_access_key(UserName="run")["AccessKey"]
    environment = os.environ | {
        "AWS_ENDPOINT_URL": stack.store.store,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0)

    def run(source: str, destination: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "redact_dask", "run", source, destination, *ALONE]
        return subprocess.run(command, check=False, capture_output=True, env=environment, text=True)

    done = run("s3://raw/day/clips", "s3://redacted/day")
    assert done.returncode == 0, done.stderr
    assert "1 published" in done.stdout
    for destination in ("redacted/other", "raw/out"):
        done = run("s3://raw/day/clips", f"s3://{destination}")
        assert done.returncode != 0
        assert "Forbidden" in done.stderr or "denied" in done.stderr.lower()
        assert "Traceback" not in done.stderr
