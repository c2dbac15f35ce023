"""What folders hold."""

from __future__ import annotations

from pathlib import Path


def names(folder: Path, pattern: str = "*") -> list[str]:
    """Return the names of what lies in a folder, sorted."""
    return sorted(path.name for path in folder.glob(pattern))


def written(folder: Path) -> dict[str, int]:
    """Return when each thing below a folder was written, nanoseconds, by its path."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}
