"""A cluster must be fit for the stages."""

from __future__ import annotations

import pytest
from dask.utils import key_split
from distributed import Client, Scheduler

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


def test_a_scheduler_forgets_the_tasks_that_have_gone(client: Client) -> None:
    def noted(dask_scheduler: Scheduler) -> tuple[int, int]:
        spans = dask_scheduler.extensions["spans"].spans.values()
        told = sum(len(span.metadata["collections"]) for span in spans if span.metadata)
        return told, key_split.cache_info().currsize

    client.gather([client.submit(pow, number, 2, pure=False) for number in range(100)])
    before = client.run_on_scheduler(noted)
    cluster.forget_tasks(client)
    after = client.run_on_scheduler(noted)
    assert min(before) >= 100
    assert max(after) < 20
