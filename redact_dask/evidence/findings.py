"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from redact_dask.storage.local import TEMPORARY


class Kind(StrEnum):
    """What is to be said of a file."""

    MISSING = "missing"
    ALTERED = "altered"
    """It is there, but not as it was written."""
    ADDED = "added"
    """Nothing that a run has written names it."""
    UNREADABLE = "unreadable"
    UNSEALED = "unsealed"
    """No seal lists it, so that nothing tells whether it was altered."""
    UNSIGNED = "unsigned"
    """No signature by a key that counts vouches for it."""
    OUTDATED = "outdated"
    """It was made with other settings, or by an older version, than it should be."""
    UNREDACTED = "unredacted"
    """It is a source without a copy."""
    NOTE = "note"
    """It is as it should be, but somebody who judges should know of it."""
    DELETABLE = "deletable"
    """It is a source whose copy is proven to be whole."""

    @property
    def is_problem(self) -> bool:
        """Whether it keeps the evidence from being whole."""
        return self not in (Kind.NOTE, Kind.DELETABLE)


def is_temporary(path: str) -> bool:
    """Tell whether a file lies where processes write files that are not whole yet."""
    return any(name.startswith(TEMPORARY) for name in path.split("/"))


LEFT = "a process writes it, or was killed while it did; the next one that writes there removes it"
"""What is to be said of a temporary file."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    kind: Kind
    what: str
    """Path below the destination, or below the manifest; for a source, its URL."""
    text: str
    """What is the matter, and what to do, as a sentence for a person."""
