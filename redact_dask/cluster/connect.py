"""From configuration to a Dask client."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dask.config
from dask.utils import key_split
from distributed import Client, LocalCluster, Scheduler, Security
from distributed.comm import core as comm

from redact_dask import versions
from redact_dask.cluster.worker_plugins import (
    FinishesInterrupted,
    KeepsNoProfile,
    OneThreadATask,
    SweepsScratch,
)
from redact_dask.config import ClusterSettings, SecuritySettings
from redact_dask.errors import UsageError

_EXTRAS = {
    "dask_cloudprovider": "aws",
    "dask_gateway": "gateway",
    "dask_jobqueue": "slurm",
    "dask_kubernetes": "kubernetes",
}
"""Extra of this package that brings a module."""

_DASK = {"distributed.scheduler.work-stealing-interval": "100ms"}
"""Of a cluster that is started here, if nothing else is set: `render` waits where `track` ran until
a worker that is idle takes it over, which Dask lets it do once a second."""

_ANSWER_S = 5
"""Seconds in which a scheduler that runs must answer."""


@contextmanager
def ready_client(settings: ClusterSettings) -> Iterator[Client]:
    """Give a client of the configured cluster, prepared; what was started for it ends with it.

    Raises
    ------
    UsageError
        The cluster cannot be reached or started, or is not fit; see `prepare`.
    """
    with connect(settings) as client:
        yield prepare(client, settings.wait_s)


@contextmanager
def connect(settings: ClusterSettings) -> Iterator[Client]:
    """Give a client of the configured cluster, as it is; what was started for it ends with it.

    Raises
    ------
    UsageError
        Nobody answers at the address, or the class cannot be found or started.
    """
    with dask.config.set(_DASK | _flat(settings.dask)):
        if settings.address:
            with _at(settings.address, settings.security) as client:
                yield client
        elif settings.class_path:
            with _of_class(settings.class_path, settings) as client:
                yield client
        else:
            with _local(settings) as cluster, Client(cluster) as client:
                client.register_plugin(FinishesInterrupted())
                yield client


def prepare(client: Client, wait_s: float) -> Client:
    """Wait for a worker, and make a cluster ready for the stages.

    Parameters
    ----------
    client
        Of the cluster.
    wait_s
        Longest time until there is a worker, seconds.

    Raises
    ------
    UsageError
        No worker comes, or one has another version of the package than this process, or none: it
        would redact in another way than the manifest tells.
    """
    try:
        client.wait_for_workers(1, timeout=wait_s)
    except TimeoutError:
        raise UsageError(
            f"no worker has come in the {wait_s:g} s that cluster.wait_s allows: see why none "
            "starts, or wait longer"
        ) from None
    try:
        found = client.run(version, "redact-dask")
        client.register_plugin(OneThreadATask())
        client.register_plugin(KeepsNoProfile())
        client.register_plugin(SweepsScratch())
    except ImportError as error:
        raise UsageError(
            f"a worker cannot import redact_dask ({error}); install it there"
        ) from None
    own = versions.own()
    for worker, other in found.items():
        if other != own:
            raise UsageError(
                f"worker {worker} has redact-dask {other}, not {own}; install it there"
            )
    return client


def class_of(path: str) -> Callable[..., Any]:
    """Return what a dotted path names: a class of clusters, or a function that makes one.

    Raises
    ------
    UsageError
        Its package is not installed, or has no such name.
    """
    module, _, name = path.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except ImportError as error:
        top = module.partition(".")[0]
        package = f"redact-dask[{_EXTRAS[top]}]" if top in _EXTRAS else top.replace("_", "-")
        raise UsageError(
            f"cluster.class {path} cannot be imported ({error}); pip install '{package}'"
        ) from None
    except AttributeError:
        raise UsageError(f"cluster.class {path}: {module} has no {name}") from None
    return found


def threads(client: Client) -> int:
    """Return the number of tasks that the cluster can run at once, at least one."""
    return max(1, sum(dict[str, int](client.nthreads()).values()))


def threads_at(settings: ClusterSettings) -> int | None:
    """Return how many tasks the configured cluster can run at once; None: it would be started.

    Raises
    ------
    UsageError
        Nobody answers at the address.
    """
    if settings.class_path:
        return None
    if settings.address is None:
        return settings.workers or os.cpu_count() or 1
    with ready_client(settings) as client:
        return threads(client)


def forget_tasks(client: Client) -> None:
    """Let client and scheduler forget what they note of each task, and would hold for ever."""

    # Inside, it is sent as it is: a scheduler need not have the package.
    def forget(dask_scheduler: Scheduler) -> None:
        key_split.cache_clear()
        spans = dask_scheduler.extensions.get("spans")
        for span in spans.spans.values() if spans else ():
            if span.metadata:
                span.metadata["collections"].clear()

    key_split.cache_clear()
    client.run_on_scheduler(forget)


@contextmanager
def _at(address: str, settings: SecuritySettings | None) -> Iterator[Client]:
    security = _security(settings) or Security()
    try:
        # In a thread of its own: the caller's may run a loop, as that of a notebook does.
        with ThreadPoolExecutor(1) as caller:
            caller.submit(asyncio.run, _call(address, security)).result()
        client = Client(address, timeout=_ANSWER_S, security=security)
    # Dask raises RuntimeError for an address that is not encrypted although it must be, and
    # TypeError for one that is, without certificates.
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise UsageError(f"no cluster answers at {address}: {error}") from None
    with client:
        yield client


async def _call(address: str, security: Security) -> None:
    """Connect once: a client that cannot blocks its process, if it is deleted while a loop starts.

    Python may do so in the thread that holds Dask's lock of loops; the deletion waits for it.
    """
    connection = await comm.connect(address, _ANSWER_S, **security.get_connection_args("client"))
    await connection.close()


@contextmanager
def _of_class(path: str, settings: ClusterSettings) -> Iterator[Client]:
    """Start a cluster and close it, by no more than what all classes of clusters have."""
    kwargs = dict(settings.kwargs)
    if settings.security:
        kwargs["security"] = _security(settings.security)
    make = class_of(path)
    with ExitStack() as started:
        try:
            cluster = started.enter_context(make(**kwargs))
            if settings.adapt:
                cluster.adapt(**settings.adapt.model_dump(exclude_none=True))
            client = started.enter_context(cluster.get_client())
        except Exception as error:  # Whatever a cloud may answer.
            raise UsageError(f"{path} does not start: {type(error).__name__}: {error}") from error
        yield client


def _flat(nested: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return settings by their dotted names: a nested one would replace all that is beside it."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        inner = isinstance(value, Mapping) and value
        flat |= _flat(value, f"{above}{key}.") if inner else {f"{above}{key}": value}
    return flat


def _local(settings: ClusterSettings) -> LocalCluster:
    return LocalCluster(
        n_workers=settings.workers or os.cpu_count() or 1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=settings.dashboard,
        # A failed task is told by its video's row; a traceback on the terminal would tell it worse.
        silence_logs=logging.CRITICAL,
    )


def _security(settings: SecuritySettings | None) -> Security | None:
    """Return the same files for each role: a class of clusters starts scheduler and workers too."""
    if settings is None:
        return None
    for key in ("ca_file", "cert", "key"):
        file = Path(getattr(settings, key))
        if not os.access(file, os.R_OK):
            raise UsageError(f"cluster.security.{key}: the file {file} cannot be read")
    files = {"tls_ca_file": settings.ca_file}
    for role in ("client", "scheduler", "worker"):
        files |= {f"tls_{role}_cert": settings.cert, f"tls_{role}_key": settings.key}
    return Security(require_encryption=settings.require_encryption, **files)
