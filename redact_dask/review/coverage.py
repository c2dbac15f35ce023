"""How much of each box others cover on its frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import ORIGINS, RegionOrigin, Regions
from redact_dask.records.edits import Edit, EditKind

HIDDEN = 0.75
"""Least share of a detection that a region covers so that it counts as hidden."""
SAME = 0.5
"""Least share of a detection that a region covers whose track it belongs to."""
_PAIRS = 2**20
"""Pairs of boxes that are compared at once: they take some 100 MB."""


def covered(
    frame: NDArray[np.int32], box: NDArray[np.float64], regions: Regions
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return how much of each box one region of its frame covers, and which one covers most.

    Parameters
    ----------
    frame, box
        Frame and box of n things; shapes (n,) and (n, 4).
    regions
        Regions, sorted by frame.

    Returns
    -------
    Shares from 0 to 1, and rows of ``regions``, -1 where none touches the box; shape (n,).
    """
    share = np.zeros(len(frame))
    row = np.full(len(frame), -1, np.intp)
    for thing, other in pairs(frame, regions):
        lower = np.minimum(box[thing, 2:], regions.box[other, 2:])
        common = lower - np.maximum(box[thing, :2], regions.box[other, :2])
        sides = np.maximum(box[thing, 2:] - box[thing, :2], 1e-6)
        shares = np.prod(np.maximum(common, 0), axis=1) / np.prod(sides, axis=1)
        # The last value that is written to a place stays: that of the largest share.
        order = np.argsort(shares, kind="stable")
        order = order[shares[order] > 0]
        share[thing[order]] = shares[order]
        row[thing[order]] = other[order]
    return share, row


def pairs(
    frame: NDArray[np.int32], regions: Regions
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield each thing with each region of its frame, some at a time: rows of both.

    Parameters
    ----------
    frame
        Frame of n things, shape (n,).
    regions
        Regions, sorted by frame.
    """
    first = np.searchsorted(regions.frame, frame, "left")
    many = np.searchsorted(regions.frame, frame, "right") - first
    block = np.cumsum(many) // _PAIRS
    for part in np.split(np.arange(len(frame)), np.flatnonzero(np.diff(block)) + 1):
        thing = np.repeat(part, many[part])
        before = np.cumsum(many[part]) - many[part]
        yield thing, np.arange(len(thing)) - np.repeat(before - first[part], many[part])


def boxes_of(edits: Iterable[Edit]) -> Regions:
    """Return what edits hide or show on each frame, as regions whose tracks are their ranks.

    Between two boxes of an edit that hides, the box is interpolated; only a run, which knows how
    the camera moves, follows it more closely.
    """
    parts = [Regions.of(())]
    for rank, edit in enumerate(edits):
        if not edit.boxes:
            continue
        known = np.array([box[0] for box in edit.boxes], np.int32)
        sides = np.array([box[1:] for box in edit.boxes], np.float64)
        frame = known
        if edit.kind is EditKind.HIDE:
            frame = np.arange(known[0], known[-1] + 1, dtype=np.int32)
            sides = np.column_stack([np.interp(frame, known, side) for side in sides.T])
        count = len(frame)
        origin = np.full(count, ORIGINS.index(RegionOrigin.DRAWN), np.uint8)
        track, kind = np.full(count, rank, np.int32), np.zeros(count, np.uint16)
        kinds = np.array([[edit.label, edit.by]], np.str_)
        parts.append(Regions(frame, track, sides, origin, kind, kinds))
    joined = Regions.joined(parts)
    return joined[np.argsort(joined.frame, kind="stable")]
