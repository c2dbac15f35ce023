"""Converting columns of Arrow tables to NumPy arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def numbers(column: pa.ChunkedArray) -> Floats:
    """Return a column of numbers, with 0 for those that are missing; shape (rows)."""
    found: Floats = pc.coalesce(column.cast(pa.float64()), 0.0).to_numpy()
    return found


def epoch(column: pa.ChunkedArray) -> Floats:
    """Return a column of times in microseconds as seconds since the epoch; shape (rows)."""
    return numbers(column.cast(pa.int64())) / 1e6
