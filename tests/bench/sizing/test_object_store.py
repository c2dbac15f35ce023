"""Requests to an object store: how many there are, what they take, and what they cost."""

from __future__ import annotations

import pytest

from redact_dask.bench.sizing.object_store import Count, Requests, Servers, Store
from redact_dask.records import STAGES

SIX = Requests(
    source=Count(2),
    gets=Count(1, 3),
    lists=Count(1),
    puts=Count(0, 2),
    deletes=Count(1),
    deleted=Count(5, 1),
)
"""Of a video of 10 chunks: 2 + 31 + 1 + 20 + 1 answers, and 15 keys are deleted."""


def test_each_request_is_waited_for_but_not_each_key_that_is_deleted() -> None:
    assert SIX.answers(10) == 2 + 31 + 1 + 20 + 1


def test_a_listing_counts_as_a_read_and_each_deleted_key_as_a_write() -> None:
    assert SIX.loads(10) == (2, 31 + 1, 20 + 15)


def test_listings_cost_as_much_as_writes_and_deletions_nothing() -> None:
    assert SIX.dollars(10) == pytest.approx((33 * 0.0004 + 21 * 0.005) / 1000)


def test_the_price_of_a_video_is_that_of_all_its_tasks_and_of_the_removal() -> None:
    store = Store(dict.fromkeys(STAGES, SIX), SIX)
    tasks = {"probe": 1, "detect": 10, "track": 1, "render": 10, "join": 1}
    assert store.dollars(tasks, 10) == pytest.approx(24 * SIX.dollars(10))


def test_eight_threads_remove_work() -> None:
    store = Store({}, Requests(lists=Count(1), deletes=Count(1)), latency_s=0.1)
    assert store.removal_s(10) == pytest.approx(2 * 0.1 / 8)


def test_each_limit_is_a_server_of_its_own() -> None:
    servers = Servers(Store({}, reads_per_s=10, writes_per_s=5))
    assert servers.serve(3.0, (0, 0, 0)) == 3.0
    assert servers.serve(3.0, (1, 20, 0)) == 5.0
    assert servers.serve(3.0, (1, 0, 0)) == pytest.approx(3.2)
    assert servers.serve(3.0, (0, 0, 30)) == 9.0
    assert servers.serve(3.0, (0, 10, 0)) == 6.0
    assert servers.use_s == pytest.approx({"source": 0.2, "store's reads": 3, "store's writes": 6})
