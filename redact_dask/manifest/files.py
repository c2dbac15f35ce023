"""The files of one dataset: small ones are appended, and merged into larger ones.

A file is named ``RUN-FIRST-LAST.parquet``: it has the rows that a run wrote from one flush to
another. One whose flushes are all in another file of the run has been replaced by that, and is
passed over until it is gone; so whoever is killed leaves no row missing, and none twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from redact_dask import storage
from redact_dask.storage import scratch

_MERGED_AT = 64
"""Files that are merged into one: of a night with a flush each 30 s, some 20 are left."""
_NAME = re.compile(r"(?P<run>[^/]+)-(?P<first>\d{6})-(?P<last>\d{6})\.parquet")

Span = tuple[int, int]
"""The first and the last flush whose rows a file has."""


class Parts:
    """Appends to a dataset.

    Parameters
    ----------
    folder
        URL of the dataset.
    run
        Name of the run: no other writes files of that name.
    """

    def __init__(self, folder: str, run: str) -> None:
        self._folder = folder
        self._run = run
        self._flushes = 0
        self._small: list[Span] = []

    def append(self, table: pa.Table) -> None:
        """Write a table to a file of its own."""
        span = (self._flushes, self._flushes)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        storage.write(self._url(span), sink.getvalue().to_pybytes())
        self._flushes += 1
        self._small.append(span)
        if len(self._small) == _MERGED_AT:
            self.merge()

    def merge(self) -> None:
        """Make one file of those that were not merged yet."""
        urls = [self._url(span) for span in self._small]
        if len(urls) > 1:
            whole = (self._small[0][0], self._small[-1][1])
            _concatenate(urls, self._url(whole))
            for url in urls:
                storage.remove(url)
        self._small.clear()

    def _url(self, span: Span) -> str:
        first, last = span
        return storage.join(self._folder, f"{self._run}-{first:06}-{last:06}.parquet")


def current(folder: str, runs: Collection[str] | None = None) -> list[str]:
    """Return the URLs of a dataset's files that were not replaced; none: there is no dataset.

    Parameters
    ----------
    folder
        URL of the dataset.
    runs
        Names of the runs whose files are wanted, beside those that no run has named; default: all.
    """
    urls = [url for url, replaced in _listed(folder) if not replaced]
    return [url for url in urls if runs is None or _run_of(url) in {None, *runs}]


def contents(
    folder: str, runs: Collection[str] | None = None, most: int | None = None
) -> Iterator[bytes]:
    """Yield a dataset's files: each row once, also while a run merges them.

    Parameters
    ----------
    folder
        URL of the dataset.
    runs
        As of `current`.
    most
        How many files; of more, those evenly spread over all. Default: all.
    """
    urls = current(folder, runs)
    if most is not None and len(urls) > most:
        urls = [urls[rank * len(urls) // most] for rank in range(most)]
    by_run: dict[str | None, list[str]] = {}
    for url in urls:
        by_run.setdefault(_run_of(url), []).append(url)
    for run, own in by_run.items():
        yield from _contents(own, partial(_of_run, folder, run))


def last_content(folder: str) -> bytes | None:
    """Return the file of a dataset that was begun last; None: there is none yet."""
    return next(_contents(current(folder)[-1:], lambda: current(folder)[-1:]), None)


def remove_replaced(folder: str) -> None:
    """Remove the files whose rows are in others."""
    for url, replaced in _listed(folder):
        if replaced:
            storage.remove(url)


def _run_of(url: str) -> str | None:
    """Return the name of the run that has written a file; None: its name is not one of ours."""
    match = _NAME.fullmatch(url.rpartition("/")[2])
    return match["run"] if match else None


def _of_run(folder: str, run: str | None) -> list[str]:
    return [url for url in current(folder) if _run_of(url) == run]


def _contents(urls: list[str], listed_again: Callable[[], list[str]]) -> Iterator[bytes]:
    """Yield files; what has only one flush may be merged away, so that is read before the rest."""
    held: dict[str, bytes] = {}
    while True:
        try:
            held = {url: storage.read(url) for url in urls if _has_one_flush(url)}
            break
        except FileNotFoundError:
            before, urls = urls, listed_again()
            if urls == before:
                raise
    for url in urls:
        yield held.pop(url) if url in held else storage.read(url)


def _has_one_flush(url: str) -> bool:
    match = _NAME.fullmatch(url.rpartition("/")[2])
    return match is not None and match["first"] == match["last"]


def _listed(folder: str) -> Iterator[tuple[str, bool]]:
    """Yield the files of a dataset, and whether each was replaced."""
    names = {}
    for url, _ in storage.walk(folder):
        name = url.rpartition("/")[2]
        # A write that was killed may have left a part of a file, under a hidden name.
        if name.endswith(".parquet") and not name.startswith("."):
            names[url] = _NAME.fullmatch(name)
    # Of files that begin with the same flush, the longest comes first.
    known = sorted(
        (match["run"], int(match["first"]), -int(match["last"]), url)
        for url, match in names.items()
        if match
    )
    replaced: set[str] = set()
    covered: dict[str, int] = {}
    for run, _, last, url in known:
        if -last <= covered.get(run, -1):
            replaced.add(url)
        else:
            covered[run] = -last
    yield from ((url, url in replaced) for url in sorted(names))


def _concatenate(urls: Sequence[str], target: str) -> None:
    """Write the rows of some files to another one, holding one file at a time."""
    with scratch.folder() as folder:
        path = folder / "merged.parquet"
        writer: pq.ParquetWriter | None = None
        for url in urls:
            table = pq.read_table(pa.BufferReader(storage.read(url)))
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
        if writer:
            writer.close()
            storage.publish(path, target)
    pa.default_memory_pool().release_unused()
