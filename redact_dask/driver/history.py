"""What earlier runs did, from the manifest and from the copies that are there, ready for queries.

The history lies in a temporary database on this machine's disk, since a destination may hold
millions of videos.
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
"""Classes of errors that are the fault of the video: it fails again, but others need not."""

DISCARDING_ERRORS = PERMANENT_ERRORS | {CheckFailed.__name__}
"""Classes of errors after which another attempt can use nothing that was made of the video."""

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
# If two rows are about the same thing, the later one counts, whichever is read first.
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
    """What a run does with a video."""

    NEW = auto()
    """The video is to be done."""
    RETRY = auto()
    """The video is to be done, but its last attempt failed, and the next one may fail too."""
    DONE = auto()
    """The video is skipped: its redacted copy is there."""
    FAILED = auto()
    """The video is skipped: it was quarantined, and would fail again."""


class History:
    """Tells which videos are left to do.

    A video is done if it has a copy that counts. For that, the manifest must tell that the copy was
    the last one to be published in its place, and was made from this version of the source with
    these settings; and a file of its size must be there.

    A video would fail again if it is at fault itself, and neither the video nor the settings nor
    the package have changed.

    Parameters
    ----------
    destination
        URL of the destination's root.
    config
        All settings of the run.
    """

    def __init__(self, destination: str, config: Config) -> None:
        self._destination = destination
        self._fingerprint = config.fingerprint
        self._retry_failed = config.driver.retry_failed
        # With an empty name, SQLite makes a temporary file that goes away with the connection. Two
        # threads query it.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_TABLES)

    def load(self) -> None:
        """Read the manifest, and check which of the copies that it names are there."""
        self._read(manifest.attempts(layout.manifest(self._destination)))
        self._database.execute("create index by_video on copies (video)")
        if self._one("select 1 from copies where alike"):
            self._database.execute("begin")
            found = storage.walk(self._destination, layout.OWN_FOLDERS)
            there = ((url, facts["size"]) for url, facts in found)
            self._database.executemany(
                "update copies set there = 1 where output = ? and bytes = ?", there
            )
            self._database.execute("commit")

    def state(self, video: Video) -> VideoState:
        """Tell what the run does with a video."""
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
        """Note a copy that this run has published: from now on only its own source replaces it."""
        copy = (joined.output, time.time(), video.id, video.source, True)
        self._database.execute(_COPY, (*copy, joined.size))
        self._database.execute("update copies set there = 1 where output = ?", (joined.output,))

    def is_settled(self, video: str) -> bool:
        """Tell whether no run will resume from what is left of the video with this id."""
        return self._one(_SETTLED, video, video, video) is not None

    def origin(self, output: str) -> str | None:
        """Return the URL of the source whose copy was published at ``output``; None: none was.

        Only a copy of the same source may replace it.
        """
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
