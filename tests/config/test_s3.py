"""Settings of S3: what fits together, what is told, and what stays secret."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from redact_dask.config import Config, validate
from redact_dask.errors import ConfigError
from redact_dask.storage.access import Access

KEYS = {"access_key_id": "AKIAOURS", "secret_access_key": "a-secret", "session_token": "a-token"}


@pytest.mark.parametrize(
    ("section", "settings", "sentence"),
    [
        ("dest", {"sse": "AES256", "sse_kms_key_id": "k"}, "AES256 has no key of KMS"),
        ("dest", {"sse": "rot13"}, "configuration key s3.dest.sse"),
        ("dest", {"bucket_key": True}, "bucket_key belongs to the encryption aws:kms"),
        ("dest", {"bucket_key": True, "sse": "aws:kms:dsse"}, "bucket_key belongs to"),
        ("dest", {"storage_class": "DEEP_ARCHIVE"}, "archives answer after hours"),
        ("dest", {"acl": "everybody"}, "configuration key s3.dest.acl"),
        ("dest", {"checksum": "MD5"}, "configuration key s3.dest.checksum"),
        ("dest", {"sse_customer_key": "k"}, "unknown configuration key s3.dest.sse_customer_key"),
        ("source", {"sse": "AES256"}, "unknown configuration key s3.source.sse"),
        ("source", {"access_key_id": "a"}, "access_key_id and secret_access_key belong together"),
        ("source", {"session_token": "a"}, "session_token belongs to access_key_id"),
        ("source", {"profile": "p"} | KEYS, "profile and access_key_id exclude each other"),
        ("source", {"external_id": "a"}, "external_id belongs to role_arn"),
        ("source", {"expected_bucket_owner": 123456789012}, "s3.source.expected_bucket_owner"),
        ("source", {"request_payer": "me"}, "configuration key s3.source.request_payer"),
        ("source", {"endpoint_url": "minio"}, "configuration key s3.source.endpoint_url"),
    ],
)
def test_what_does_not_fit_is_told(section: str, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as told:
        validate({"s3": {section: settings}})
    assert sentence in str(told.value)
    assert "a-secret" not in str(told.value)


def test_a_key_of_kms_means_kms() -> None:
    access = validate({"s3": {"dest": {"sse_kms_key_id": "alias/redacted"}}}).s3.dest.access
    assert (access.sse, access.sse_kms_key_id) == ("aws:kms", "alias/redacted")
    assert Config().s3.dest.access == Config().s3.source.access == Access()


def test_secrets_reach_the_worker_and_nothing_else() -> None:
    config = validate({"s3": {"source": KEYS | {"role_arn": "arn:r", "external_id": "a-token"}}})
    arrived = pickle.loads(pickle.dumps(config))
    assert arrived.s3.source.access.secret_access_key == "a-secret"
    dumped = json.dumps(config.model_dump(mode="json"))
    for shown in (repr(config), str(config), config.deciding, dumped):
        assert not any(value in shown for value in KEYS.values())
    assert config.fingerprint == Config().fingerprint
    assert config.detection_fingerprint == Config().detection_fingerprint
