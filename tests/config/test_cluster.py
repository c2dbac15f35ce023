"""Settings of a cluster stay with the driver."""

from __future__ import annotations

import pickle

from redact_dask.config import Config, validate


def test_what_a_class_is_given_goes_to_no_worker_and_no_log() -> None:
    given = {"class": "cloud.Cluster", "kwargs": {"environment": {"TOKEN": "much-secret"}}}
    config = validate({"cluster": given | {"dask": {"password": "much-secret"}}})
    assert "much-secret" not in repr(config)
    assert b"much-secret" not in pickle.dumps(config)
    assert pickle.loads(pickle.dumps(config)) == Config()
