"""What earlier runs did: the manifest, and the copies that are there, ready to be asked.

It lies in a temporary database on this machine's disk, since a destination may hold millions.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from redact_dask import manifest, storage, versions
from redact_dask.config import Config
from redact_dask.errors import CheckFailed, DamagedVideo, UnsupportedVideo
from redact_dask.records import Joined, Video
from redact_dask.storage import layout

PERMANENT_ERRORS = frozenset({UnsupportedVideo.__name__, DamagedVideo.__name__})
"""Classes of errors that a video is at fault for: it fails again, and others need not."""

DISCARDING_ERRORS = PERMANENT_ERRORS | {CheckFailed.__name__}
"""Classes of errors after which nothing that was made of a video is of use to another attempt."""

_TABLES = """
create table attempts (
    video text primary key,
    finished integer,
    published integer,
    failed integer
) without rowid;
create table copies (
    output text primary key,
    finished integer,
    video text,
    source text,
    alike integer,
    bytes integer,
    there integer default 0
) without rowid;
create table settled (video text primary key) without rowid;
"""
_SETTLED = """
select 1 from settled where video = ?
union all select 1 from copies where video = ? and alike and there
union all select 1 from attempts where video = ? and failed
"""
# Of two rows about the same thing, the later one counts, whichever is read first.
_ATTEMPT = """
insert into attempts values (?, ?, ?, ?) on conflict (video) do update
set finished = excluded.finished, published = excluded.published, failed = excluded.failed
where excluded.finished >= finished
"""
_COPY = """
insert into copies values (?, ?, ?, ?, ?, ?, 0) on conflict (output) do update
set finished = excluded.finished, video = excluded.video, source = excluded.source,
    alike = excluded.alike, bytes = excluded.bytes
where excluded.finished >= finished
"""


class VideoState(Enum):
    """What becomes of a video."""

    NEW = auto()
    """It is to be done."""
    RETRY = auto()
    """The same, but its last attempt failed: it may do so again."""
    DONE = auto()
    """Its redacted copy is there."""
    FAILED = auto()
    """It was quarantined, and would fail again."""


class History:
    """Tells what is left to do.

    A copy counts if the manifest tells that it was the last to be published in its place, that it
    was made from this version of the source with these settings, and a file of its size is there.
    A video fails again if it is at fault itself, and neither it nor settings nor package changed.

    Parameters
    ----------
    destination
        URL of the destination's root.
    config
        All settings.
    """

    def __init__(self, destination: str, config: Config) -> None:
        self._destination = destination
        self._fingerprint = config.fingerprint
        self._retry_failed = config.driver.retry_failed
        # An empty name is a file that goes away with the connection. It is asked from two threads.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_TABLES)

    def load(self) -> None:
        """Read the manifest, and see which of the copies that it names are there."""
        self._read(manifest.attempts(layout.manifest(self._destination)))
        self._database.execute("create index by_video on copies (video)")
        if self._one("select 1 from copies where alike"):
            self._database.execute("begin")
            found = storage.walk(self._destination, layout.OWN_FOLDERS)
            there = ((url, info["size"]) for url, info in found)
            self._database.executemany(
                "update copies set there = 1 where output = ? and bytes = ?", there
            )
            self._database.execute("commit")

    def state(self, video: Video) -> VideoState:
        """Tell what becomes of a video."""
        done = "select 1 from copies where video = ? and alike and there"
        if self._one(done, video.id):
            return VideoState.DONE
        last = self._one("select published, failed from attempts where video = ?", video.id)
        if last is None or last[0]:
            return VideoState.NEW
        return VideoState.FAILED if last[1] and not self._retry_failed else VideoState.RETRY

    def settle(self, video: Video) -> None:
        """Note that this run has published or given up a video."""
        self._database.execute("insert or ignore into settled values (?)", (video.id,))

    def note(self, video: Video, joined: Joined) -> None:
        """Note what this run has published: only its own source replaces it from now on."""
        copy = (joined.output, time.time(), video.id, video.source, True)
        self._database.execute(_COPY, (*copy, joined.size))
        self._database.execute("update copies set there = 1 where output = ?", (joined.output,))

    def is_settled(self, video: str) -> bool:
        """Tell, for the id of a video, whether no run goes on from what is left of it."""
        return self._one(_SETTLED, video, video, video) is not None

    def origin(self, output: str) -> str | None:
        """Return the URL of the source whose copy was published there: only its own replaces it."""
        found = self._one("select source from copies where output = ?", output)
        return str(found[0]) if found else None

    def _read(self, rows: Iterator[manifest.Row]) -> None:
        own = versions.own()
        self._database.execute("begin")
        for row in rows:
            finished, alike = row["finished"].timestamp(), row["fingerprint"] == self._fingerprint
            published = row["status"] == "published"
            if alike:
                failed = (
                    row["versions"].get("redact-dask") == own and row["error"] in PERMANENT_ERRORS
                )
                attempt = (row["video"], finished, published, failed)
                self._database.execute(_ATTEMPT, attempt)
            if published and row["output"]:
                copy = (row["output"], finished, row["video"], row["source"], alike)
                self._database.execute(_COPY, (*copy, row["bytes_out"]))
        self._database.execute("commit")

    def _one(self, question: str, *values: str) -> tuple[Any, ...] | None:
        answer: tuple[Any, ...] | None = self._database.execute(question, values).fetchone()
        return answer
