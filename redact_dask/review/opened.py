"""One video that is looked at: its pictures, what is hidden in it, and its edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redact_dask import storage
from redact_dask.errors import UsageError, VideoError
from redact_dask.pages.server import NotShown
from redact_dask.records import Regions
from redact_dask.records.edits import Edit, EditKind, in_force, taken_back
from redact_dask.review import marks, pairs
from redact_dask.review.changes import Changes
from redact_dask.review.footage import Footage
from redact_dask.review.marks import Marks
from redact_dask.review.pairs import Pair
from redact_dask.storage import layout

MARKED = 120
"""Frames whose marks are told at once."""


@dataclass(frozen=True, slots=True)
class _Stream:
    """One video stream of the video."""

    source: Footage
    copy: Footage
    copied: Regions
    """What the copy hides."""


class Opened:
    """One video that is looked at; one thread at a time may call it, except for `picture`.

    Parameters
    ----------
    pair
        The copy, and its source.
    destination
        URL of the destination's root.
    edits
        All edits of the video.

    Raises
    ------
    NotShown
        The source or the copy is gone, has changed, or cannot be read.
    """

    def __init__(self, pair: Pair, destination: str, edits: Sequence[Edit]) -> None:
        self._pair = pair
        check(pair)
        if [facts["size"] for facts in storage.find(pair.output).values()] != [pair.size]:
            raise NotShown("The copy is not the one that was published: open the review again.")
        self._followed = pairs.followed(destination, pair)
        copied = marks.regions(layout.manifest(destination), pair.run, pair.video)
        self._streams: dict[int, _Stream] = {}
        try:
            for place, number in enumerate(pair.streams):
                source, of_copy = Footage(pair.source.source, number), Footage(pair.output, place)
                own = copied.get(number, Regions.of(()))
                self._streams[number] = _Stream(source, of_copy, own)
        except (VideoError, *storage.FAILURES) as error:
            self.close()
            raise NotShown(f"The video cannot be read: {error}.") from error
        self.edited(edits)

    def edited(self, edits: Sequence[Edit]) -> None:
        """Take up the edits of the video as they are now."""
        self._edits = [*edits]
        forced = in_force(edits)
        self._marks = {
            number: Marks(
                stream.copied,
                [edit for edit in forced if edit.stream == stream.source.number],
                self._followed,
                stream.source.times,
                stream.source.display,
            )
            for number, stream in self._streams.items()
        }

    def told(self) -> dict[str, Any]:
        """Return all that the page shows of the video besides pictures and marks."""
        return {
            "path": self._pair.source.path,
            "streams": [
                {
                    "stream": number,
                    "frames": stream.source.frames,
                    "rate": stream.source.rate,
                    "size": stream.source.display.size,
                    "tracks": self._marks[number].tracks(),
                    "doubts": self._doubts(number),
                }
                for number, stream in self._streams.items()
            ],
            "edits": self.told_edits(),
        }

    def _doubts(self, number: int) -> list[dict[str, Any]]:
        """Return the doubts about a stream by time; the gravest has the rank 0."""
        shown = self._streams[number].source.display.shown
        own = (doubt for doubt in self._pair.doubts if doubt.stream == number)
        told = [
            {
                "rank": rank,
                "first": doubt.first,
                "last": doubt.last,
                "label": doubt.label,
                "words": f"{doubt.label}: {doubt.why}",
                "box": shown(doubt.box) if doubt.box else None,
            }
            for rank, doubt in enumerate(own)
        ]
        return sorted(told, key=lambda doubt: (doubt["first"], doubt["rank"]))

    def told_edits(self) -> list[dict[str, Any]]:
        """Return the edits, the newest first; undos are told by what they undo."""
        undone = taken_back(self._edits)
        undoing = {
            edit.undoes: edit for edit in self._edits if edit.undoes and edit.id not in undone
        }
        return [
            {
                "id": edit.id,
                "kind": edit.kind,
                "stream": edit.stream or 0,
                "label": edit.label,
                "first": edit.boxes[0][0],
                "last": edit.boxes[-1][0],
                "by": edit.by,
                "at": edit.at.isoformat(),
                "why": edit.why,
                "is_followed": edit.id in self._followed,
                "undo": _told_undo(undoing.get(edit.id)),
            }
            for edit in reversed(self._edits)
            if edit.kind is not EditKind.UNDO and edit.boxes
        ]

    def within(self, stream: int, first: int) -> list[list[dict[str, Any]]]:
        """Return the marks on some frames, from a first one on.

        Raises
        ------
        NotShown
            The video has no such stream.
        """
        stop = min(first + MARKED, self._stream(stream).source.frames)
        return self._marks[stream].within(range(first, max(stop, first)))

    def picture(self, stream: int, of: str, frame: int, width: int) -> bytes:
        """Return a picture of the ``source`` or of the ``copy`` as JPEG; see `Footage.jpeg`."""
        found = self._stream(stream)
        return (found.copy if of == "copy" else found.source).jpeg(frame, width)

    def edit(self, given: Mapping[str, Any], by: str, labels: Sequence[str]) -> Edit:
        """Return the edit that a page has sent.

        Raises
        ------
        UsageError
            It is wrong, or the source has changed.
        """
        number = given.get("stream")
        if not isinstance(number, int) or number not in self._streams:
            raise UsageError("the video has no such stream")
        try:
            check(self._pair)
        except NotShown as error:
            raise UsageError(str(error)) from error
        source = self._streams[number].source
        changes = Changes(self._pair.source.path, self._pair.video, source.number, by, labels)
        match given.get("kind"):
            case "hide":
                return changes.hide(given, source.frames, source.display)
            case "show":
                return changes.show(given, source.frames, self._marks[number])
            case "undo":
                return changes.undo(given, self._edits)
        raise UsageError("this is no edit")

    def close(self) -> None:
        """Close its files, and forget its pictures."""
        for stream in self._streams.values():
            stream.source.close()
            stream.copy.close()

    def _stream(self, number: int) -> _Stream:
        if number not in self._streams:
            raise NotShown("The video has no such stream.")
        return self._streams[number]


def check(pair: Pair) -> None:
    """Raise `NotShown` if the source of a copy is not the one that the copy was made of."""
    now = [storage.version(facts) for facts in storage.find(pair.source.source).values()]
    if pair.is_outdated or now != [pair.source.version]:
        raise NotShown(
            f"{pair.source.path} has changed since its copy was made: redact it again with "
            "`redact-dask run`, and review the new copy"
        )


def _told_undo(undo: Edit | None) -> dict[str, str] | None:
    if undo is None:
        return None
    return {"id": undo.id, "by": undo.by, "at": undo.at.isoformat(), "why": undo.why}
