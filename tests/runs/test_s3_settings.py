"""A run between two stores of which the environment of its processes knows nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_cluster import workers
from magenta import MAGENTA
from recording import Recorded, client, recorded

import redact_dask
from redact_dask import manifest

SECRET = "a-secret-of-the-vault"


@pytest.fixture
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def stores(nothing_in_the_environment: None) -> Iterator[tuple[Recorded, Recorded]]:
    with recorded("raw") as source, recorded("out") as destination:
        yield source, destination


def settings(source: Recorded, destination: Recorded) -> dict[str, Any]:
    region = {"region_name": "us-east-1", "secret_access_key": SECRET}
    reads = {
        "endpoint_url": source.url,
        "access_key_id": "AKIASOURCE",
        "request_payer": "requester",
    }
    writes = {"endpoint_url": destination.url, "access_key_id": "AKIADEST", "sse": "aws:kms"}
    kept = {"storage_class": "STANDARD_IA", "checksum": "SHA256"}
    sections = {"source": region | reads, "dest": region | writes | kept}
    return MAGENTA | {"chunk": {"seconds": 1}, "s3": sections}


def test_every_request_of_a_run_has_its_settings(
    stores: tuple[Recorded, Recorded], short: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source, destination = stores
    client(source).upload_file(str(short), "raw", "day/car/a.mp4")
    asked = settings(source, destination)
    with workers(2) as cluster:
        summary = redact_dask.redact("s3://raw/day", "s3://out/day", asked, cluster)
    assert summary.published == 1, summary.failures

    assert source.requests
    for request in source.requests:
        assert request.headers["x-amz-request-payer"] == "requester"
        assert "Credential=AKIASOURCE/" in request.headers["authorization"]
    kinds = {request.path.split("/")[3].partition("?")[0] for request in destination.begun}
    assert {"car", "_manifest", "_work", "_lease"} <= kinds, "each kind of upload is seen"
    for request in destination.begun:
        assert request.headers["x-amz-server-side-encryption"] == "aws:kms", request.path
        assert request.headers["x-amz-storage-class"] == "STANDARD_IA", request.path
        assert "x-amz-checksum-sha256" in request.headers, request.path
    for request in destination.requests:
        assert "Credential=AKIADEST/" in request.headers["authorization"]

    assert manifest.read("s3://out/day/_manifest", "videos").num_rows
    shown = capfd.readouterr()
    assert SECRET not in shown.out + shown.err
    listed = client(destination).list_objects_v2(Bucket="out")["Contents"]
    for found in listed:
        body = client(destination).get_object(Bucket="out", Key=found["Key"])["Body"].read()
        assert SECRET.encode() not in body, found["Key"]
        assert b"AKIADEST" not in body, found["Key"]
