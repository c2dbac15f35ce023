"""The Parquet files of one dataset: appending small ones, and merging them into larger ones.

A file is named ``RUN-FIRST-LAST.parquet``, and holds the rows that a run wrote from its flush
``FIRST`` to its flush ``LAST``. If another file of the run holds the same flushes and more, it has
replaced the file, which readers skip until it is removed. So a run that is killed at any time
leaves no row missing, and none twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq

from redact_dask import storage
from redact_dask.storage import scratch

_MERGED_AT = 64
"""Files that are merged into one: a night with a flush every 30 s leaves some 20 files."""
_NAME = re.compile(r"(?P<run>[^/]+)-(?P<first>\d{6})-(?P<last>\d{6})\.parquet")

Span = tuple[int, int]
"""Numbers of the first and the last flush whose rows a file holds."""


class Parts:
    """Appends the rows of one run to a dataset.

    Parameters
    ----------
    folder
        URL of the dataset.
    run
        Name of the run, which no other run has.
    """

    def __init__(self, folder: str, run: str) -> None:
        self._folder = folder
        self._run = run
        self._flushes = 0
        self._small: list[Span] = []

    def append(self, tables: Iterable[pa.Table]) -> bool:
        """Write tables to a new file; merge the small files if there are enough of them.

        Return whether they were merged.
        """
        span = (self._flushes, self._flushes)
        sink = pa.BufferOutputStream()
        _write(sink, tables)
        storage.write(self._url(span), sink.getvalue().to_pybytes())
        self._flushes += 1
        self._small.append(span)
        is_enough = len(self._small) == _MERGED_AT
        if is_enough:
            self.merge()
        return is_enough

    def merge(self) -> None:
        """Merge the small files that are not merged yet into one file."""
        urls = [self._url(span) for span in self._small]
        if len(urls) > 1:
            whole = (self._small[0][0], self._small[-1][1])
            _concatenate(urls, self._url(whole))
            for url in urls:
                storage.remove(url)
        self._small.clear()

    @property
    def growing(self) -> list[str]:
        """Names of the files that are to be merged yet; all others stay as they are."""
        return [self._url(span).rpartition("/")[2] for span in self._small]

    def _url(self, span: Span) -> str:
        first, last = span
        return storage.join(self._folder, f"{self._run}-{first:06}-{last:06}.parquet")


def current(folder: str, runs: Collection[str] | None = None) -> list[str]:
    """Return the URLs of a dataset's files that no other file has replaced.

    Parameters
    ----------
    folder
        URL of the dataset; if it does not exist, it has no files.
    runs
        Names of the runs whose files are wanted, in addition to files whose names tell no run;
        default: all.
    """
    urls = [url for url, replaced in _listed(folder) if not replaced]
    return [url for url in urls if runs is None or run_of(url) in {None, *runs}]


def contents(
    folder: str, runs: Collection[str] | None = None, most: int | None = None
) -> Iterator[bytes]:
    """Yield the contents of a dataset's files: each row once, even while a run merges files.

    Parameters
    ----------
    folder
        URL of the dataset.
    runs
        Names of the runs whose files are wanted, as in `current`.
    most
        Most files to yield; if there are more, they are picked evenly from all. Default: all.
    """
    urls = current(folder, runs)
    if most is not None and len(urls) > most:
        urls = [urls[rank * len(urls) // most] for rank in range(most)]
    by_run: dict[str | None, list[str]] = {}
    for url in urls:
        by_run.setdefault(run_of(url), []).append(url)
    for run, own in by_run.items():
        yield from _contents(own, partial(_current_of_run, folder, run))


def last_content(folder: str) -> bytes | None:
    """Return the content of a dataset's newest file, by its name; None: there is no file yet."""
    return next(_contents(current(folder)[-1:], lambda: current(folder)[-1:]), None)


def table(content: bytes) -> pa.Table:
    """Return all rows of a small file, given its content.

    Raises
    ------
    pyarrow.ArrowException
        It is no Parquet file.
    """
    # In this thread: a thread of Arrow that still ends when the program does may abort it.
    return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)


def remove_replaced(folder: str) -> None:
    """Remove the files that others have replaced."""
    for url, replaced in _listed(folder):
        if replaced:
            storage.remove(url)


def run_of(url: str) -> str | None:
    """Return the run in a file's name or URL; None: it is not ``RUN-FIRST-LAST.parquet``."""
    match = _NAME.fullmatch(url.rpartition("/")[2])
    return match["run"] if match else None


def _current_of_run(folder: str, run: str | None) -> list[str]:
    """Return the URLs of a run's files in a dataset that no other file has replaced."""
    return [url for url in current(folder) if run_of(url) == run]


def _contents(urls: list[str], listed_again: Callable[[], list[str]]) -> Iterator[bytes]:
    """Yield the contents of files of one run.

    Files with a single flush are read first, since the run may merge and remove them meanwhile. If
    one is gone already, ``listed_again`` tells which files there are now.
    """
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
    """Yield the URL of each file of a dataset, and whether another file has replaced it."""
    names = {}
    for url, _ in storage.walk(folder):
        name = url.rpartition("/")[2]
        # A killed process may have left part of a file, under a hidden name.
        if name.endswith(".parquet") and not name.startswith("."):
            names[url] = _NAME.fullmatch(name)
    # Sort so that of files that begin with the same flush, the longest comes first.
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
    """Write the rows of some files to one file, holding one of them in memory at a time."""
    with scratch.folder() as folder:
        path = folder / "merged.parquet"
        _write(str(path), (table(storage.read(url)) for url in urls))
        storage.publish(path, target)
    pa.default_memory_pool().release_unused()


def _write(file: str | pa.NativeFile, tables: Iterable[pa.Table]) -> None:
    """Write tables, of which there is one at least, to one file, one after the other."""
    rest = iter(tables)
    first = next(rest)
    with pq.ParquetWriter(file, first.schema) as writer:
        for table in chain([first], rest):
            writer.write_table(table)
