"""What is wrong with a cluster is told before a run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import recording
import yaml
from click.testing import Result
from distributed import Client
from program import invoke
from recording import Recorded, recorded

from redact_dask import versions
from redact_dask.cluster import doctor, worker_check
from redact_dask.cluster.doctor import Finding
from redact_dask.cluster.worker_check import CheckRequest, WorkerReport
from redact_dask.config import DetectSettings
from redact_dask.storage import access, s3_trial
from redact_dask.storage.access import Access


def examined(client: Client, *arguments: object, detector: str = "magenta") -> Result:
    address = f"cluster.address={client.scheduler.address}"
    options = ["--set", address, "--detector", detector, "--json"]
    return invoke("doctor", *arguments, *options)


def told(result: Result) -> dict[str, Finding]:
    """Return the findings by their topics."""
    found = json.loads(result.stdout.splitlines()[-1])["findings"]
    return {finding["topic"]: Finding(**finding) for finding in found}


def test_a_cluster_that_is_ready(client: Client, short: Path, tmp_path: Path) -> None:
    result = examined(client, short, tmp_path / "out", detector="centerface")
    assert result.exit_code == 0, result.output
    found = told(result)
    assert {"source", "destination", "threads", "reading", "writing", "detectors"} <= {*found}
    assert all(finding.ok for finding in found.values())
    assert "ok    threads     each library keeps to one thread a task\n" in result.stdout
    assert found["cluster"].text == "2 workers with 2 threads"
    assert not (tmp_path / "out").exists(), "nothing is left"


def test_storage_is_asked_about_only_if_it_is_named(client: Client, short: Path) -> None:
    found = told(examined(client))
    assert {"threads", "detectors"} <= {*found}
    assert not {"source", "destination", "reading", "writing"} & {*found}
    alone = examined(client, short)
    assert alone.exit_code == 2
    assert "a SOURCE needs a DEST" in alone.stderr


def test_a_destination_that_cannot_be_written_to(
    client: Client, short: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file in the way")
    result = examined(client, short, tmp_path / "out")
    assert result.exit_code == 1
    assert not told(result)["destination"].ok
    assert "Traceback" not in result.output


def test_a_source_without_videos(client: Client, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    result = examined(client, tmp_path / "in", tmp_path / "out")
    assert result.exit_code == 1
    assert not told(result)["source"].ok


def test_a_model_that_is_not_there(client: Client) -> None:
    model = "detect.options.yunet.model=/nowhere/yunet.onnx"
    digest = f"detect.options.yunet.sha256={'a' * 64}"
    result = examined(client, "--set", model, "--set", digest, detector="yunet")
    assert result.exit_code == 1, result.output
    assert "/nowhere/yunet.onnx" in told(result)["detectors"].text


def test_nobody_answers() -> None:
    result = invoke("doctor", "--set", "cluster.address=tcp://127.0.0.1:9", "--json")
    assert result.exit_code == 1
    (finding,) = told(result).values()
    assert "no cluster answers at tcp://127.0.0.1:9" in finding.text


def test_a_worker_of_another_version(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "own", lambda: "9.9")
    monkeypatch.setattr(client, "run", lambda *_, **__: {"tcp://a:1": "9.8"})
    assert "has redact-dask 9.8, not 9.9" in doctor._of_the_same_version(client).text
    strange = {"tcp://a:1": ModuleNotFoundError("redact-dask")}
    monkeypatch.setattr(client, "run", lambda *_, **__: strange)
    assert "has no redact-dask" in doctor._of_the_same_version(client).text


GOOD = WorkerReport(
    software=versions.installed(),
    clock=1000.0,
    threads=1,
    has_nanny=True,
    memory=2**30,
    scratch_free=2**40,
)
ORDER = CheckRequest(DetectSettings(), "file:///in/a.mp4", {"file:///out": "file:///out/mark"})


@pytest.mark.parametrize(
    ("changes", "topic", "says"),
    [
        ({"software": {**GOOD.software, "av": "1.0"}}, "versions", "has av 1.0, the driver"),
        ({"threads": 8}, "threads", "8 threads: set OMP_NUM_THREADS=1"),
        ({"has_nanny": False}, "nannies", "has no nanny"),
        ({"memory": 400 * 2**20}, "memory", "may use 400 MiB"),
        ({"clock": 1300.0}, "clocks", r"a clock \+298 s from"),
        ({"clock": 700.0}, "clocks", "a clock -302 s from"),
        ({"scratch_free": 2**20}, "scratch", "has 1 MiB of scratch space"),
        ({"scratch": "is not private"}, "scratch", "is not private"),
        ({"reading": "fails: no"}, "reading", "fails: no"),
        ({"writing": "does not see"}, "writing", "does not see"),
        ({"detecting": "no model"}, "detectors", "no model"),
    ],
)
def test_the_worker_in_trouble_is_named(changes: dict[str, Any], topic: str, says: str) -> None:
    def wrong(**reports: WorkerReport) -> list[Finding]:
        found = doctor._of_reports(ORDER, reports, {}, 999.0, 1002.0)
        return [finding for finding in found if not finding.ok]

    assert wrong(a=GOOD, b=GOOD) == []
    bad = replace(GOOD, **changes)
    (finding,) = wrong(a=GOOD, b=bad)
    assert finding.topic == topic
    assert finding.text.startswith("worker b ")
    assert re.search(says, finding.text)
    (several,) = wrong(a=bad, b=bad, c=bad)
    assert several.text.endswith("(and 2 more workers)")


def test_a_worker_that_is_silent_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_ANSWER_S", 0.5)
    monkeypatch.setattr(worker_check, "examine", time.sleep)
    workers = [*client.scheduler_info()["workers"]]
    request = CheckRequest(DetectSettings(), None, {})
    reports, silent, *_ = doctor._asked(client, workers[:1], 20.0)  # type: ignore[arg-type]
    assert not reports
    (finding,) = doctor._of_reports(request, reports, silent, 0, 0)
    assert "does not answer within 0.5 s" in finding.text


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    monkeypatch.setattr(access, "_routes", access._Routes())
    with recorded("raw", "out") as running:
        yield running


def examined_in_s3(
    client: Client, store: Recorded, short: Path, tmp_path: Path, **dest: Any
) -> Any:
    """Examine a cluster with SOURCE and DEST in a store that its workers know by the settings."""
    recording.client(store).upload_file(str(short), "raw", "a.mp4")
    reached = {"endpoint_url": store.url, "region_name": "us-east-1"}
    reached |= {"access_key_id": "test", "secret_access_key": "a-secret"}
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"s3": {"source": reached, "dest": reached | dest}}))
    result = examined(client, "s3://raw", "s3://out/day", "--config", file)
    assert "a-secret" not in result.output
    assert not recording.client(store).list_objects_v2(Bucket="out").get("Contents")
    return result


def test_an_upload_in_parts_is_tried_with_the_settings(
    client: Client, stores: Recorded, short: Path, tmp_path: Path
) -> None:
    kept = {"sse": "aws:kms", "storage_class": "STANDARD_IA", "checksum": "SHA256"}
    result = examined_in_s3(client, stores, short, tmp_path, **kept)
    assert result.exit_code == 0, result.output
    assert told(result)["upload"].text.endswith("in parts are kept as s3.dest says")
    assert "bucket" not in told(result)
    assert len(stores.parts) == 3


def test_a_store_that_ignores_a_setting_is_told(
    client: Client, stores: Recorded, short: Path, tmp_path: Path
) -> None:
    result = examined_in_s3(client, stores, short, tmp_path, expected_bucket_owner="123456789012")
    assert result.exit_code == 1, result.output
    assert "the store ignores expected_bucket_owner" in told(result)["s3"].text


KEY = "arn:aws:kms:r:1:key/key-2"


@pytest.mark.parametrize(
    ("asked", "found", "name"),
    [
        ({"sse": "aws:kms"}, {"ServerSideEncryption": "AES256"}, "sse"),
        (
            {"sse_kms_key_id": "key-1"},
            {"SSEKMSKeyId": KEY},
            "sse_kms_key_id",
        ),
        ({"bucket_key": True}, {}, "bucket_key"),
        ({"storage_class": "STANDARD_IA"}, {}, "storage_class"),
        ({"checksum": "SHA256"}, {"ChecksumCRC32": "a"}, "checksum"),
        ({"sse_kms_key_id": "alias/ours"}, {"SSEKMSKeyId": KEY}, None),
        ({"sse_kms_key_id": "key-2"}, {"SSEKMSKeyId": KEY}, None),
        ({"storage_class": "STANDARD"}, {}, None),
    ],
)
def test_what_the_store_did_is_compared(
    asked: dict[str, Any], found: dict[str, str], name: str | None
) -> None:
    sentences = [*s3_trial._differences(Access(**asked), found)]
    assert len(sentences) == (name is not None)
    assert all(f"the store ignores s3.dest.{name}: asked for" in each for each in sentences)


@pytest.mark.parametrize("locked", [False, True])
def test_a_bucket_that_keeps_versions_is_told(
    client: Client, stores: Recorded, short: Path, tmp_path: Path, locked: bool
) -> None:
    aws = recording.client(stores)
    if locked:
        aws.delete_bucket(Bucket="out")
        aws.create_bucket(Bucket="out", ObjectLockEnabledForBucket=True)
        retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
        rule = {"ObjectLockEnabled": "Enabled", "Rule": retention}
        aws.put_object_lock_configuration(Bucket="out", ObjectLockConfiguration=rule)
    else:
        versioning = {"Status": "Enabled"}
        aws.put_bucket_versioning(Bucket="out", VersioningConfiguration=versioning)
    result = examined_in_s3(client, stores, short, tmp_path)
    assert result.exit_code == 0, result.output
    says = "has Object Lock: runs work, but" if locked else "keeps old versions: what runs delete"
    assert f"s3://out/day {says}" in told(result)["bucket"].text
