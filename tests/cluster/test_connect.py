"""A cluster is reached or started as configured, must be fit for the stages, and is closed."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask.config
import pytest
from dask.utils import key_split
from dask_processes import running, worker_of
from distributed import Client, LocalCluster, Scheduler
from local_cluster import QUIET
from waiting import until

import redact_dask
from redact_dask.cluster import connect, local_workers
from redact_dask.config import ClusterSettings, validate
from redact_dask.errors import UsageError


@pytest.fixture(autouse=True)
def forked() -> Iterator[None]:
    """Let classes of Dask fork their workers, too: they start in a tenth of the time."""
    with dask.config.set(local_workers.dask_settings()):
        yield


def settings(**given: Any) -> ClusterSettings:
    return validate({"cluster": given}).cluster


def local(**kwargs: Any) -> dict[str, Any]:
    """Return settings that name a class which can be started here."""
    return {"class": "distributed.LocalCluster", "kwargs": QUIET | kwargs}


def one_worker() -> dict[str, Any]:
    return local(n_workers=1, threads_per_worker=1)


def answers(address: str) -> bool:
    try:
        Client(address, timeout="1s").close()
    except OSError:
        return False
    return True


# What is fit


def test_real_workers_are_prepared(client: Client) -> None:
    assert connect.prepare(client, 5) is client
    assert connect.threads(client) == 2


def test_a_worker_with_another_version_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "run", lambda *_: {"tcp://worker:1": "9.9.9"})
    with pytest.raises(UsageError, match=r"worker tcp://worker:1 has redact-dask 9\.9\.9, not"):
        connect.prepare(client, 5)


def test_a_cluster_without_workers_is_refused_in_time(short: Path, tmp_path: Path) -> None:
    with LocalCluster(n_workers=0, **QUIET) as cluster:
        address = cluster.scheduler_address
        refusal = r"no worker has come in the 0\.5 s that cluster\.wait_s allows"
        with pytest.raises(UsageError, match=refusal):
            redact_dask.redact(short, tmp_path, {"cluster": {"address": address, "wait_s": 0.5}})
        with Client(address) as own, pytest.raises(UsageError, match=refusal):
            redact_dask.redact(short, tmp_path, {"cluster": {"wait_s": 0.5}}, own)


# Where it comes from


def test_a_class_is_started_used_and_closed(short: Path, tmp_path: Path) -> None:
    with connect.ready_client(settings(**one_worker())) as client:
        address = client.scheduler.address
        assert connect.threads(client) == 1
        config = {"detect": {"detectors": ["magenta"]}}
        assert redact_dask.redact(short, tmp_path, config, client).published == 1
    assert not answers(address)


def test_a_class_that_brings_no_workers_is_closed() -> None:
    addresses = []

    class Noted(LocalCluster):
        def get_client(self) -> Client:
            addresses.append(self.scheduler_address)
            return super().get_client()

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cloud", SimpleNamespace(Cluster=Noted))
        given = {"class": "cloud.Cluster", "kwargs": QUIET | {"n_workers": 0}, "wait_s": 0.5}
        with (
            pytest.raises(UsageError, match="no worker has come"),
            connect.ready_client(settings(**given)),
        ):
            pass
    assert not answers(addresses[0])


def test_a_cluster_that_adapts_has_a_worker_before_there_are_tasks() -> None:
    with connect.ready_client(settings(**local(n_workers=0), adapt={"maximum": 2})) as client:
        assert len(client.scheduler_info()["workers"]) == 1


def test_a_cluster_that_is_started_is_not_idle_while_its_driver_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or it would end in a night without videos, if it ends by itself when it is idle."""

    def transitions(dask_scheduler: Scheduler) -> int:
        return dask_scheduler.transition_counter

    monkeypatch.setattr(connect, "_AWAKE_S", 0.1, raising=False)
    with connect.ready_client(settings(**one_worker())) as client:
        before = client.run_on_scheduler(transitions)
        until(lambda: client.run_on_scheduler(transitions) > before, "a task", within=10)


class Gateway:
    """A cluster as Dask Gateway's: it is no `SpecCluster`, and has its own way to end."""

    made: Gateway

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.adapted: dict[str, Any] = {}
        self.closed = False
        self._inner = LocalCluster(n_workers=1, threads_per_worker=1, **QUIET)
        Gateway.made = self

    def adapt(self, **bounds: Any) -> None:
        self.adapted = bounds

    def get_client(self) -> Client:
        return Client(self._inner.scheduler_address)

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.close()
        self.closed = True


def test_a_class_needs_no_more_than_a_client_adapt_and_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "gateway", SimpleNamespace(Cluster=Gateway))
    given = {"class": "gateway.Cluster", "kwargs": {"image": "redact"}, "adapt": {"active": True}}
    with connect.ready_client(settings(**given)):
        assert Gateway.made.options == {"image": "redact"}
        assert Gateway.made.adapted == {"minimum": 1, "active": True}
        assert not Gateway.made.closed
    assert Gateway.made.closed


def test_what_happens_inside_is_not_taken_for_a_cluster_that_does_not_start() -> None:
    with pytest.raises(ZeroDivisionError), connect.ready_client(settings(**one_worker())):
        _ = 1 / 0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"class": "no_such_package.Cluster"},
            r"cluster\.class no_such_package\.Cluster cannot .*; pip install 'no-such-package'$",
        ),
        ({"class": "distributed.LocalClutter"}, "distributed has no LocalClutter$"),
        (
            {"class": "distributed.SSHCluster", "kwargs": {"hosts": []}},
            "distributed.SSHCluster does not start: ValueError: `hosts` must be a non empty",
        ),
        ({"address": "tcp://127.0.0.1:1"}, "no cluster answers at tcp://127.0.0.1:1: "),
        ({"address": "tls://127.0.0.1:1"}, "no cluster answers at tls://127.0.0.1:1: "),
    ],
)
def test_a_cluster_that_is_none_is_told_in_one_sentence(
    given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence), connect.connect(settings(**given)):
        pass


def test_no_client_is_left_of_a_scheduler_that_cannot_be_spoken_with(tls: dict[str, str]) -> None:
    """Its deletion would block whichever thread it happens in, if that is starting a loop."""

    def clients() -> set[int]:
        return {id(thing) for thing in gc.get_objects() if type(thing) is Client}

    before = clients()
    with running() as address:
        for given in ({"address": address, "security": tls}, {"address": "tls://127.0.0.1:1"}):
            with pytest.raises(UsageError), connect.connect(settings(**given)):
                pass
    assert clients() <= before


def test_the_package_of_a_cloud_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_cloudprovider.aws", None)
    with pytest.raises(UsageError, match=r"pip install 'redact-dask\[aws\]'"):
        connect.class_of("dask_cloudprovider.aws.FargateCluster")


def test_dasks_configuration_holds_while_the_cluster_does() -> None:
    key = "distributed.scheduler.worker-ttl"
    before = dask.config.get(key)
    for given in ({key: "77s"}, {"distributed": {"scheduler": {"worker-ttl": "77s"}}}):
        with connect.ready_client(settings(**one_worker(), dask=given)) as client:
            assert dask.config.get(key) == "77s"
            ttl = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.worker_ttl)
            assert ttl == 77
        assert dask.config.get(key) == before


# TLS


def test_idle_workers_take_tasks_over_soon_unless_told_otherwise() -> None:
    key = "distributed.scheduler.work-stealing-interval"
    for dask_settings, interval in (({}, "100ms"), ({key: "2s"}, "2s")):
        given = settings(**one_worker(), dask=dask_settings)
        with connect.connect(given) as running_client:
            found = running_client.run_on_scheduler(lambda: dask.config.get(key))
        assert found == interval


def test_a_class_is_given_the_certificates(tls: dict[str, str]) -> None:
    given = one_worker()
    given["kwargs"] |= {"protocol": "tls://"}
    with connect.ready_client(settings(**given, security=tls)) as client:
        assert client.scheduler.address.startswith("tls://")
        workers = client.scheduler_info()["workers"]
        assert all(address.startswith("tls://") for address in workers)


def test_an_address_is_reached_with_the_right_certificates_only(
    tls: dict[str, str], foreign_tls: dict[str, str]
) -> None:
    files = [f"--tls-ca-file={tls['ca_file']}", f"--tls-cert={tls['cert']}"]
    files += [f"--tls-key={tls['key']}"]
    with running("--protocol=tls", *files) as address:
        with (
            worker_of(address, *files),
            connect.ready_client(settings(address=address, security=tls)) as client,
        ):
            assert client.submit(int, "7").result() == 7
        for wrong in ({}, {"security": foreign_tls}):
            with (
                pytest.raises(UsageError, match=f"no cluster answers at {address}"),
                connect.connect(settings(address=address, **wrong)),
            ):
                pass


def test_a_scheduler_without_tls_is_refused_unless_it_is_allowed(tls: dict[str, str]) -> None:
    with running() as address:
        with (
            pytest.raises(UsageError, match=f"no cluster answers at {address}: .*encryption"),
            connect.connect(settings(address=address, security=tls)),
        ):
            pass
        lax = tls | {"require_encryption": False}
        with connect.connect(settings(address=address, security=lax)) as client:
            assert client.scheduler_info()["workers"] == {}


def test_a_certificate_that_is_missing_is_named(tls: dict[str, str], tmp_path: Path) -> None:
    given = settings(address="tls://h:1", security=tls | {"key": str(tmp_path / "gone.pem")})
    with (
        pytest.raises(UsageError, match=r"cluster\.security\.key: the file \S+gone\.pem cannot"),
        connect.connect(given),
    ):
        pass


# Secrets


def test_a_scheduler_forgets_the_tasks_that_have_gone(client: Client) -> None:
    def noted(dask_scheduler: Scheduler) -> tuple[int, int]:
        spans = dask_scheduler.extensions["spans"].spans.values()
        told = sum(len(span.metadata["collections"]) for span in spans if span.metadata)
        return told, key_split.cache_info().currsize

    client.gather([client.submit(pow, number, 2, pure=False) for number in range(100)])
    before = client.run_on_scheduler(noted)
    connect.forget_tasks(client)
    after = client.run_on_scheduler(noted)
    assert min(before) >= 100
    assert max(after) < 20
