"""Checks whether everything is ready for a run, and tells what to do where it is not."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice

from distributed import Client, wait

from redact_dask import storage, versions
from redact_dask.cluster import accounts, connect, memory, worker_check
from redact_dask.cluster.worker_check import CheckRequest, WorkerReport
from redact_dask.cluster.worker_plugins import OneThreadATask
from redact_dask.config import Config
from redact_dask.errors import RedactError, UsageError
from redact_dask.sources import listing
from redact_dask.storage import layout, s3_trial

_ANSWER_S = 120.0
"""Seconds that a worker may take to answer: it may have to load a network first."""
_CLOCK_S = 5.0
"""Seconds by which clocks may differ: a lease expires two minutes after its last renewal."""
_SCRATCH = 2 * 2**30
"""Bytes that a few videos take while they are joined."""
_KEEPS_VERSIONS = (
    "keeps old versions: what runs delete from _work and _lease stays, unseen and paid for; give "
    "the bucket a lifecycle rule that deletes noncurrent versions"
)
_LOCKS = (
    "has Object Lock: runs work, but what they delete from _work and _lease is kept, unseen and "
    "paid for, until its retention ends; set work to a bucket without Object Lock"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question."""

    topic: str
    ok: bool
    text: str
    """What was found, or what to do."""


def findings(source: str | None, destination: str | None, config: Config) -> Iterator[Finding]:
    """Ask all questions, and yield each answer as soon as it is there.

    Parameters
    ----------
    source, destination
        Source and destination of the run. If one is None, nothing that needs it is checked.
    config
        All settings of the run.
    """
    with ExitStack() as open_:
        try:
            client = open_.enter_context(connect.connect(config.cluster))
            client.wait_for_workers(1, timeout=config.cluster.wait_s)
        except UsageError as error:
            yield Finding("cluster", False, str(error))
            return
        except TimeoutError:
            late = f"no worker has come in the {config.cluster.wait_s:g} s of cluster.wait_s"
            yield Finding("cluster", False, f"{late}: see why none starts")
            return
        workers = [*client.scheduler_info(n_workers=-1)["workers"]]
        yield Finding(
            "cluster",
            True,
            f"{len(workers)} workers with {connect.threads(client)} threads",
        )
        same = _of_the_same_version(client)
        yield same
        if same.ok:
            client.register_plugin(OneThreadATask())
            yield from _storage_and_workers(client, workers, source, destination, config)


def _of_the_same_version(client: Client) -> Finding:
    # Even a worker without this package has this function.
    found = client.run(version, "redact-dask", on_error="return")
    own = versions.own()
    for worker, other in found.items():
        if other != own:
            has = f"has redact-dask {other}" if isinstance(other, str) else "has no redact-dask"
            return Finding("package", False, f"worker {worker} {has}, not {own}: install it there")
    return Finding("package", True, f"redact-dask {own} on the driver and on all workers")


def _storage_and_workers(
    client: Client, workers: list[str], source: str | None, destination: str | None, config: Config
) -> Iterator[Finding]:
    """Check source and destination from the driver, and then all that the workers report."""
    marks: dict[str, str] = {}
    sample = None
    try:
        if source and destination:
            video = next(iter(islice(listing.list_videos(source, destination, config.work), 1)))
            sample = video.source
            yield Finding("source", True, f"{video.path} is the first of its videos")
            if storage.is_s3(sample):
                yield from _kept(s3_trial.try_reading(sample))
        if destination:
            root = storage.canonical(destination)
            for folder in (root, layout.work_area(root, config.work)):
                marks[folder], _ = worker_check.mark(folder)
            yield Finding("destination", True, "the driver can write there")
            for folder in marks:
                if storage.is_s3(folder) and not folder.startswith(f"{root}/"):
                    yield from _of_trial(folder)
    except (*storage.FAILURES, RedactError) as error:
        yield Finding("destination" if sample else "source", False, str(error))
    try:
        request = CheckRequest(config.detect, sample, marks, config.s3)
        asked = _asked(client, workers, request)
        yield from _of_reports(request, *asked)
        if not any(found.writing for found in asked[0].values()):
            yield from _of_accounts(client, marks)
    finally:
        for folder, url in reversed(marks.items()):
            storage.remove(url)
            storage.prune(folder)


def _of_accounts(client: Client, folders: Collection[str]) -> Iterator[Finding]:
    """Let each account work on what the others make; tell nothing if there is one account."""
    troubles = accounts.troubles(client, folders)
    if troubles is not None:
        good = "each reads and writes what the others make"
        yield Finding("accounts", not troubles, troubles[0] if troubles else good)


def _of_trial(folder: str) -> Iterator[Finding]:
    """Write objects as the settings say, one of them in parts, and look at what the store did."""
    trial = s3_trial.try_writing(folder)
    yield from _kept(trial.wrong)
    if not trial.wrong:
        yield Finding(
            "upload", True, "objects in one request and in parts are kept as s3.dest says"
        )
    if trial.locks:
        yield Finding("bucket", True, f"{folder} {_LOCKS}")
    elif trial.keeps_versions:
        yield Finding("bucket", True, f"{folder} {_KEEPS_VERSIONS}")


def _kept(wrong: Iterable[str]) -> Iterator[Finding]:
    for sentence in wrong:
        yield Finding("s3", False, sentence)


def _asked(
    client: Client, workers: list[str], request: CheckRequest
) -> tuple[Mapping[str, WorkerReport], Mapping[str, str], float, float]:
    """Return the workers' reports, why other workers gave none, and when asking began and ended.

    Both times are seconds since the epoch.
    """
    begun = time.time()
    futures = {
        worker: client.submit(
            worker_check.examine,
            request,
            workers=[worker],
            pure=False,
            priority=1_000_000,
            retries=0,
        )
        for worker in workers
    }
    with suppress(TimeoutError):
        wait([*futures.values()], timeout=_ANSWER_S)
    reports, silent = {}, {}
    for worker, future in futures.items():
        if not future.done():
            silent[worker] = f"does not answer within {_ANSWER_S:g} s: it is busy, or blocked"
            future.cancel()
        elif error := future.exception():
            silent[worker] = f"fails: {type(error).__name__}: {error}"
        else:
            reports[worker] = future.result()
    return reports, silent, begun, time.time()


def _of_reports(
    request: CheckRequest,
    reports: Mapping[str, WorkerReport],
    silent: Mapping[str, str],
    begun: float,
    ended: float,
) -> Iterator[Finding]:
    def answer(topic: str, good: str, troubles: Mapping[str, str]) -> Finding:
        """Name the first worker that is in trouble, and count the others."""
        found = [f"worker {worker} {trouble}" for worker, trouble in troubles.items() if trouble]
        more = f" (and {len(found) - 1} more workers)" if len(found) > 1 else ""
        return Finding(topic, not found, f"{found[0]}{more}" if found else good)

    if silent:
        yield answer("answers", "", silent)
    if not reports:
        return
    own = versions.installed()
    yield answer(
        "versions",
        "the same software on the driver and on all workers",
        {worker: _difference(own, found.software) for worker, found in reports.items()},
    )
    yield answer(
        "threads",
        "each library keeps to one thread a task",
        {
            worker: f"lets a library start {found.threads} threads: set OMP_NUM_THREADS=1 there"
            if found.threads > 1
            else ""
            for worker, found in reports.items()
        },
    )
    yield answer(
        "nannies",
        "each worker has one",
        {
            worker: ""
            if found.has_nanny
            else "has no nanny, and what kills it stays dead: "
            "start it with one (dask worker --nanny)"
            for worker, found in reports.items()
        },
    )
    needed = memory.needed_mib(1920, 1080, "yuv420p", "hevc", request.detect)
    yield answer(
        "memory",
        f"enough for 1080p, which needs {needed:.0f} MiB a thread",
        {
            worker: f"may use {found.memory / 2**20:.0f} MiB, and 1080p needs {needed:.0f}: "
            "give it more"
            if found.memory is not None and found.memory * memory.USABLE / 2**20 < needed
            else ""
            for worker, found in reports.items()
        },
    )
    yield answer(
        "clocks",
        f"less than {_CLOCK_S:g} s from the driver's",
        {
            worker: ""
            if begun - _CLOCK_S < found.clock < ended + _CLOCK_S
            else f"has a clock {found.clock - ended:+.0f} s from the driver's: synchronise it"
            for worker, found in reports.items()
        },
    )
    least = min(found.scratch_free for found in reports.values()) / 2**30
    yield answer(
        "scratch",
        f"private, and {least:.0f} GiB free at least",
        {
            worker: found.scratch
            or (
                f"has {found.scratch_free / 2**20:.0f} MiB of scratch space: point TMPDIR to more"
                if found.scratch_free < _SCRATCH
                else ""
            )
            for worker, found in reports.items()
        },
    )
    if request.source:
        trouble = {worker: found.reading for worker, found in reports.items()}
        yield answer("reading", "all workers can read the source", trouble)
    if request.marks:
        trouble = {worker: found.writing for worker, found in reports.items()}
        yield answer("writing", "all workers write there, and see what others write", trouble)
    yield answer(
        "detectors",
        "each looks at a picture, or is not asked because it costs",
        {worker: found.detecting for worker, found in reports.items()},
    )


def _difference(own: Mapping[str, str], found: Mapping[str, str]) -> str:
    """Return how a worker's software differs from the driver's; empty: it is the same."""
    for name in sorted({*own, *found}):
        if own.get(name) != found.get(name):
            return (
                f"has {name} {found.get(name, 'not installed')}, the driver "
                f"{own.get(name, 'not installed')}: install the same"
            )
    return ""
