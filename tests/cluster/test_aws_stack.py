"""The stack of ``configs/cloudformation``: its linter knows it, and moto makes what it can of it.

moto leaves out most properties of a bucket, the policy of a queue, and the timeout of a job.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project import ROOT
from recording import Recorded, client, recorded
from waiting import until

from redact_dask import config, versions
from redact_dask.sources.watcher import Watcher
from redact_dask.storage import access

decode = pytest.importorskip("cfnlint.decode", reason="pip install cfn-lint")

STACK = ROOT / "configs" / "cloudformation" / "stack.yaml"
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/redact-dask:{versions.own()}"


def read(name: str) -> Any:
    return json.loads((ROOT / "configs" / name).read_text())


def resources() -> dict[str, Any]:
    template, problems = decode.decode(str(STACK))
    assert not problems
    found: dict[str, Any] = template["Resources"]
    return found


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("cfn-lint")
    command = [program, "--include-checks", "I", "--", path]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_linter_finds_nothing() -> None:
    done = lint(STACK)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_finds_a_name_that_aws_does_not_know(tmp_path: Path) -> None:
    text = STACK.read_text()
    assert "NoncurrentDays" in text
    (tmp_path / "stack.yaml").write_text(text.replace("NoncurrentDays", "Days"))
    done = lint(tmp_path / "stack.yaml")
    assert done.returncode != 0
    assert "'Days' was unexpected" in done.stdout


def lower(given: Any) -> Any:
    """Begin each name as Batch's own API does."""
    if isinstance(given, dict):
        return {name[0].lower() + name[1:]: lower(value) for name, value in given.items()}
    return [lower(value) for value in given] if isinstance(given, list) else given


def test_a_job_is_that_of_the_ready_file() -> None:
    made, ready = lower(resources()["Job"]["Properties"]), read("batch-job-definition.json")
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


@pytest.fixture(scope="module")
def store() -> Iterator[Recorded]:
    """The stack in moto's hands; its buckets are `raw` and `redacted`."""
    with recorded() as running:
        deploy(running)
        yield running


def deploy(store: Recorded) -> None:
    """Make the stack, and what moto leaves out."""
    template, _ = decode.decode(str(STACK))
    # AWS makes a role of its own for Batch where none is named; moto has none.
    machines = template["Resources"]["Machines"]["Properties"]
    machines["ServiceRole"] = {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
    ec2 = client(store, "ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    given = {
        "SourceBucket": "raw",
        "DestinationBucket": "redacted",
        "Image": IMAGE,
        "Vpc": subnet["VpcId"],
        "Subnets": subnet["SubnetId"],
    }
    client(store, "cloudformation").create_stack(
        StackName="redact-dask",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": n, "ParameterValue": v} for n, v in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    notify(store, template["Resources"]["Source"]["Properties"]["NotificationConfiguration"])


def notify(store: Recorded, configuration: dict[str, Any]) -> None:
    """Let a bucket tell a queue what lands, as the template says."""
    (told,) = configuration["QueueConfigurations"]
    assert told["Queue"] == {"Fn::GetAtt": ["Landed", "Arn"]}
    (rule,) = told["Filter"]["S3Key"]["Rules"]
    assert rule == {"Name": "prefix", "Value": {"Fn::Sub": "${SourcePrefix}/"}}
    sqs = client(store, "sqs")
    names = ["QueueArn"]
    arn = sqs.get_queue_attributes(QueueUrl=outputs(store)["Queue"], AttributeNames=names)
    queue = {
        "QueueArn": arn["Attributes"]["QueueArn"],
        "Events": [told["Event"]],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "day/"}]}},
    }
    client(store).put_bucket_notification_configuration(
        Bucket="raw", NotificationConfiguration={"QueueConfigurations": [queue]}
    )


def outputs(store: Recorded) -> dict[str, str]:
    (stack,) = client(store, "cloudformation").describe_stacks()["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def key_of(store: Recorded, bucket: str) -> str:
    """Return the ARN of the key that encrypts a bucket."""
    told = client(store).get_bucket_encryption(Bucket=bucket)
    (rule,) = told["ServerSideEncryptionConfiguration"]["Rules"]
    arn: str = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    return arn


def test_the_policy_is_the_ready_one_with_names(store: Recorded) -> None:
    text = (ROOT / "configs" / "iam-policy.json").read_text()
    for name, value in {
        "SOURCE_BUCKET": "raw",
        "SOURCE_PREFIX": "day",
        "SOURCE_KEY": key_of(store, "raw"),
        "DESTINATION_BUCKET": "redacted",
        "DESTINATION_PREFIX": "day",
        "DESTINATION_KEY": key_of(store, "redacted"),
    }.items():
        text = text.replace(name, value)
    assert key_of(store, "raw") != key_of(store, "redacted")
    iam = client(store, "iam")
    arn = outputs(store)["Policy"]
    made = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert made == json.loads(text)
    assert resources()["JobRole"]["Properties"]["ManagedPolicyArns"] == [{"Ref": "Redact"}]
    assert arn in (ROOT / "configs" / "fargate.yaml").read_text()


def test_the_ready_job_finds_its_queue_and_its_definition(store: Recorded) -> None:
    batch = client(store, "batch")
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


def test_the_watch_hears_what_lands(store: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_routes", access._Routes())
    monkeypatch.setattr("redact_dask.sources.watcher._LONG_POLL_S", 1)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", store.store)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    reached = {"endpoint_url": store.store, "access_key_id": "test", "secret_access_key": "test"}
    queue = outputs(store)["Queue"]
    settings = config.validate({"s3": {"source": reached}, "watch": {"queue": queue}})
    settings.s3.use("s3://raw", None, None)
    watcher = Watcher("s3://raw/day", "memory://elsewhere", settings)
    seen: list[str] = []
    watching = threading.Thread(target=lambda: seen.extend(video.path for video in watcher))
    watching.start()

    def put(key: str) -> None:
        client(store).put_object(Bucket="raw", Key=key, Body=b"video")

    try:
        before = left_in(store, queue)  # S3's test of the queue, if it is not read yet
        put("elsewhere/no.mp4")
        assert left_in(store, queue) <= before, "other prefixes are not told"
        put("day/before.mp4")
        until(lambda: seen, "the first video", 20)
        # The next listing comes in an hour.
        put("day/la nd+ed.mp4")
        until(lambda: len(seen) == 2, "the second video", 20)
        until(lambda: left_in(store, queue) == 0, "an empty queue", 20)
    finally:
        watcher.stop()
        watching.join(30)
    assert seen == ["before.mp4", "la nd+ed.mp4"]


def left_in(store: Recorded, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = client(store, "sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return sum(map(int, told["Attributes"].values()))
