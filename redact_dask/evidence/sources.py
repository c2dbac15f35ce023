"""Checks sources against what was redacted, and tells which of them may be deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from redact_dask.evidence.copies import Copies, Copy
from redact_dask.evidence.findings import Finding, Kind
from redact_dask.evidence.reading import digests
from redact_dask.records import Video

_Redacted = tuple[Video, Copy]


class Sources:
    """The sources of a destination's copies.

    Parameters
    ----------
    videos
        The sources as they are now.
    copies
        The copies, which have been checked.
    """

    def __init__(self, videos: Iterable[Video], copies: Copies) -> None:
        self._videos = videos
        self._copies = copies
        self._unredacted: list[Finding] = []
        self._unhashed = 0
        self.checked = 0
        """Number of sources that were looked at."""

    def check(self) -> Iterator[Finding]:
        """Yield the sources that have no copy, or are not what was redacted, or may be deleted."""
        for (video, copy), read in digests(self._redacted()):
            yield from self._told()
            if isinstance(read, OSError):
                yield Finding(Kind.UNREADABLE, video.source, f"it cannot be read: {read}")
            elif read.sha256 != copy.source_sha256:
                yield Finding(Kind.ALTERED, video.source, self._changed(video, copy))
            elif copy.is_proven:
                text = f"{copy.output} is its copy, byte for byte as it was published"
                yield Finding(Kind.DELETABLE, video.source, text)
        yield from self._told()
        if self._unhashed:
            text = f"{self._unhashed} copies were made before the hashes of sources were recorded; "
            yield Finding(Kind.NOTE, "sources", f"{text}size and time of these sources fit")

    def _redacted(self) -> Iterator[tuple[_Redacted, str]]:
        """Yield the sources that have a copy and are to be read; take note of the others."""
        for video in self._videos:
            self.checked += 1
            copy = self._copies.of(video.path)
            if copy is None:
                reason = self._copies.failure(video.path)
                why = (
                    f"it was quarantined: {reason}" if reason else "no run has taken it; start one"
                )
                self._unredacted.append(Finding(Kind.UNREDACTED, video.source, why))
            elif copy.source_sha256 is not None:
                yield (video, copy), video.source
            elif copy.version == video.version:
                self._unhashed += 1
            else:
                changed = Finding(Kind.ALTERED, video.source, self._changed(video, copy))
                self._unredacted.append(changed)

    def _told(self) -> Iterator[Finding]:
        """Yield what was noted of sources that are not read, each once."""
        yield from self._unredacted
        self._unredacted.clear()

    def _changed(self, video: Video, copy: Copy) -> str:
        text = f"it is not the file of which {copy.output} is the copy"
        if reason := self._copies.failure(video.path):
            return f"{text}; an attempt to redact it was quarantined: {reason}"
        return f"{text}; start a run"
