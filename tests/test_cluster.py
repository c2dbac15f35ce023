"""A cluster must be fit for the stages."""

from __future__ import annotations

import pytest
from distributed import Client

from redact_dask import cluster
from redact_dask.errors import UsageError


def test_real_workers_are_prepared(client: Client) -> None:
    assert cluster.prepared(client) is client
    assert cluster.threads(client) == 2


def test_a_worker_with_another_version_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "run", lambda *_: {"tcp://worker:1": "9.9.9"})
    with pytest.raises(UsageError, match=r"worker tcp://worker:1 has redact-dask 9\.9\.9, not"):
        cluster.prepared(client)
