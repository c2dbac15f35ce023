"""What a listing passes over, so that no file is left out in silence."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

_MOST_NAMED = 5
"""Most linked folders, and most endings, that are named."""


class PassedOver:
    """Counts the files and folders that a listing does not take for videos."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin to count from zero."""
        self._links: list[str] = []
        self._linked = 0
        self._files: Counter[str] = Counter()

    def add_linked_folder(self, path: PurePosixPath) -> None:
        """Count a link to a folder: it may lead back, or to what has a path of its own."""
        self._linked += 1
        if len(self._links) < _MOST_NAMED:
            self._links.append(path.name)

    def add_file(self, path: PurePosixPath) -> None:
        """Count a file."""
        self._files["hidden" if path.name.startswith(".") else path.suffix.lower()] += 1

    def __str__(self) -> str:
        """Return a list of what is passed over; empty: nothing is.

        >>> passed_over = PassedOver()
        >>> passed_over.add_linked_folder(PurePosixPath("day/latest"))
        >>> for name in ("a.txt", "b.TXT", "README", ".DS_Store"):
        ...     passed_over.add_file(PurePosixPath(name))
        >>> str(passed_over)
        '1 linked folder (latest), 2 .txt files, 1 file without an ending, 1 hidden file'
        """
        told = []
        if self._linked:
            more = ", ..." if self._linked > len(self._links) else ""
            named = f"{', '.join(self._links)}{more}"
            told.append(_counted(self._linked, "linked folder", f" ({named})"))
        kinds = sorted(self._files.items(), key=lambda kind: (-kind[1], kind[0]))[:_MOST_NAMED]
        told += [_counted(count, *_words(kind)) for kind, count in kinds]
        if others := self._files.total() - sum(count for _, count in kinds):
            told.append(_counted(others, "file", " of other kinds"))
        return ", ".join(told)


def _words(kind: str) -> tuple[str, str]:
    return ("file", " without an ending") if not kind else (f"{kind} file", "")


def _counted(count: int, thing: str, more: str = "") -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}{more}"
