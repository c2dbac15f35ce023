"""A worker whose memory stays full, so that Dask lets it begin nothing, does not hang a run."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from distributed import Client
from local_cluster import workers
from magenta import MAGENTA
from waiting import until

import redact_dask
from redact_dask.cluster.paused_workers import PATIENCE_S, PausedWorkers

LIMIT = 800 * 2**20
SHARE = 0.86
"""More than the 80 % at which Dask pauses a worker, and less than the 95 % at which it ends it."""


def hog() -> None:
    """Let this process hold so much memory until it ends."""
    import builtins  # noqa: PLC0415 (on a worker)

    missing = int(LIMIT * SHARE) - psutil.Process().memory_info().rss
    builtins.hogged = b"1" * missing  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_run_goes_on_when_its_only_worker_is_paused(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact_dask.driver.run._CHECK_S", 1)
    monkeypatch.setattr("redact_dask.cluster.paused_workers.PATIENCE_S", 5)
    told: list[int] = []
    with workers(1, memory_limit=LIMIT) as client:
        # The run waits for a worker first, and it has one: it is paused in the midst of the run.
        def observe(status: redact_dask.Status) -> None:
            if not told:
                client.run(hog)
                until(lambda: statuses(client) == {"paused"}, "the worker to be paused")
            told.append(status.paused)

        summary = redact_dask.redact(clip, tmp_path / "out", MAGENTA, client, observe)
    assert (summary.published, summary.failures) == (1, ())
    assert max(told) == 1


def statuses(client: Client) -> set[str]:
    def find(dask_scheduler: object) -> set[str]:
        return {worker.status.name for worker in dask_scheduler.workers.values()}  # type: ignore[attr-defined]

    return set(client.run_on_scheduler(find))


def test_a_worker_that_works_is_left_alone(client: Client) -> None:
    watched = PausedWorkers(client)
    before = set(client.nthreads())
    assert watched.check(0) == watched.check(2 * PATIENCE_S) == 0
    assert set(client.nthreads()) == before
