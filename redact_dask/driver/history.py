"""What earlier runs did, from the manifest and from the copies that are there, ready for queries.

The history lies in a temporary database on this machine's disk, since a destination may hold
millions of videos.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from packaging.version import Version

from redact_dask import manifest, storage, versions
from redact_dask.config import Config
from redact_dask.errors import CheckFailed, DamagedVideo, UnsupportedVideo
from redact_dask.manifest import edits
from redact_dask.records import Joined, Video, video_id
from redact_dask.records.edits import Edit
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
    path text,
    alike integer,
    is_ours integer,
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
insert into copies values (?, ?, ?, ?, ?, ?, ?, ?, 0) on conflict (output) do update
set finished = excluded.finished, video = excluded.video, source = excluded.source,
    path = excluded.path, alike = excluded.alike, is_ours = excluded.is_ours, bytes = excluded.bytes
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
    OUTDATED = auto()
    """The video is skipped as one that is done, but another version of the package made its copy.
    """
    FAILED = auto()
    """The video is skipped: it was quarantined, and would fail again."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The video from which a copy was made."""

    video: str
    """Id of the video."""
    source: str
    """URL of the source at that time."""


class History:
    """Tells which videos are left to do.

    A video is done if it has a copy that counts. For that, the manifest must tell that the copy was
    the last one to be published in its place, and was made from this version of the source with
    these settings, by no version of the package that is to be replaced; and a file of its size must
    be there. It must follow the edits that are in force now. Videos and copies are known by their
    paths below source and destination: both may have been mounted elsewhere, or moved, since then.

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
        before = config.driver.redo_before
        self._oldest = Version(before) if before else None
        # With an empty name, SQLite makes a temporary file that goes away with the connection. Two
        # threads query it.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_TABLES)
        self._edits: Mapping[str, tuple[Edit, ...]] = {}

    def load(self) -> None:
        """Read the manifest, and check which of the copies that it names are there.

        Raises
        ------
        UsageError
            The edits of people cannot be read, or were altered after they were made.
        """
        self._edits = edits.by_video(layout.manifest(self._destination))
        self._read(manifest.attempts(layout.manifest(self._destination)))
        self._database.execute("create index by_video on copies (video)")
        self._database.execute("create index by_path on copies (path)")
        if self._one("select 1 from copies where alike"):
            self._database.execute("begin")
            found = storage.walk(self._destination, layout.OWN_FOLDERS)
            there = ((self._below(storage.escaped(url)), facts["size"]) for url, facts in found)
            self._database.executemany(
                "update copies set there = 1 where output = ? and bytes = ?", there
            )
            self._database.execute("commit")

    def edits(self, video: Video) -> tuple[Edit, ...]:
        """Return the edits of a video that are in force, by time."""
        return self._edits.get(video.id, ())

    def state(self, video: Video) -> VideoState:
        """Tell what the run does with a video."""
        done = "select is_ours from copies where video = ? and alike and there"
        if copy := self._one(done, video.id):
            return VideoState.DONE if copy[0] else VideoState.OUTDATED
        last = self._one("select published, failed from attempts where video = ?", video.id)
        if last is None or last[0]:
            return VideoState.NEW
        return VideoState.FAILED if last[1] and not self._retry_failed else VideoState.RETRY

    def settle(self, video: Video) -> None:
        """Note that this run has published or given up a video."""
        self._database.execute("insert or ignore into settled values (?)", (video.id,))

    def note(self, video: Video, joined: Joined) -> None:
        """Note a copy that this run has published: from now on only its own source replaces it."""
        output = self._below(joined.output)
        copy = (output, time.time(), video.id, video.source, video.path, True, True, joined.size)
        self._database.execute(_COPY, copy)
        self._database.execute("update copies set there = 1 where output = ?", (output,))

    def is_settled(self, video: str) -> bool:
        """Tell whether no run will resume from what is left of the video with this id."""
        return self._one(_SETTLED, video, video, video) is not None

    def origin(self, output: str) -> Origin | None:
        """Return the video whose copy was published at ``output``; None: none was.

        Only a copy of the same video, or of a later version of it, may replace it.

        Parameters
        ----------
        output
            Path of the copy below the destination.
        """
        found = self._one("select video, source from copies where output = ?", output)
        return Origin(*found) if found else None

    def copy_of_another_version(self, video: Video) -> str | None:
        """Return the path of the copy that another version of the same source has left, if any."""
        question = "select output from copies where path = ? and video != ? and source = ?"
        found = self._one(question, video.path, video.id, video.source)
        return str(found[0]) if found else None

    def _read(self, rows: Iterator[manifest.Row]) -> None:
        own = versions.own()
        self._database.execute("begin")
        for row in rows:
            finished = row["finished"].timestamp()
            published = row["status"] == "published"
            made_by = row["versions"].get(versions.PACKAGE, "0")
            path, output = manifest.paths(row, self._destination)
            video = video_id(path, row["version"])
            in_force = [edit.id for edit in self._edits.get(video, ())]
            alike = row["fingerprint"] == self._fingerprint and (row["edits"] or []) == in_force
            if alike:
                failed = made_by == own and row["error"] in PERMANENT_ERRORS
                self._database.execute(_ATTEMPT, (video, finished, published, failed))
            if published and output:
                counts = alike and not (self._oldest and Version(made_by) < self._oldest)
                copy = (output, finished, video, row["source"], path, counts)
                self._database.execute(_COPY, (*copy, made_by == own, row["bytes_out"]))
        self._database.execute("commit")

    def _below(self, url: str) -> str:
        """Return the path of a URL below the destination."""
        return url.removeprefix(f"{self._destination}/")

    def _one(self, question: str, *values: str) -> tuple[Any, ...] | None:
        answer: tuple[Any, ...] | None = self._database.execute(question, values).fetchone()
        return answer
