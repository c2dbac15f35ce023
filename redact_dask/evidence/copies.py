"""Checks the redacted copies at a destination against the rows of its manifest."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from packaging.version import InvalidVersion, Version

from redact_dask import manifest, storage, versions
from redact_dask.errors import UsageError
from redact_dask.evidence.findings import LEFT, Finding, Kind, is_temporary
from redact_dask.evidence.reading import digests
from redact_dask.manifest import edits, files
from redact_dask.records import video_id
from redact_dask.storage import Digest, layout

_UNFLUSHED_S = 120.0
"""Seconds after which the row of a copy is written by a run at work: it writes every 30 s."""
_COLUMNS = (
    *("source", "path", "version", "output", "status", "reason", "frames_black", "bytes_out"),
    *("sha256", "fingerprint", "versions", "finished", "source_sha256", "edits"),
)
_TABLES = """
create table copies (
    output text primary key,
    finished real,
    path text,
    version text,
    size integer,
    sha256 text,
    source_sha256 text,
    fingerprint text,
    made_by text,
    black integer,
    edits text,
    sealed integer,
    there integer
) without rowid;
create table good (output text primary key) without rowid;
create table outdated (output text primary key) without rowid;
create table failures (path text primary key, finished real, reason text) without rowid;
"""
# If two rows are about the same thing, the later one counts, whichever is read first.
_COPY = """
insert or replace into copies select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null
where not exists (select 1 from copies where output = ? and finished > ?)
"""
_FAILURE = """
insert or replace into failures select ?, ?, ?
where not exists (select 1 from failures where path = ? and finished > ?)
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """The last copy of a video, as the manifest tells of it."""

    output: str
    """Path below the destination."""
    version: str
    """Version of its source."""
    source_sha256: str | None
    """SHA-256 of its source, hexadecimal; None: it was not recorded then."""
    is_proven: bool
    """Whether it is whole and sealed, as its row says, and made as copies should be."""


class Copies:
    """The copies that the manifest names, in a temporary database on this machine's disk.

    Parameters
    ----------
    root
        URL of the manifest.
    destination
        URL of the destination's root; None: there is only the manifest.
    """

    def __init__(self, root: str, destination: str | None) -> None:
        self._root = root
        self._destination = destination
        # With an empty name, SQLite makes a temporary file that goes away with the connection.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(f"pragma journal_mode = off; {_TABLES}")
        self.checked = 0
        """Number of copies that were read."""
        self.bytes = 0
        """Size of the copies that were read, bytes."""

    def load(self, sealed: Collection[str]) -> Iterator[Finding]:
        """Read the manifest, and yield what cannot be read of it.

        Parameters
        ----------
        sealed
            SHA-256 of each file of the manifest that is as a seal lists it.
        """
        self._database.execute("begin")
        for content in files.contents(storage.join(self._root, "videos")):
            is_sealed = hashlib.sha256(content).hexdigest() in sealed
            try:
                for table in manifest.tables_of(content, "videos", _COLUMNS):
                    for row in table.to_pylist(maps_as_pydicts="lossy"):
                        self._add(row, is_sealed)
            except (pa.ArrowException, OSError, TypeError, ValueError) as error:
                first = str(error).partition("\n")[0]
                text = f"a file of {len(content)} bytes does not hold rows as a run writes: {first}"
                yield Finding(Kind.ALTERED, "videos", text)
        self._database.execute("commit")
        self._database.execute("create index by_path on copies (path)")

    def _add(self, row: manifest.Row, is_sealed: bool) -> None:
        path, output = manifest.paths(row, self._destination or "")
        finished = row["finished"].timestamp() if row["finished"] else 0.0
        if row["status"] != "published" or not output:
            self._database.execute(_FAILURE, (path, finished, row["reason"], path, finished))
            return
        made_by = (row["versions"] or {}).get(versions.PACKAGE, "0")
        copy = [output, finished, path, row["version"], row["bytes_out"], row["sha256"]]
        copy += [row["source_sha256"], row["fingerprint"], made_by, row["frames_black"]]
        copy += [" ".join(row["edits"] or ()), is_sealed]
        self._database.execute(_COPY, (*copy, output, finished))

    def check_settings(self, fingerprint: str | None) -> Iterator[Finding]:
        """Yield the copies that were made with other settings than some, or than the newest."""
        if fingerprint is None:
            newest = "select fingerprint from copies order by finished desc limit 1"
            fingerprint = next((found for (found,) in self._all(newest)), None)
        differing = "select output, fingerprint from copies where fingerprint is not ?"
        for output, found in self._all(differing, fingerprint):
            text = f"it was made with the settings {found}, not {fingerprint}; redact it again"
            yield self._outdated(output, text)

    def check_edits(self) -> Iterator[Finding]:
        """Yield the copies that do not follow the edits of people that are in force."""
        try:
            by_video = edits.by_video(self._root)
        except UsageError as error:
            yield Finding(Kind.ALTERED, layout.EDITS, str(error))
            return
        for output, path, version, followed in self._all(
            "select output, path, version, edits from copies"
        ):
            in_force = by_video.get(video_id(path, version), ())
            if followed != " ".join(edit.id for edit in in_force):
                yield self._outdated(output, "people have edited it since then; redact it again")

    def check_versions(self, oldest: Version) -> Iterator[Finding]:
        """Yield the copies that an older version of the package made."""
        for output, made_by in self._all("select output, made_by from copies"):
            if _version(made_by) < oldest:
                text = f"redact_dask {made_by} made it, which is older than {oldest}"
                yield self._outdated(output, f"{text}; run with --redo-before {oldest}")

    def _outdated(self, output: str, text: str) -> Finding:
        self._database.execute("insert or ignore into outdated values (?)", (output,))
        return Finding(Kind.OUTDATED, output, text)

    def check(self, destination: str, *, is_at_work: bool) -> Iterator[Finding]:
        """Yield the copies that are not as the manifest says, and files that it does not name.

        Parameters
        ----------
        destination
            URL of the destination's root.
        is_at_work
            Whether a run is at work: what it has published just now has no row yet.
        """
        yield from self._look(destination, is_at_work=is_at_work)
        for (output,) in self._all("select output from copies where there is null"):
            yield Finding(Kind.MISSING, output, "the manifest names it; redact its source again")
        differing = (
            "select output, there, size from copies where there is not null and there is not size"
        )
        for output, there, size in self._all(differing):
            text = f"it has {there} bytes, not {size} as the manifest says"
            yield Finding(Kind.ALTERED, output, f"{text}; remove it, and redact its source again")
        alike = self._all("select output, sha256 from copies where there = size")
        named = ((copy, storage.join(destination, copy[0])) for copy in alike)
        for (output, sha256), read in digests(named):
            if isinstance(read, OSError):
                yield Finding(Kind.UNREADABLE, output, f"it cannot be read: {read}")
                continue
            self.checked += 1
            self.bytes += read.size
            if read.sha256 == sha256:
                self._database.execute("insert into good values (?)", (output,))
            else:
                yield Finding(Kind.ALTERED, output, _differs(read, sha256))

    def _look(self, destination: str, *, is_at_work: bool) -> Iterator[Finding]:
        """Note which copies are there, and yield the files that the manifest does not name."""
        prefix = storage.canonical(destination) + "/"
        self._database.execute("begin")
        for url, facts in storage.walk(destination, layout.OWN_FOLDERS):
            output = storage.escaped(url.removeprefix(prefix))
            size = None if facts["type"] == "directory" else facts["size"]
            change = "update copies set there = ? where output = ?"
            if size is not None and self._database.execute(change, (size, output)).rowcount:
                continue
            written = storage.modified(facts)
            if is_temporary(output):
                yield Finding(Kind.NOTE, output, LEFT)
            elif is_at_work and (written is None or written > time.time() - _UNFLUSHED_S):
                text = "no row names it yet: it was just written, and a run is at work"
                yield Finding(Kind.NOTE, output, text)
            else:
                text = "no run has published it, as far as the manifest tells; remove it"
                yield Finding(Kind.ADDED, output, text)
        self._database.execute("commit")

    def of(self, path: str) -> Copy | None:
        """Return the last copy of the source with this path; None: there is none."""
        question = """
            select output, version, source_sha256,
                sealed and coalesce(black, 0) = 0
                and output in (select output from good)
                and output not in (select output from outdated)
            from copies where path = ? order by finished desc limit 1
        """
        for output, version, source_sha256, is_proven in self._all(question, path):
            return Copy(output, version, source_sha256, bool(is_proven))
        return None

    def failure(self, path: str) -> str | None:
        """Return why the source with this path was quarantined at last; None: it was not."""
        question = "select reason from failures where path = ?"
        return next((str(reason) for (reason,) in self._all(question, path)), None)

    def _all(self, question: str, *values: str | None) -> Iterator[tuple[Any, ...]]:
        return self._database.execute(question, values)


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _differs(read: Digest, sha256: str) -> str:
    text = f"its SHA-256 is {read.sha256}, not {sha256} as the manifest says"
    return f"{text}; remove it, and redact its source again"
