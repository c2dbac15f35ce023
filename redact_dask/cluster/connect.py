"""Connects to the configured Dask cluster, and makes it ready for the stages."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import dask.config
from dask.utils import key_split
from distributed import Client, Scheduler, Security
from distributed.comm import core as comm
from tornado.ioloop import IOLoop, PeriodicCallback

from redact_dask import versions
from redact_dask.cluster import local_workers
from redact_dask.cluster.worker_plugins import (
    FinishesInterrupted,
    KeepsFreedMemory,
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
"""Extra of this package that installs each module."""

_DASK = {"distributed.scheduler.work-stealing-interval": "100ms"}
"""Dask's settings for a cluster that is started here, if nothing else is set. `render` waits where
`track` ran until an idle worker steals it, which Dask by itself lets workers do once a second."""

_ANSWER_S = 5
"""Seconds within which a running scheduler must answer."""

_AWAKE_S = 60
"""Time between two tasks that do nothing, seconds. Clusters that end when they have been idle, so
that a killed driver leaves none, must not end while their driver waits for videos."""


@contextmanager
def ready_client(settings: ClusterSettings) -> Iterator[Client]:
    """Yield a client of the configured cluster, made ready; close afterwards what was started.

    Raises
    ------
    UsageError
        The cluster cannot be reached or started, or is not fit; see `prepare`.
    """
    with connect(settings) as client:
        yield prepare(client, settings.wait_s)


def warm_up(settings: ClusterSettings) -> None:
    """Begin to load the workers' libraries, if `connect` will start workers on this machine.

    This process need not wait for it.
    """
    if _is_local(settings):
        with dask.config.set(_dask(settings)):
            local_workers.warm_up()


@contextmanager
def connect(settings: ClusterSettings) -> Iterator[Client]:
    """Yield a client of the configured cluster as it is; close afterwards what was started.

    Raises
    ------
    UsageError
        No scheduler answers at the address, or the class cannot be found or started.
    """
    warm_up(settings)
    with dask.config.set(_dask(settings)):
        if settings.address:
            with _reach(settings.address, settings.security) as client:
                yield client
        elif settings.class_path:
            with _start(settings.class_path, settings) as client:
                yield client
        else:
            with local_workers.start(settings) as cluster, Client(cluster) as client:
                client.register_plugin(FinishesInterrupted())
                yield client


def prepare(client: Client, wait_s: float) -> Client:
    """Wait for a worker, and make a cluster ready for the stages; return its client.

    Parameters
    ----------
    client
        Client of the cluster.
    wait_s
        Longest time to wait for the first worker, seconds.

    Raises
    ------
    UsageError
        No worker comes; or a worker has no redact_dask, or another version of it than this process,
        and would redact in another way than the manifest tells.
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
        client.register_plugin(KeepsFreedMemory())
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
    """Return what a dotted path names: a class of clusters, or a function that makes a cluster.

    Raises
    ------
    UsageError
        The package of the path is not installed, or its module has no such name.
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
    """Return how many tasks the configured cluster can run at once; None: a class must start it.

    Raises
    ------
    UsageError
        No scheduler answers at the address, or its cluster is not fit; see `prepare`.
    """
    if _is_local(settings):
        return local_workers.number(settings)
    if settings.class_path:
        return None
    with ready_client(settings) as client:
        return threads(client)


def forget_tasks(client: Client) -> None:
    """Let client and scheduler forget what they note about each task, and would keep for ever."""

    # A nested function is sent as code: the scheduler need not have the package.
    def forget(dask_scheduler: Scheduler) -> None:
        key_split.cache_clear()
        spans = dask_scheduler.extensions.get("spans")
        for span in spans.spans.values() if spans else ():
            if span.metadata:
                span.metadata["collections"].clear()

    key_split.cache_clear()
    client.run_on_scheduler(forget)


@contextmanager
def _reach(address: str, settings: SecuritySettings | None) -> Iterator[Client]:
    security = _security(settings) or Security()
    try:
        # In a thread of its own: the caller's may run an event loop already, as in a notebook.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _connect_once(address, security)).result()
        client = Client(address, timeout=_ANSWER_S, security=security)
    # Dask raises RuntimeError if the address is not encrypted although it must be, and TypeError if
    # it is encrypted and there are no certificates.
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise UsageError(f"no cluster answers at {address}: {error}") from None
    with client:
        yield client


async def _connect_once(address: str, security: Security) -> None:
    """Connect to a scheduler and hang up, so that no `Client` is made that cannot connect.

    Such a client blocks its process if it is deleted while an event loop starts: Python may delete
    it in the thread that holds Dask's lock of loops, and the deletion waits for this lock.
    """
    connection = await comm.connect(address, _ANSWER_S, **security.get_connection_args("client"))
    await connection.close()


@contextmanager
def _start(path: str, settings: ClusterSettings) -> Iterator[Client]:
    """Start a cluster and close it afterwards, using only what all classes of clusters have."""
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
        except Exception as error:  # A cloud may raise anything.
            raise UsageError(f"{path} does not start: {type(error).__name__}: {error}") from error
        started.enter_context(_kept_awake(client))
        yield client


@contextmanager
def _kept_awake(client: Client) -> Iterator[None]:
    def awake() -> None:
        """Do nothing: that there is a task is enough."""

    def submit() -> None:
        if client.status == "running":
            client.submit(awake, pure=False)

    ticking = PeriodicCallback(submit, _AWAKE_S * 1000)
    loop = cast(IOLoop, client.loop)
    loop.add_callback(ticking.start)
    try:
        yield
    finally:
        loop.add_callback(ticking.stop)


def _is_local(settings: ClusterSettings) -> bool:
    """Tell whether the workers are processes that `connect` starts on this machine."""
    return settings.address is None and settings.class_path is None


def _dask(settings: ClusterSettings) -> dict[str, Any]:
    """Return Dask's settings by dotted names: those of the user replace ours."""
    ours = local_workers.dask_settings() if _is_local(settings) else {}
    return _DASK | ours | _flat(settings.dask)


def _flat(nested: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested settings by dotted names: a nested one would replace all that is beside it."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        inner = isinstance(value, Mapping) and value
        flat |= _flat(value, f"{above}{key}.") if inner else {f"{above}{key}": value}
    return flat


def _security(settings: SecuritySettings | None) -> Security | None:
    """Return the settings in Dask's form, with the same files for every role.

    A class of clusters starts the scheduler and the workers with them, too.
    """
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
