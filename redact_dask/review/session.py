"""One person who reviews videos: what there is to see, and what they change."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from redact_dask import manifest
from redact_dask.errors import UsageError
from redact_dask.manifest import edits
from redact_dask.pages.server import NotShown
from redact_dask.records import FACE
from redact_dask.records.edits import Edit
from redact_dask.review.opened import Opened
from redact_dask.review.pairs import Pair
from redact_dask.storage import layout

_OPEN = 2
"""Videos that are held open: each takes up to some 400 MB of memory for pictures."""


class Session:
    """What the page of one person asks for, and how it is answered; any thread may call it.

    Parameters
    ----------
    pairs
        The videos, in the order in which they are shown.
    destination
        URL of the destination's root.
    by
        Name of the person.

    Raises
    ------
    UsageError
        The name cannot be used, or the edits that are there cannot be read.
    """

    def __init__(self, pairs: Sequence[Pair], destination: str, by: str) -> None:
        if not re.fullmatch(r"\w[\w.-]{0,39}", by):
            raise UsageError(
                f"the name {by!r} must have at most 40 letters, digits, dots, dashes and "
                "underscores: give one with --as"
            )
        self._pairs = pairs
        self._destination = destination
        self._manifest = layout.manifest(destination)
        self._by = by
        self._labels = _labels(self._manifest)
        self._opened: OrderedDict[int, Opened] = OrderedDict()
        self._lock = Lock()
        self._read: dict[str, list[Edit]] = {}
        self._edits(pairs[0])

    def state(self) -> dict[str, Any]:
        """Return all that the page shows at first, as values of JSON."""
        with self._lock:
            counts = Counter(edit.video for edit in edits.read(self._manifest, self._read))
        return {
            "by": self._by,
            "labels": self._labels,
            "videos": [
                {
                    "path": pair.source.path,
                    "seconds": pair.seconds,
                    "cameras": len(pair.streams),
                    "doubts": len(pair.doubts),
                    "why": pair.doubts[0].why if pair.doubts else "",
                    "edits": counts[pair.video],
                }
                for pair in self._pairs
            ],
        }

    def video(self, number: int) -> dict[str, Any]:
        """Return all that the page shows of a video besides pictures and marks.

        Raises
        ------
        NotShown
            There is no such video, or it cannot be shown.
        """
        with self._lock:
            opened = self._open(number)
            opened.edited(self._edits(self._pairs[number]))
            return opened.told()

    def marks(self, number: int, stream: int, first: int) -> list[list[dict[str, Any]]]:
        """Return what is hidden on each of some frames of a video, from a first one on.

        Raises
        ------
        NotShown
            There is no such video or stream.
        """
        with self._lock:
            return self._open(number).within(stream, first)

    def picture(self, number: int, stream: int, of: str, frame: int, width: int) -> bytes:
        """Return a frame of the ``source`` or the ``copy`` of a video as JPEG.

        Raises
        ------
        NotShown
            There is no such frame, or it cannot be shown.
        """
        with self._lock:
            opened = self._open(number)
        return opened.picture(stream, of, frame, width)

    def edit(self, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an edit of a video, and return what the page shows of the video then.

        Raises
        ------
        UsageError
            The edit is wrong, or the video's source has changed; nothing was kept.
        """
        with self._lock:
            try:
                opened = self._open(number)
            except NotShown as error:
                raise UsageError(str(error)) from error
            # Somebody else may have edited the video meanwhile.
            opened.edited(self._edits(self._pairs[number]))
            edits.append(self._manifest, [opened.edit(given, self._by, self._labels)])
            opened.edited(self._edits(self._pairs[number]))
            return opened.told()

    def close(self) -> None:
        """Close all videos."""
        with self._lock:
            for opened in self._opened.values():
                opened.close()
            self._opened.clear()

    def _open(self, number: int) -> Opened:
        if not 0 <= number < len(self._pairs):
            raise NotShown("There is no such video.")
        if number not in self._opened:
            pair = self._pairs[number]
            self._opened[number] = Opened(pair, self._destination, self._edits(pair))
            if len(self._opened) > _OPEN:
                self._opened.popitem(last=False)[1].close()
        self._opened.move_to_end(number)
        return self._opened[number]

    def _edits(self, pair: Pair) -> list[Edit]:
        """Return all edits of a video, by time."""
        found = edits.read(self._manifest, self._read)
        return [edit for edit in found if edit.video == pair.video]


def _labels(root: str) -> list[str]:
    """Return the labels of all that was ever hidden at a destination; faces are the first."""
    found: set[str] = set()
    for table in manifest.tables(root, "videos", ["tracks"]):
        for row in table.to_pylist(maps_as_pydicts="strict"):
            found |= {*(row["tracks"] or ())}
    return [FACE, *sorted(found - {FACE})]
