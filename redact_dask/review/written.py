"""Boxes that another tool has written, as regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import ORIGINS, RegionOrigin, Regions
from redact_dask.records.columns import numbered

Box = NDArray[np.float64]
"""Edges, shape (4,): x0, y0, x1, y1."""
Row = tuple[int, str, int, Box]
"""Number of the track, label, frame, and box."""


def regions(rows: Sequence[Row]) -> Regions:
    """Return rows in any order as regions, by frame."""
    if not rows:
        return Regions.of(())
    kinds, number = numbered((label, "person") for _, label, _, _ in rows)
    frame = np.array([row[2] for row in rows], np.int32)
    order = np.argsort(frame, kind="stable")
    return Regions(
        frame[order],
        np.array([row[0] for row in rows], np.int32)[order],
        np.array([row[3] for row in rows], np.float64)[order],
        np.full(len(rows), ORIGINS.index(RegionOrigin.DRAWN), np.uint8),
        np.array([number[row[1], "person"] for row in rows], np.uint16)[order],
        kinds,
    )
