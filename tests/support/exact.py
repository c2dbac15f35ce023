"""Whether a redacted video is exactly its source: frames, times, pictures and audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from decoded import audio, pictures, times


def assert_exact(source: Path, result: Path, *, shifted: bool = False) -> None:
    """Compare a result in which nothing was hidden, encoded without loss, with its source.

    ``shifted``: only the distances of the frames' times are the source's.
    """
    before, after = times(source), times(result)
    if shifted:
        before, after = ([time - found[0] for time in found] for found in (before, after))
    assert after == before
    assert_same_pictures(source, result)
    assert audio(result) == audio(source)


def assert_same_pictures(source: Path, result: Path) -> None:
    """Compare the frames in the order in which they are shown."""
    before, after = pictures(source), pictures(result)
    assert len(after) == len(before)
    assert all(np.array_equal(was, now) for was, now in zip(before, after, strict=True))
